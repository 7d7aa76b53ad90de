/**
 * The telephone of this tab: one peer connection per call, made for dialling, answering or bringing sound back after a
 * reload, and led by the state that the gateway tells.
 *
 * It does not know the socket, the views or amoCRM. Invariants: a peer connection exists only for a call that belongs to
 * this tab and has not ended (or for a dialling that has no call yet); its microphone is on only while the gateway's
 * state says so and no unconfirmed mute or hold of the user stands against it; a letter that comes before its peer
 * connection waits for it.
 */

import type { Answer, Command, Refusal } from "../link/effects";
import type { IceServer, Remote, Ring, State } from "../protocol";
import { type Microphone, MicrophoneTrouble } from "./microphone";
import { Peer, type PeerPorts } from "./peer";
import {
  belongsHere,
  type Intent,
  microphoneOn,
  reattachWait,
  soundExpected,
  speakerOn,
  wantsSound,
} from "./rules";

/** Refusals of the telephone itself. */
export type PhoneCode = "microphone" | "no_offer" | "sound_failed" | "no_tones";

export type PhoneAnswer = Answer | (Omit<Refusal, "code"> & { readonly code: PhoneCode });

export interface PhonePorts extends Omit<PeerPorts, "changed"> {
  readonly tab: string;
  readonly gatherSeconds: number;
  now(): number;
  newConnection(servers: readonly IceServer[]): RTCPeerConnection;
  execute(command: Command): Promise<Answer>;
  /** Runs `follow` again after so many seconds. */
  later(seconds: number, run: () => void): void;
  /** The set of living connections or one of their states changed. */
  changed(): void;
  /** Opens a new socket, whose hello tells the gateway anew which sounds live. */
  renew(): void;
  /** A call's sound failed in a way that the user must read. */
  complain(call: string | null, code: PhoneCode): void;
}

/** ICE says `disconnected` after some seconds without a packet and often recovers within two more. */
const SILENCE_SECONDS = 6;

const refusal = (code: PhoneCode): PhoneAnswer => ({ t: "refused", code });

export class Phone {
  private readonly ports: PhonePorts;
  private readonly microphone: Microphone;
  private servers: readonly IceServer[] = [];
  private state: State = { calls: {}, lines: {}, phone: { tab: null } };
  private live = false;
  private readonly peers = new Map<string, Peer>();
  private readonly offers = new Map<string, string>();
  /** Calls that a picture of the gateway has shown. */
  private readonly seen = new Set<string>();
  /** Calls that should have sound and have none, since when. */
  private readonly silent = new Map<string, number>();
  private readonly early = new Map<string, Remote[]>();
  private readonly intents = new Map<string, Set<Intent>>();
  private readonly tries = new Map<string, { count: number; nextAt: number; busy: boolean }>();

  constructor(ports: PhonePorts, microphone: Microphone) {
    this.ports = ports;
    this.microphone = microphone;
  }

  useServers(servers: readonly IceServer[]): void {
    this.servers = servers;
  }

  /** Calls whose connection lives here, or is being made: for `hello`. What the gateway has for them still finds them. */
  alive(): string[] {
    return [...this.peers].filter(([, peer]) => peer.hopeful).map(([call]) => call);
  }

  /** Calls that have sound at this moment: for the beat. */
  sounding(): string[] {
    return [...this.peers].filter(([, peer]) => peer.connected).map(([call]) => call);
  }

  /** All connections, for tests and the support's eyes. */
  list(): { call: string; connection: RTCPeerConnection }[] {
    return [...this.peers].map(([call, peer]) => ({ call, connection: peer.connection }));
  }

  /** Whether the far end's sound can be heard already: then no ringback of our own is needed. */
  hears(call: string): boolean {
    return this.peers.get(call)?.hasRemote ?? false;
  }

  canAnswer(call: string): boolean {
    return this.offers.has(call);
  }

  // --- what the user does -------------------------------------------------------------------------------------------

  async dial(number: string, extension: string | undefined): Promise<PhoneAnswer> {
    const made = await this.make();
    if (!(made instanceof Peer)) return made;
    const offer = await this.describe(made, () => made.offer());
    if (offer === null) return refusal("sound_failed");
    const answer = await this.ports.execute({
      t: "dial",
      number,
      offer,
      ...(extension === undefined ? {} : { extension }),
    });
    const call = answer.t === "done" ? answer.result?.call : undefined;
    if (call === undefined) this.drop(made);
    else await this.bind(call, made);
    return answer;
  }

  async answer(call: string): Promise<PhoneAnswer> {
    const offer = this.offers.get(call);
    if (offer === undefined) return refusal("no_offer");
    const made = await this.make();
    if (!(made instanceof Peer)) return made;
    await this.bind(call, made);
    const sdp = await this.describe(made, () => made.answer(offer));
    if (sdp === null) {
      this.forget(call);
      return refusal("sound_failed");
    }
    const answer = await this.ports.execute({ t: "answer", call, sdp });
    if (answer.t === "refused") this.forget(call);
    return answer;
  }

  /** Brings a living call's sound into this page (RFC 3891: the gateway sends INVITE with Replaces). */
  async reattach(call: string): Promise<PhoneAnswer> {
    const made = await this.make();
    if (!(made instanceof Peer)) return made;
    const offer = await this.describe(made, () => made.offer());
    if (offer === null) return refusal("sound_failed");
    await this.bind(call, made);
    const answer = await this.ports.execute({ t: "reattach", call, offer });
    if (answer.t === "refused") this.forget(call);
    return answer;
  }

  /** Silences at once, or lets the gateway's state decide again. */
  intend(call: string, intent: Intent, stands: boolean): void {
    const standing = this.intents.get(call) ?? new Set<Intent>();
    if (stands) standing.add(intent);
    else standing.delete(intent);
    this.intents.set(call, standing);
    this.lead();
  }

  tones(call: string, digits: string): boolean {
    return this.peers.get(call)?.tones(digits) ?? false;
  }

  // --- what the gateway says ----------------------------------------------------------------------------------------

  ring(letter: Ring): void {
    this.offers.set(letter.call, letter.offer);
    this.ports.changed();
  }

  async remote(letter: Remote): Promise<void> {
    const peer = this.peers.get(letter.call);
    if (peer === undefined) {
      const waiting = this.early.get(letter.call) ?? [];
      waiting.push(letter);
      this.early.set(letter.call, waiting);
      return;
    }
    await this.hear(letter, peer);
  }

  /** A new picture from the gateway, or the same one after something here changed. */
  follow(state: State, live: boolean): void {
    this.state = state;
    if (live && !this.live) this.silent.clear(); // what was missed may still come over the new socket
    this.live = live;
    for (const call of Object.keys(state.calls)) this.seen.add(call);
    for (const call of [...this.seen]) this.tidy(call);
    this.lead();
    this.bringBack();
    for (const call of this.peers.keys()) this.watch(call);
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  private async make(): Promise<Peer | PhoneAnswer> {
    try {
      const track = await this.microphone.borrow();
      const peer = new Peer(this.ports.newConnection(this.servers), track, this.ports.gatherSeconds, {
        play: this.ports.play,
        sleep: this.ports.sleep,
        changed: () => {
          for (const call of this.peers.keys()) this.watch(call);
          this.ports.changed();
        },
      });
      return peer;
    } catch (error) {
      if (error instanceof MicrophoneTrouble) return refusal("microphone");
      this.ports.complain(null, "sound_failed");
      return refusal("sound_failed");
    }
  }

  /** Runs a step of the negotiation; a browser that throws gives null, and the connection is dropped. */
  private async describe(peer: Peer, step: () => Promise<string>): Promise<string | null> {
    try {
      return await step();
    } catch {
      this.drop(peer);
      return null; // told to the user by the caller's refusal: sound_failed
    }
  }

  private async bind(call: string, peer: Peer): Promise<void> {
    const old = this.peers.get(call);
    if (old !== undefined) this.drop(old);
    this.peers.set(call, peer);
    this.lead();
    const waiting = this.early.get(call) ?? [];
    this.early.delete(call);
    for (const letter of waiting) await this.hear(letter, peer);
    if (this.state.calls[call]?.state === "ended") this.forget(call);
    this.ports.changed();
  }

  private async hear(letter: Remote, peer: Peer): Promise<void> {
    try {
      await peer.remote(letter.kind, letter.sdp);
      this.ports.changed();
    } catch {
      this.ports.complain(letter.call, "sound_failed");
    }
  }

  /** Lets go of what a call no longer needs. A call that was never in a picture is still on its way: left alone. */
  private tidy(id: string): void {
    const call = this.state.calls[id];
    if (this.peers.has(id) && !belongsHere(call, this.ports.tab)) this.forget(id);
    if (call?.state !== "incoming") this.offers.delete(id);
    if (call !== undefined && call.state !== "ended") return;
    this.intents.delete(id);
    this.tries.delete(id);
    this.early.delete(id);
    if (call === undefined) this.seen.delete(id);
  }

  private lead(): void {
    for (const [id, peer] of this.peers) {
      const call = this.state.calls[id];
      if (call === undefined) continue;
      const intents = this.intents.get(id) ?? new Set<Intent>();
      peer.setMicrophone(microphoneOn(call, intents));
      peer.setSpeaker(speakerOn(call, intents));
    }
  }

  private bringBack(): void {
    if (!this.live || this.state.phone.tab !== this.ports.tab) return;
    for (const call of Object.values(this.state.calls)) {
      const peer = this.peers.get(call.id);
      const carried = peer?.hopeful ?? false;
      if (!wantsSound(call) || carried) {
        if (call.sound === "here") this.tries.delete(call.id);
        continue;
      }
      const tried = this.tries.get(call.id) ?? { count: 0, nextAt: 0, busy: false };
      if (tried.busy || this.ports.now() < tried.nextAt) continue;
      this.tries.set(call.id, { ...tried, busy: true });
      void this.tryAgain(call.id, tried.count);
    }
  }

  /**
   * A connection that should carry sound and does not, for so long: its answer was lost with a socket, or the network has
   * changed. The gateway cannot know; a new socket whose hello does not name the call tells it, and the sound is then
   * brought back like after a reload.
   */
  private watch(call: string): void {
    const peer = this.peers.get(call);
    if (peer === undefined || peer.connected || !soundExpected(this.state.calls[call])) {
      this.silent.delete(call);
      return;
    }
    const since = this.silent.get(call);
    if (since === undefined) {
      this.silent.set(call, this.ports.now());
      this.ports.later(SILENCE_SECONDS, () => this.watch(call));
    } else if (!peer.givenUp && this.live && this.ports.now() - since >= SILENCE_SECONDS - 0.1) {
      peer.givenUp = true;
      this.silent.delete(call);
      this.ports.renew();
    }
  }

  private async tryAgain(call: string, count: number): Promise<void> {
    const answer = await this.reattach(call);
    const seconds = reattachWait(count + 1);
    this.tries.set(call, { count: count + 1, nextAt: this.ports.now() + seconds, busy: false });
    if (answer.t === "refused") this.ports.later(seconds, () => this.bringBack());
  }

  private forget(call: string): void {
    const peer = this.peers.get(call);
    this.peers.delete(call);
    if (peer !== undefined) this.drop(peer);
  }

  private drop(peer: Peer): void {
    peer.close();
    this.microphone.release(peer.track);
    this.ports.changed();
  }
}
