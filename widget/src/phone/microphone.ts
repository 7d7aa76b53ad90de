/**
 * The microphone: whether there is one, whether we may use it, and a track of its own for each call.
 *
 * One capture feeds all calls (a clone each, so that each can be silenced alone); when the last call gives its track
 * back the capture stops and the browser's red mark goes out. Knows nothing of calls.
 */

/** `unknown`: nothing asked yet; `ask`: the browser will ask the user; `insecure`: the page is not on https. */
export type MicrophoneState = "unknown" | "ready" | "ask" | "denied" | "absent" | "busy" | "insecure";

export class MicrophoneTrouble extends Error {
  readonly state: MicrophoneState;

  constructor(state: MicrophoneState, cause: unknown) {
    super(`microphone: ${state}`, { cause });
    this.name = "MicrophoneTrouble";
    this.state = state;
  }
}

/** The part of `navigator` that is used; absent members are what an insecure page has. */
export interface Browser {
  readonly mediaDevices?: Pick<MediaDevices, "getUserMedia" | "enumerateDevices" | "addEventListener">;
  readonly permissions?: { query(what: { name: PermissionName }): Promise<PermissionStatus> };
}

const WANTED: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};

/** getUserMedia's errors (Media Capture and Streams §10.2.1) in our words. */
function stateOf(error: unknown): MicrophoneState {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "absent";
  if (name === "NotReadableError" || name === "AbortError") return "busy";
  return "denied";
}

export class Microphone {
  state: MicrophoneState = "unknown";
  private readonly browser: Browser;
  private readonly changed: () => void;
  private capture: Promise<MediaStream> | null = null;
  private readonly lent = new Set<MediaStreamTrack>();

  constructor(browser: Browser, changed: () => void) {
    this.browser = browser;
    this.changed = changed;
  }

  /** Looks without asking the user, and goes on watching. */
  async watch(): Promise<void> {
    const devices = this.browser.mediaDevices;
    if (!devices) {
      this.become("insecure");
      return;
    }
    devices.addEventListener("devicechange", () => void this.look());
    await this.look();
    try {
      const status = await this.browser.permissions?.query({ name: "microphone" as PermissionName });
      status?.addEventListener("change", () => void this.look());
    } catch {
      // Firefox before 131 does not know the name: the state is learnt from getUserMedia instead.
    }
  }

  /** A track for one call. Rejects with MicrophoneTrouble; the user may be asked by the browser. */
  async borrow(): Promise<MediaStreamTrack> {
    const devices = this.browser.mediaDevices;
    if (!devices) throw this.trouble("insecure", null);
    this.capture ??= devices.getUserMedia(WANTED);
    let stream: MediaStream;
    try {
      stream = await this.capture;
    } catch (error) {
      this.capture = null;
      throw this.trouble(stateOf(error), error);
    }
    const track = stream.getAudioTracks()[0]?.clone();
    if (!track) throw this.trouble("absent", null);
    this.become("ready");
    this.lent.add(track);
    return track;
  }

  /** Gives a track back. */
  release(track: MediaStreamTrack): void {
    track.stop();
    this.lent.delete(track);
    if (this.lent.size > 0) return;
    const capture = this.capture;
    this.capture = null;
    void capture?.then((stream) => {
      for (const one of stream.getTracks()) one.stop();
    });
  }

  private async look(): Promise<void> {
    const found = (await this.browser.mediaDevices?.enumerateDevices()) ?? [];
    if (!found.some((device) => device.kind === "audioinput")) {
      this.become("absent");
      return;
    }
    try {
      const status = await this.browser.permissions?.query({ name: "microphone" as PermissionName });
      if (status?.state === "granted") this.become("ready");
      else if (status?.state === "denied") this.become("denied");
      else this.become("ask");
    } catch {
      if (this.state === "absent") this.become("ask"); // as in watch(): the name is unknown to this browser
    }
  }

  private trouble(state: MicrophoneState, cause: unknown): MicrophoneTrouble {
    this.become(state);
    return new MicrophoneTrouble(state, cause);
  }

  private become(state: MicrophoneState): void {
    if (state === this.state) return;
    this.state = state;
    this.changed();
  }
}
