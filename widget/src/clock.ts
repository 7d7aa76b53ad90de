/**
 * The server's clock, as this page knows it, and how spans of time are written.
 *
 * Every time in a call (`began_at`, `answered_at`, `state_since`) is told in seconds of the server's clock, so that all
 * tabs and all screens show the same duration. A page's own clock may be hours wrong: it is used for differences only.
 */

export interface Clock {
  /** Seconds of this machine's clock. */
  now(): number;
}

/** Knows how far the server's clock is from ours. */
export class ServerClock {
  private offset = 0;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /**
   * Learns from a `welcome`.
   *
   * @param serverNow seconds of the server's clock when it wrote the message
   * @param roundTrip seconds from our question to the arrival; half of it is taken for the way back
   */
  learn(serverNow: number, roundTrip: number): void {
    const onTheWay = Math.min(Math.max(roundTrip, 0), 2) / 2;
    this.offset = serverNow + onTheWay - this.clock.now();
  }

  /** Seconds of the server's clock. */
  now(): number {
    return this.clock.now() + this.offset;
  }
}

/** `75` → `1:15`, `3675` → `1:01:15`. A clock that is behind shows zero, never a minus. */
export function spanText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (hours > 0) return `${hours}:${two(minutes)}:${two(whole % 60)}`;
  return `${minutes}:${two(whole % 60)}`;
}
