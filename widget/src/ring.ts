/**
 * The sounds of the telephone itself, made of oscillators so that no file must be loaded: ring, call waiting, ringback,
 * busy, keys. And whether the browser lets us make them: until the user has touched the page it may not ("armed").
 *
 * Knows no calls: it is told which pattern is to sound. Invariant: at most one pattern sounds.
 */

export type Pattern = "ring" | "waiting" | "ringback" | "busy" | "silent";

interface Note {
  /** Seconds from the beginning of the pattern. */
  readonly at: number;
  readonly lasts: number;
  readonly hertz: readonly number[];
  readonly loudness: number;
  /** A struck note dies away by itself; a tone stands until its end. */
  readonly struck?: boolean;
}

interface Score {
  readonly notes: readonly Note[];
  readonly every: number;
  readonly times: number;
}

const chime = (at: number, hertz: number): Note => ({
  at,
  lasts: 0.9,
  hertz: [hertz, hertz * 2],
  loudness: 0.16,
  struck: true,
});

/** Russian network tones: 425 Hz, ringback 1 s of 5 (RD 45.223), busy 0.35 s of 0.7. */
const SCORES: Record<Exclude<Pattern, "silent">, Score> = {
  ring: {
    notes: [
      chime(0, 659.25),
      chime(0.18, 830.61),
      chime(0.36, 987.77),
      chime(0.72, 830.61),
      chime(0.9, 987.77),
    ],
    every: 2.6,
    times: Number.POSITIVE_INFINITY,
  },
  waiting: {
    notes: [
      { at: 0, lasts: 0.15, hertz: [587.33], loudness: 0.05 },
      { at: 0.25, lasts: 0.15, hertz: [587.33], loudness: 0.05 },
    ],
    every: 4,
    times: Number.POSITIVE_INFINITY,
  },
  ringback: {
    notes: [{ at: 0, lasts: 1, hertz: [425], loudness: 0.06 }],
    every: 5,
    times: Number.POSITIVE_INFINITY,
  },
  busy: { notes: [{ at: 0, lasts: 0.35, hertz: [425], loudness: 0.06 }], every: 0.7, times: 4 },
};

/** ITU-T Q.23. */
const ROWS = [697, 770, 852, 941];
const COLUMNS = [1209, 1336, 1477, 1633];
const KEYS = "123A456B789C*0#D";

export class Tones {
  pattern: Pattern = "silent";
  private readonly newContext: () => AudioContext | null;
  private readonly changed: () => void;
  private context: AudioContext | null = null;
  private playing: GainNode | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(newContext: () => AudioContext | null, changed: () => void) {
    this.newContext = newContext;
    this.changed = changed;
  }

  /** Whether the browser lets this page sound. */
  get armed(): boolean {
    return this.context?.state === "running";
  }

  /** Asks the browser; succeeds at once on a page the user has touched, else waits to be called from a touch. */
  async arm(): Promise<void> {
    if (this.context === null) {
      this.context = this.newContext();
      if (this.context) this.context.onstatechange = () => this.changed();
    }
    if (this.context?.state === "suspended") {
      await Promise.race([this.context.resume(), new Promise((done) => setTimeout(done, 200))]);
    }
    this.changed();
  }

  play(pattern: Pattern): void {
    if (pattern === this.pattern) return;
    this.stop();
    this.pattern = pattern;
    if (pattern !== "silent") this.round(SCORES[pattern], 1);
  }

  /** The short sound of a key, so that fingers know that they hit. */
  key(digit: string): void {
    const place = KEYS.indexOf(digit.toUpperCase());
    const low = ROWS[Math.floor(place / 4)];
    const high = COLUMNS[place % 4];
    if (place < 0 || low === undefined || high === undefined || !this.context || !this.armed) return;
    const out = this.context.createGain();
    out.connect(this.context.destination);
    this.sound({ at: 0, lasts: 0.12, hertz: [low, high], loudness: 0.03 }, out, this.context);
  }

  private stop(): void {
    clearTimeout(this.timer);
    const playing = this.playing;
    this.playing = null;
    if (!playing || !this.context) return;
    playing.gain.setTargetAtTime(0, this.context.currentTime, 0.02);
    setTimeout(() => playing.disconnect(), 200);
  }

  private round(score: Score, time: number): void {
    if (time > score.times) {
      this.play("silent");
      return;
    }
    if (this.context) {
      this.playing ??= this.output(this.context);
      for (const note of score.notes) this.sound(note, this.playing, this.context);
    }
    this.timer = setTimeout(() => this.round(score, time + 1), score.every * 1000);
  }

  private output(context: AudioContext): GainNode {
    const out = context.createGain();
    out.connect(context.destination);
    return out;
  }

  private sound(note: Note, out: GainNode, context: AudioContext): void {
    const from = context.currentTime + note.at;
    const to = from + note.lasts;
    note.hertz.forEach((hertz, overtone) => {
      const loudness = note.struck && overtone > 0 ? note.loudness / 5 : note.loudness;
      const envelope = context.createGain();
      envelope.gain.setValueAtTime(0, from);
      envelope.gain.linearRampToValueAtTime(loudness, from + 0.012);
      if (note.struck) envelope.gain.exponentialRampToValueAtTime(0.0008, to);
      else envelope.gain.setTargetAtTime(0, to - 0.02, 0.008);
      const oscillator = context.createOscillator();
      oscillator.frequency.value = hertz;
      oscillator.connect(envelope).connect(out);
      oscillator.start(from);
      oscillator.stop(to + 0.05);
    });
  }
}
