/** The words of the link: its states, what it is given, and what it asks its shell to do. */

import type { Code, Done, GatewayMessage, Command as NumberedCommand } from "../protocol";
import type { BackOff } from "./backoff";

export type LinkState = "off" | "authenticating" | "connecting" | "greeting" | "live" | "waiting" | "stopped";

type WithoutId<T> = T extends { id: string } ? Omit<T, "id"> : never;

/** A command of the protocol before the link gave it an id. */
export type Command = WithoutId<NumberedCommand>;

/** Refusals of the page itself: not connected, the connection went away before the answer, no answer in time. */
export type OwnCode = "link_down" | "link_lost" | "no_reply";

/** Why a command was not done: a code of the gateway, or one of the link's own. */
export interface Refusal {
  readonly t: "refused";
  readonly code: Code | OwnCode;
  /** The gateway's sentence in the user's language; empty when the refusal is the link's own. */
  readonly message?: string;
}

export type Answer = Done | Refusal;

/** What opens a socket without asking the CRM, kept from one page to the next of the same tab. */
export interface Credentials {
  readonly secret: string;
  readonly expiresAt: number;
  readonly url: string;
}

/** All spans are seconds. */
export interface LinkConfig {
  readonly tab: string;
  readonly lang: string;
  readonly commandPrefix: string;
  readonly backOff: BackOff;
  readonly ticketSeconds: number;
  readonly openSeconds: number;
  readonly helloSeconds: number;
  /** A command without an answer for so long is told to its caller as failed. */
  readonly answerSeconds: number;
  /** A connection that lived for so long was a good one: the next loss begins with a short wait again. */
  readonly steadySeconds: number;
}

export type Effect =
  | { do: "ask_ticket" }
  | { do: "open"; socket: number; url: string }
  | { do: "close"; socket: number }
  | { do: "send"; socket: number; text: string }
  | { do: "keep"; credentials: Credentials | null }
  | { do: "state"; state: LinkState; failure: string | null }
  | { do: "message"; message: GatewayMessage; roundTrip: number }
  | { do: "settled"; id: string; answer: Answer }
  | { do: "complain"; text: string };
