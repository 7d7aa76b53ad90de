/**
 * A browser's telephony without a browser: tracks, streams and peer connections that keep a record, and a clock that a test
 * moves. `install()` puts the classes that the code names directly (MediaStream) where a browser has them.
 */

export class FakeTrack {
  kind = "audio";
  enabled = true;
  stopped = false;
  clones: FakeTrack[] = [];

  clone(): FakeTrack {
    const one = new FakeTrack();
    this.clones.push(one);
    return one;
  }

  stop(): void {
    this.stopped = true;
  }
}

export class FakeStream {
  private readonly tracks: FakeTrack[];

  constructor(tracks: FakeTrack[] = [new FakeTrack()]) {
    this.tracks = tracks;
  }

  getAudioTracks(): FakeTrack[] {
    return this.tracks;
  }

  getTracks(): FakeTrack[] {
    return this.tracks;
  }
}

export function install(): void {
  Object.assign(globalThis, { MediaStream: FakeStream });
}

interface Description {
  type: string;
  sdp: string;
}

export class FakeDtmf {
  canInsertDTMF = true;
  toneBuffer = "";

  insertDTMF(tones: string): void {
    this.toneBuffer = tones;
  }
}

export class FakeConnection {
  connectionState = "new";
  signalingState = "stable";
  iceGatheringState = "new";
  localDescription: Description | null = null;
  remoteDescription: Description | null = null;
  ontrack: ((event: { streams: FakeStream[]; track: FakeTrack }) => void) | null = null;
  onconnectionstatechange: (() => void) | null = null;
  readonly dtmf = new FakeDtmf();
  readonly remotes: Description[] = [];
  refuses = false;
  /** Whether candidates are complete as soon as there is a description. */
  gathersAtOnce = true;
  private gathering: (() => void)[] = [];

  addTrack(): { dtmf: FakeDtmf } {
    return { dtmf: this.dtmf };
  }

  addEventListener(_kind: string, run: () => void): void {
    this.gathering.push(run);
  }

  createOffer(): Promise<Description> {
    if (this.refuses) return Promise.reject(new Error("no codec"));
    return Promise.resolve({ type: "offer", sdp: "v=0 our offer" });
  }

  createAnswer(): Promise<Description> {
    return Promise.resolve({ type: "answer", sdp: "v=0 our answer" });
  }

  setLocalDescription(description: Description): Promise<void> {
    this.localDescription = description;
    this.signalingState = description.type === "offer" ? "have-local-offer" : "stable";
    this.iceGatheringState = "gathering";
    if (this.gathersAtOnce) this.gathered();
    return Promise.resolve();
  }

  setRemoteDescription(description: Description): Promise<void> {
    if (this.refuses) return Promise.reject(new Error("bad description"));
    this.remoteDescription = description;
    this.remotes.push(description);
    this.signalingState =
      description.type === "offer"
        ? "have-remote-offer"
        : description.type === "pranswer"
          ? "have-remote-pranswer"
          : "stable";
    return Promise.resolve();
  }

  close(): void {
    this.connectionState = "closed";
  }

  // --- what the world does ---

  gathered(): void {
    this.iceGatheringState = "complete";
    for (const run of this.gathering) run();
  }

  become(state: "connected" | "disconnected" | "failed"): void {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
}

/** Time that stands until it is moved. */
export class FakeTime {
  seconds = 1_000;
  private due: { at: number; run: () => void }[] = [];

  now = (): number => this.seconds;

  later = (seconds: number, run: () => void): void => {
    this.due.push({ at: this.seconds + seconds, run });
  };

  sleep = (seconds: number): Promise<void> => new Promise((done) => this.later(seconds, done));

  async move(seconds: number): Promise<void> {
    this.seconds += seconds;
    const ripe = this.due.filter(({ at }) => at <= this.seconds);
    this.due = this.due.filter(({ at }) => at > this.seconds);
    for (const { run } of ripe) run();
    await settle();
  }
}

/** Lets everything that was promised happen. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
