/**
 * One call's peer connection: its offer or answer with all candidates in it, the other side's description, the track it
 * sends, the player of what it receives, its tones.
 *
 * Invariants: after `close()` nothing happens any more; the microphone's track is off unless `setMicrophone(true)` was
 * the last word. Knows no call ids and no gateway.
 */

/** Plays one remote stream. */
export interface Player {
  setMuted(muted: boolean): void;
  stop(): void;
}

export interface PeerPorts {
  play(stream: MediaStream): Player;
  /** Resolves after so many seconds. */
  sleep(seconds: number): Promise<void>;
  /** Something about the connection changed: `connected`, `failed`… */
  changed(): void;
}

/** ITU-T Q.23 tones for people: long enough for old machines, short enough to type. */
const TONE_MS = 120;
const TONE_GAP_MS = 70;

export class Peer {
  readonly connection: RTCPeerConnection;
  readonly track: MediaStreamTrack;
  /** It did not connect in time, and the gateway is told that its sound is gone. */
  givenUp = false;
  private readonly sender: RTCRtpSender;
  private readonly ports: PeerPorts;
  private readonly gatherSeconds: number;
  private player: Player | null = null;
  private speaker = true;
  private closed = false;

  constructor(
    connection: RTCPeerConnection,
    track: MediaStreamTrack,
    gatherSeconds: number,
    ports: PeerPorts,
  ) {
    this.connection = connection;
    this.track = track;
    this.ports = ports;
    this.gatherSeconds = gatherSeconds;
    this.sender = connection.addTrack(track, new MediaStream([track]));
    connection.ontrack = (event) => this.hear(event);
    connection.onconnectionstatechange = () => {
      if (!this.closed) ports.changed();
    };
  }

  get connected(): boolean {
    return !this.closed && this.connection.connectionState === "connected";
  }

  /** Whether it carries sound or may still come to it. */
  get hopeful(): boolean {
    const state = this.connection.connectionState;
    return !this.closed && !this.givenUp && state !== "failed" && state !== "closed";
  }

  /** Whether the other side's sound description is here: early media, or the answer. */
  get hasRemote(): boolean {
    return !this.closed && this.connection.remoteDescription !== null;
  }

  /** Our offer, complete: the gateway puts it into an INVITE, there is no second chance for candidates. */
  async offer(): Promise<string> {
    await this.connection.setLocalDescription(await this.connection.createOffer());
    return this.gathered();
  }

  /** Our answer to the PBX's offer, complete. */
  async answer(offer: string): Promise<string> {
    await this.connection.setRemoteDescription({ type: "offer", sdp: offer });
    await this.connection.setLocalDescription(await this.connection.createAnswer());
    return this.gathered();
  }

  /** The PBX's answer, or its early media before it. A second answer (a retransmitted letter) is ignored. */
  async remote(kind: "answer" | "pranswer", sdp: string): Promise<void> {
    const state = this.connection.signalingState;
    if (this.closed || (state !== "have-local-offer" && state !== "have-remote-pranswer")) return;
    await this.connection.setRemoteDescription({ type: kind, sdp });
  }

  setMicrophone(on: boolean): void {
    this.track.enabled = on;
  }

  setSpeaker(on: boolean): void {
    this.speaker = on;
    this.player?.setMuted(!on);
  }

  /** Sends tones; false when the far end did not agree to telephone-event (RFC 4733) or nothing is connected. */
  tones(digits: string): boolean {
    const dtmf = this.sender.dtmf;
    if (!dtmf?.canInsertDTMF) return false;
    dtmf.insertDTMF(dtmf.toneBuffer + digits, TONE_MS, TONE_GAP_MS);
    return true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.connection.ontrack = null;
    this.connection.onconnectionstatechange = null;
    this.player?.stop();
    this.player = null;
    this.connection.close();
  }

  private hear(event: RTCTrackEvent): void {
    this.player?.stop();
    this.player = this.ports.play(event.streams[0] ?? new MediaStream([event.track]));
    this.player.setMuted(!this.speaker);
  }

  private async gathered(): Promise<string> {
    const connection = this.connection;
    if (connection.iceGatheringState !== "complete") {
      const complete = new Promise<void>((resolve) => {
        connection.addEventListener("icegatheringstatechange", () => {
          if (connection.iceGatheringState === "complete") resolve();
        });
      });
      await Promise.race([complete, this.ports.sleep(this.gatherSeconds)]);
    }
    const sdp = connection.localDescription?.sdp;
    if (!sdp) throw new Error("the browser gave no description");
    return sdp;
  }
}
