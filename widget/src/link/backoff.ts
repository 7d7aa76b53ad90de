/**
 * How long to wait before the next attempt: exponential with full jitter, so that ten thousand widgets that lost one
 * gateway do not come back in one second.
 */

export interface BackOff {
  /** Seconds of the first wait's upper edge. */
  readonly base: number;
  /** Seconds that no wait exceeds. */
  readonly cap: number;
}

/**
 * Seconds to wait before attempt number `attempt` (0 is the first repetition).
 *
 * @param random a number in [0, 1), given so that tests can say it
 */
export function wait(attempt: number, random: number, { base, cap }: BackOff): number {
  return random * Math.min(cap, base * 2 ** Math.min(attempt, 30));
}
