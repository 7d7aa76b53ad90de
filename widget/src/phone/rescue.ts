/**
 * Sound that is not where it should be, and how it comes back.
 *
 * Two troubles. The gateway says that a call's sound is lost or awaited (a reload, a closed tab) and this tab is the phone:
 * it is brought back with a new offer, again and again, each time later. Or the gateway believes that the sound is here and
 * it is not (an answer was lost with a socket, the network has changed): then a new socket, whose hello does not name the
 * call, tells it so, and the first trouble follows.
 *
 * Invariant: at most one attempt for a call is under way. Knows no peer connections, only whether there is one with hope.
 */

import type { Call, State } from "../protocol";
import { reattachWait, soundExpected, wantsSound } from "./rules";

/** A call's connection, as far as the rescue must know it. */
export interface Patient {
  readonly connected: boolean;
  readonly hopeful: boolean;
  givenUp: boolean;
}

export interface RescuePorts {
  readonly tab: string;
  now(): number;
  later(seconds: number, run: () => void): void;
  patient(call: string): Patient | undefined;
  /** Tries to bring the sound here; resolves with whether the gateway took the attempt. */
  reattach(call: string): Promise<boolean>;
  /** Opens a new socket, whose hello tells the gateway anew which sounds live. */
  renew(): void;
}

/** ICE says `disconnected` after some seconds without a packet and often recovers within two more. */
const SILENCE_SECONDS = 6;

/** So often a silent call is told of by a new socket; a browser that cannot do it then would not do it the next time. */
const RENEWALS = 3;

interface Attempts {
  readonly count: number;
  readonly nextAt: number;
  readonly busy: boolean;
}

export class Rescue {
  private readonly ports: RescuePorts;
  private state: State | null = null;
  private live = false;
  private readonly attempts = new Map<string, Attempts>();
  /** Calls that should have sound and have none, since when. */
  private readonly silent = new Map<string, number>();
  private readonly renewals = new Map<string, number>();

  constructor(ports: RescuePorts) {
    this.ports = ports;
  }

  /** A new picture of the gateway, or a connection that changed. */
  look(state: State, live: boolean): void {
    if (live && !this.live) this.silent.clear(); // what was missed may still come over the new socket
    this.state = state;
    this.live = live;
    this.again();
  }

  /** The call is over. */
  forget(call: string): void {
    this.attempts.delete(call);
    this.silent.delete(call);
    this.renewals.delete(call);
  }

  private again(): void {
    for (const call of Object.values(this.state?.calls ?? {})) {
      this.bringBack(call);
      this.watch(call.id);
    }
  }

  private bringBack(call: Call): void {
    if (call.sound === "here") this.attempts.delete(call.id);
    if (!this.live || this.state?.phone.tab !== this.ports.tab || !wantsSound(call)) return;
    if (this.ports.patient(call.id)?.hopeful) return;
    const tried = this.attempts.get(call.id) ?? { count: 0, nextAt: 0, busy: false };
    if (tried.busy || this.ports.now() < tried.nextAt) return;
    this.attempts.set(call.id, { ...tried, busy: true });
    void this.attempt(call.id, tried.count + 1);
  }

  private async attempt(call: string, count: number): Promise<void> {
    const taken = await this.ports.reattach(call);
    const seconds = reattachWait(count);
    this.attempts.set(call, { count, nextAt: this.ports.now() + seconds, busy: false });
    if (!taken) this.ports.later(seconds, () => this.again());
  }

  private watch(call: string): void {
    const patient = this.ports.patient(call);
    if (patient?.connected) this.renewals.delete(call);
    if (patient?.connected || !soundExpected(this.state?.calls[call], this.ports.tab)) {
      this.silent.delete(call);
      return;
    }
    const since = this.silent.get(call);
    if (since === undefined) {
      this.silent.set(call, this.ports.now());
      this.ports.later(SILENCE_SECONDS, () => this.watch(call));
      return;
    }
    const told = this.renewals.get(call) ?? 0;
    if (!this.live || told >= RENEWALS || this.ports.now() - since < SILENCE_SECONDS - 0.1) return;
    this.renewals.set(call, told + 1);
    this.silent.delete(call);
    if (patient !== undefined) patient.givenUp = true;
    this.ports.renew();
  }
}
