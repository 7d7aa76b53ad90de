/**
 * The link's shell: a WebSocket, one timer and promises around `LinkCore`. No decision is taken here.
 */

import type { Clock } from "../clock";
import type { Beat, GatewayMessage, RingAck } from "../protocol";
import type { LinkCore } from "./core";
import type { Answer, Command, Credentials, Effect, LinkState } from "./effects";

export interface Ticket {
  readonly ticket: string;
  readonly url: string;
}

/** What the link needs of the world. */
export interface LinkPorts {
  readonly clock: Clock;
  openSocket(url: string): WebSocket;
  /** Asks the CRM and the gateway for a ticket; rejects with a sentence. */
  askTicket(): Promise<Ticket>;
  keep(credentials: Credentials | null): void;
  onState(state: LinkState, failure: string | null): void;
  onMessage(message: GatewayMessage, roundTrip: number): void;
  complain(text: string): void;
}

export class Link {
  private readonly core: LinkCore;
  private readonly ports: LinkPorts;
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly waiters = new Map<string, (answer: Answer) => void>();

  constructor(core: LinkCore, ports: LinkPorts) {
    this.core = core;
    this.ports = ports;
  }

  get state(): LinkState {
    return this.core.state;
  }

  start(): void {
    this.core.start(this.now());
    this.flush();
  }

  wake(): void {
    this.core.wake(this.now());
    this.flush();
  }

  networkLost(): void {
    this.core.networkLost(this.now());
    this.flush();
  }

  leave(): void {
    this.core.leave(this.now());
    this.flush();
  }

  /** Sends a command; resolves with its one answer, never rejects. */
  execute(command: Command): Promise<Answer> {
    return new Promise((resolve) => {
      const id = this.core.command(command, this.now());
      this.waiters.set(id, resolve);
      this.flush();
    });
  }

  tell(message: Beat | RingAck): boolean {
    const told = this.core.tell(message);
    this.flush();
    return told;
  }

  private now(): number {
    return this.ports.clock.now();
  }

  private flush(): void {
    for (const effect of this.core.takeEffects()) this.perform(effect);
    clearTimeout(this.timer);
    const at = this.core.nextDeadline();
    if (at === null) return;
    this.timer = setTimeout(
      () => {
        this.core.handleTimer(this.now());
        this.flush();
      },
      Math.max(0, (at - this.now()) * 1000),
    );
  }

  private perform(effect: Effect): void {
    switch (effect.do) {
      case "ask_ticket":
        this.askTicket();
        break;
      case "open":
        this.open(effect.url, effect.socket);
        break;
      case "close":
        this.socket?.close(1000);
        this.socket = null;
        break;
      case "send":
        if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(effect.text);
        break;
      case "keep":
        this.ports.keep(effect.credentials);
        break;
      case "state":
        this.ports.onState(effect.state, effect.failure);
        break;
      case "message":
        this.ports.onMessage(effect.message, effect.roundTrip);
        break;
      case "settled":
        this.waiters.get(effect.id)?.(effect.answer);
        this.waiters.delete(effect.id);
        break;
      case "complain":
        this.ports.complain(effect.text);
        break;
    }
  }

  private askTicket(): void {
    this.ports.askTicket().then(
      ({ ticket, url }) => {
        this.core.ticketCame(ticket, url, this.now());
        this.flush();
      },
      (error: unknown) => {
        this.core.ticketFailed(error instanceof Error ? error.message : String(error), this.now());
        this.flush();
      },
    );
  }

  private open(url: string, number: number): void {
    let socket: WebSocket;
    try {
      socket = this.ports.openSocket(url);
    } catch (error) {
      // A wrong address throws at once (SyntaxError, mixed content): for the core it is a socket that closed.
      this.ports.complain(String(error));
      queueMicrotask(() => {
        this.core.closed(number, 1006, this.now());
        this.flush();
      });
      return;
    }
    this.socket = socket;
    socket.onopen = () => {
      this.core.opened(number, this.now());
      this.flush();
    };
    socket.onmessage = (event) => {
      this.core.received(number, String(event.data), this.now());
      this.flush();
    };
    socket.onclose = (event) => {
      this.core.closed(number, event.code, this.now());
      this.flush();
    };
  }
}
