/**
 * What the page knows, and who wants to be told when it changes.
 *
 * `apply` is the page's half of the law in `protocol/state.py`, held to it by the same golden files: the state after a
 * delta, made anew, the old one untouched. `Store` keeps one frozen picture and tells its subscribers of the next.
 */

import type { Delta, State } from "./protocol";

export const EMPTY: State = { calls: {}, lines: {}, phone: { tab: null } };

type Entities<T> = Readonly<Record<string, T>>;

function changed<T>(old: Entities<T>, now: Entities<T> = {}, gone: readonly string[] = []): Entities<T> {
  const result: Record<string, T> = { ...old, ...now };
  for (const id of gone) delete result[id];
  return result;
}

/** The state after a delta. */
export function apply(state: State, delta: Delta): State {
  return {
    calls: changed(state.calls, delta.calls, delta.calls_gone),
    lines: changed(state.lines, delta.lines, delta.lines_gone),
    phone: delta.phone ?? state.phone,
  };
}

export type Unsubscribe = () => void;

/** One value, its readers, and one door to change it. */
export class Store<T> {
  private value: T;
  private readonly readers = new Set<(value: T) => void>();

  constructor(value: T) {
    this.value = value;
  }

  get(): T {
    return this.value;
  }

  set(value: T): void {
    if (value === this.value) return;
    this.value = value;
    for (const reader of [...this.readers]) reader(value);
  }

  subscribe(reader: (value: T) => void): Unsubscribe {
    this.readers.add(reader);
    return () => {
      this.readers.delete(reader);
    };
  }
}
