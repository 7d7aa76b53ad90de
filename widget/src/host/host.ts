/** What the telephone asks of the page it lives in. `amocrm.ts` is the one real implementation; tests bring their own. */

import type { Ticket } from "../link/shell";
import type { Language } from "../protocol";
import type { Unsubscribe } from "../store";

export type Theme = "light" | "dark";

/** Who the CRM says is calling. */
export interface Contact {
  readonly name: string;
  readonly company: string | null;
  /** Address of the card inside the CRM. */
  readonly url: string;
}

export interface Host {
  readonly language: Language;
  /** Address of the gateway from the integration's settings; empty when nobody has set it. */
  readonly backend: string;
  /** Who sits here, at which gateway: what a tab remembers of one person is not another's. */
  readonly owner: string;
  theme(): Theme;
  onTheme(changed: (theme: Theme) => void): Unsubscribe;
  askTicket(): Promise<Ticket>;
  /** The card of a number, checked against the numbers in it; null when the CRM knows none. */
  findContact(number: string): Promise<Contact | null>;
  openCard(url: string): void;
  /** While true the CRM does not reload its pages by itself (`APP.sdk.setCallingStatus`). */
  setCalling(on: boolean): void;
}
