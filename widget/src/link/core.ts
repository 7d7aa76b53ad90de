/**
 * The link to the gateway without a socket in it: when to ask for a ticket, when to connect, what to say first, what
 * may be believed, when to try again.
 *
 * Inputs are methods with `now` (seconds) as an argument; what is to be done is collected by `takeEffects()`; there is
 * one deadline, `nextDeadline()`. It knows neither WebSocket nor amoCRM nor what a call is.
 *
 * Invariants: one socket at most is listened to (`socket` numbers it, late events of older ones fall away); a delta
 * reaches the store only if it is the next one; every command is settled exactly once, by its answer, by time, or because
 * the gateway it was sent to is no more. A command whose answer was lost with a socket is sent again over the next one: in
 * the same epoch the gateway answers a repeated id from its memory and does nothing twice.
 */

import type { Beat, GatewayMessage, Hello, Position, RingAck } from "../protocol";
import { closeAdvice, VERSION } from "../protocol";
import { wait } from "./backoff";
import type { Answer, Command, Credentials, Effect, LinkConfig, LinkState, OwnCode } from "./effects";
import { type ActionName, type Input, TABLE } from "./table";

/** What the core is given at birth: everything it does not know by itself. */
export interface LinkSources {
  /** A number in [0, 1). */
  random(): number;
  /** Calls whose sound lives in this page, asked at each hello. */
  alive(): readonly string[];
}

export class LinkCore {
  state: LinkState = "off";
  /** Close code or refusal of the last failure, for the words under the connection's lamp. */
  failure: string | null = null;

  private readonly config: LinkConfig;
  private readonly sources: LinkSources;
  private credentials: Credentials | null;
  private ticket: string | null = null;
  private url = "";
  private socket = 0;
  private attempt = 0;
  private deadline: number | null = null;
  private helloAt = 0;
  private welcomedAt = 0;
  private welcomedOnce = false;
  private position: Position | null = null;
  private effects: Effect[] = [];
  private commandNumber = 0;
  private epoch: string | null = null;
  private readonly waiting = new Map<string, { readonly at: number; readonly text: string }>();

  constructor(config: LinkConfig, sources: LinkSources, credentials: Credentials | null) {
    this.config = config;
    this.sources = sources;
    this.credentials = credentials;
  }

  // --- inputs -------------------------------------------------------------------------------------------------------

  start(now: number): void {
    this.apply(this.credentials ? "go_with_secret" : "go_without", now);
  }

  ticketCame(ticket: string, url: string, now: number): void {
    if (this.state !== "authenticating") return;
    this.ticket = ticket;
    this.url = url;
    this.apply("ticket", now);
  }

  ticketFailed(reason: string, now: number): void {
    this.failure = reason;
    this.apply("no_ticket", now);
  }

  opened(socket: number, now: number): void {
    if (socket === this.socket) this.apply("opened", now);
  }

  closed(socket: number, code: number, now: number): void {
    if (socket !== this.socket) return;
    this.failure = String(code);
    this.apply(`closed_${closeAdvice(code)}`, now);
  }

  received(socket: number, text: string, now: number): void {
    if (socket !== this.socket) return;
    const message = read(text);
    if (message === null) this.effects.push({ do: "complain", text: "a frame that is no message" });
    else this.take(message, now);
  }

  /** The machine is on a network again, or the page awoke: no reason to sit out the wait. */
  wake(now: number): void {
    if (this.state === "waiting") this.start(now);
  }

  /** The machine says that it is off the network: the socket is dead even if it does not know it yet. */
  networkLost(now: number): void {
    this.apply("network_lost", now);
  }

  /** The page goes away: say so, so that the customer hears music at once. */
  leave(now: number): void {
    if (this.state === "live") this.send({ t: "leaving" });
    this.apply("stop", now);
  }

  /** Sends a command; its answer comes as a `settled` effect with the id returned here. */
  command(command: Command, now: number): string {
    this.commandNumber += 1;
    const id = `${this.config.commandPrefix}${this.commandNumber}`;
    if (this.state !== "live") {
      this.refuse(id, "link_down");
      return id;
    }
    const text = JSON.stringify({ ...command, id });
    this.waiting.set(id, { at: now + this.config.answerSeconds, text });
    this.effects.push({ do: "send", socket: this.socket, text });
    return id;
  }

  /** Sends what has no answer (`beat`, `ring_ack`); false when there is no live socket. */
  tell(message: Beat | RingAck): boolean {
    if (this.state !== "live") return false;
    this.send(message);
    return true;
  }

  handleTimer(now: number): void {
    for (const [id, { at }] of [...this.waiting]) {
      if (at <= now) this.refuse(id, "no_reply");
    }
    if (this.deadline !== null && this.deadline <= now) {
      if (this.state === "waiting") this.start(now);
      else this.apply("timer", now);
    }
  }

  // --- outputs ------------------------------------------------------------------------------------------------------

  nextDeadline(): number | null {
    const all = [...this.waiting.values()].map(({ at }) => at);
    if (this.deadline !== null) all.push(this.deadline);
    return all.length === 0 ? null : Math.min(...all);
  }

  takeEffects(): Effect[] {
    const effects = this.effects;
    this.effects = [];
    return effects;
  }

  /** What to keep for the page that comes after this one. */
  kept(): Credentials | null {
    return this.credentials;
  }

  // --- the machine --------------------------------------------------------------------------------------------------

  private apply(input: Input, now: number): void {
    const row = TABLE[this.state][input];
    if (row === undefined) return;
    const [next, action] = row;
    const before = this.state;
    this.state = next;
    this.deadline = null;
    this.actions[action](now);
    if (before !== next) this.effects.push({ do: "state", state: next, failure: this.failure });
  }

  private readonly actions: Record<ActionName, (now: number) => void> = {
    nothing: () => {},
    ask: (now) => {
      this.deadline = now + this.config.ticketSeconds;
      this.effects.push({ do: "ask_ticket" });
    },
    open: (now) => {
      this.deadline = now + this.config.openSeconds;
      this.socket += 1;
      const url = this.ticket === null ? (this.credentials?.url ?? this.url) : this.url;
      this.effects.push({ do: "open", socket: this.socket, url });
    },
    greet: (now) => {
      this.deadline = now + this.config.helloSeconds;
      this.helloAt = now;
      this.send(this.hello());
      this.ticket = null;
    },
    live: (now) => {
      this.failure = null;
      this.welcomedAt = now;
      this.welcomedOnce = true;
    },
    back_off: (now) => {
      this.abandon();
      if (this.welcomedAt > 0 && now - this.welcomedAt > this.config.steadySeconds) this.attempt = 0;
      this.welcomedAt = 0;
      this.deadline = now + wait(this.attempt, this.sources.random(), this.config.backOff);
      this.attempt += 1;
    },
    forget_and_back_off: (now) => {
      this.credentials = null;
      this.effects.push({ do: "keep", credentials: null });
      this.actions.back_off(now);
    },
    stop: () => {
      this.abandon();
      this.refuseAll();
    },
  };

  private hello(): Hello {
    const who = this.ticket !== null ? { ticket: this.ticket } : { resume: this.credentials?.secret ?? "" };
    return {
      t: "hello",
      version: VERSION,
      tab: this.config.tab,
      lang: this.config.lang,
      page: this.welcomedOnce ? "reconnect" : "load",
      alive: [...this.sources.alive()],
      ...who,
      ...(this.position === null ? {} : { position: this.position }),
    };
  }

  private take(message: GatewayMessage, now: number): void {
    switch (message.t) {
      case "welcome":
        if (this.state !== "greeting") return;
        if (this.position !== null && this.position.epoch !== message.epoch) this.position = null;
        if (message.resume) this.keep(message.resume.secret, message.resume.expires_at);
        this.effects.push({ do: "message", message, roundTrip: now - this.helloAt });
        this.apply("welcomed", now);
        this.repeat(message.epoch);
        return;
      case "snapshot":
        this.position = { epoch: message.epoch, seq: message.seq };
        break;
      case "delta":
        if (!this.isNext(message.seq, now)) return;
        break;
      case "secret":
        this.keep(message.secret, message.expires_at);
        return;
      case "done":
        this.settle(message.id, message);
        return;
      case "refused":
        if (message.id != null && this.waiting.has(message.id)) {
          this.settle(message.id, message);
          return;
        }
        break;
    }
    this.effects.push({ do: "message", message, roundTrip: 0 });
  }

  /** A gap is never guessed over: the page reconnects without a position and is given a snapshot. */
  private isNext(seq: number, now: number): boolean {
    if (this.position === null || seq <= this.position.seq) return false;
    if (seq === this.position.seq + 1) {
      this.position = { epoch: this.position.epoch, seq };
      return true;
    }
    this.position = null;
    this.failure = "gap";
    this.apply("network_lost", now);
    return false;
  }

  private keep(secret: string, expiresAt: number): void {
    this.credentials = { secret, expiresAt, url: this.url || (this.credentials?.url ?? "") };
    this.effects.push({ do: "keep", credentials: this.credentials });
  }

  private send(message: object): void {
    this.effects.push({ do: "send", socket: this.socket, text: JSON.stringify(message) });
  }

  private settle(id: string, answer: Answer): void {
    this.waiting.delete(id);
    this.effects.push({ do: "settled", id, answer });
  }

  private refuse(id: string, code: OwnCode): void {
    this.settle(id, { t: "refused", code });
  }

  /** Sends again what was not answered, or gives it up when the gateway that knew it is gone. */
  private repeat(epoch: string): void {
    const same = this.epoch === epoch;
    this.epoch = epoch;
    if (!same) this.refuseAll();
    for (const { text } of this.waiting.values())
      this.effects.push({ do: "send", socket: this.socket, text });
  }

  private refuseAll(): void {
    for (const id of [...this.waiting.keys()]) this.refuse(id, "link_lost");
  }

  /** Closes the socket for us: whatever it still says is not heard. */
  private abandon(): void {
    if (this.socket > 0) this.effects.push({ do: "close", socket: this.socket });
    this.socket += 1;
  }
}

function read(text: string): GatewayMessage | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && "t" in value) return value as GatewayMessage;
  } catch {
    return null; // told to the caller, who counts it: the gateway's fault must not stop the telephone
  }
  return null;
}
