/** All that the panel draws, as one value: what the gateway says, and what only this page knows. */

import type { Contact, Theme } from "./host/host";
import type { LinkState } from "./link/effects";
import type { MicrophoneState } from "./phone/microphone";
import type { Action, Language, State } from "./protocol";
import { EMPTY } from "./store";

/** A number that was asked for and of which the gateway has not made a call yet. */
export interface Dialling {
  readonly number: string;
  readonly call: string | null;
}

/** A sentence the user must read, until it is taken away. */
export interface Remark {
  readonly key: number;
  readonly text: string;
}

export interface Picture {
  readonly language: Language;
  readonly theme: Theme;
  /** Whether the panel is unfolded. */
  readonly open: boolean;
  /** Whether the host page gave us a place for our toggle; without one the panel folds into a button of its own. */
  readonly hasToggle: boolean;
  readonly configured: boolean;
  readonly link: { readonly state: LinkState; readonly failure: string | null };
  readonly tab: string;
  readonly server: State;
  readonly microphone: MicrophoneState;
  /** Whether the browser lets us ring. */
  readonly armed: boolean;
  readonly input: string;
  readonly dialling: Dialling | null;
  /** Commands without their answer yet, as `call:action`. */
  readonly busy: ReadonlySet<string>;
  /** Calls whose offer is here: they can be answered in this tab. */
  readonly answerable: ReadonlySet<string>;
  readonly contacts: ReadonlyMap<string, Contact | null>;
  readonly remarks: readonly Remark[];
}

export function newPicture(
  given: Pick<Picture, "language" | "theme" | "open" | "hasToggle" | "tab" | "configured">,
): Picture {
  return {
    ...given,
    link: { state: "off", failure: null },
    server: EMPTY,
    microphone: "unknown",
    armed: true,
    input: "",
    dialling: null,
    busy: new Set(),
    answerable: new Set(),
    contacts: new Map(),
    remarks: [],
  };
}

/** What a person can do with the panel. All return at once; what comes of it is seen in the next picture. */
export interface Deeds {
  dial(number: string, extension?: string): void;
  act(call: string, action: Exclude<Action, "dtmf" | "mute">): void;
  mute(call: string, on: boolean): void;
  tones(call: string, digits: string): void;
  /** Makes this tab the phone, and brings the living calls' sound along. */
  takePhone(): void;
  askMicrophone(): void;
  arm(): void;
  reconnect(): void;
  openCard(url: string): void;
  unfold(open: boolean): void;
  type(input: string): void;
  dropRemark(key: number): void;
}

export function phoneIsHere(picture: Picture): boolean {
  return picture.server.phone.tab === picture.tab;
}
