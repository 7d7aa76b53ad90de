/**
 * What a call looks like, as words and signs: pure functions of the picture, so that every sentence on a card is tested
 * without a browser.
 */

import { spanText } from "../clock";
import { causeText, fill, sentence, words } from "../i18n";
import { shownNumber } from "../numbers";
import { type Picture, phoneIsHere } from "../picture";
import type { Action, Call } from "../protocol";
import type { IconName } from "./icons";

export interface Who {
  readonly title: string;
  /** The number, when the title is a name. */
  readonly number: string | null;
  readonly company: string | null;
  readonly url: string | null;
  readonly initials: string | null;
}

/** Who is at the other end: the CRM's name first, then the PBX's, then the number. */
export function who(picture: Picture, call: Call): Who {
  const { party } = call;
  const number = party.shown && party.shown !== party.number ? party.shown : shownNumber(party.number);
  const contact = picture.contacts.get(party.number) ?? null;
  const name = contact?.name ?? (party.name && party.name !== party.number ? party.name : null);
  return {
    title: name ?? (number || words(picture.language).party.unknown),
    number: name === null || number === "" ? null : number,
    company: contact?.company ?? null,
    url: contact?.url ?? null,
    initials: name === null ? null : initialsOf(name),
  };
}

function initialsOf(name: string): string | null {
  const letters = name
    .split(/[\s.]+/)
    .map((word) => /^\p{L}/u.exec(word)?.[0] ?? "")
    .join("");
  return letters.slice(0, 2).toLocaleUpperCase() || null;
}

/** Whether the sound of a living call is in another tab of this user. */
export function isInOtherTab(picture: Picture, call: Call): boolean {
  return call.device.kind === "browser" && call.device.tab !== undefined && call.device.tab !== picture.tab;
}

/** The line under the name of a living call. What is under way comes first, then what is wrong, then what is. */
export function stateText(picture: Picture, call: Call): string {
  const w = words(picture.language);
  const pending = pendingText(picture, call);
  if (pending !== null) return pending;
  if (call.state === "dialing" || call.state === "ringing" || call.state === "incoming") {
    return w.state[call.state];
  }
  if (call.device.kind === "phone") {
    return call.device.name
      ? fill(w.state.other_phone_named, { name: call.device.name })
      : w.state.other_phone;
  }
  const held = heldText(picture, call);
  if (call.sound !== "here" && call.device.kind === "browser") {
    if (isInOtherTab(picture, call) && !phoneIsHere(picture)) return held ?? w.state.other_tab;
    return phoneIsHere(picture) ? w.state.sound_back : w.state.sound_lost;
  }
  if (held !== null) return held;
  if (isInOtherTab(picture, call)) return w.state.other_tab;
  if (!call.confirmed) return w.state.unconfirmed;
  return call.muted ? w.state.muted : w.state.talking;
}

function heldText(picture: Picture, call: Call): string | null {
  const { state } = words(picture.language);
  if (call.hold.us) return state.held_by_us;
  if (call.hold.pbx) return state.held_by_pbx;
  if (call.hold.phone) return state.held_by_phone;
  return call.hold.them ? state.held_by_them : null;
}

/** A command of this call that waits for its fact, in words. */
export function pendingText(picture: Picture, call: Call): string | null {
  const { pending } = words(picture.language);
  const name = call.pending[0] ?? busyAction(picture, call.id);
  if (name === undefined || name === "mute" || name === "dtmf" || name === "dismiss") return null;
  return name in pending ? pending[name as keyof typeof pending] : pending.other;
}

function busyAction(picture: Picture, call: string): string | undefined {
  const key = [...picture.busy].find((one) => one.startsWith(`${call}:`));
  return key?.slice(call.length + 1);
}

/** The calmness of a card: what colour its edge has. */
export function mood(call: Call): "ringing" | "calling" | "talking" | "held" | "trouble" {
  if (call.state === "incoming") return "ringing";
  if (call.state === "dialing" || call.state === "ringing") return "calling";
  if (call.device.kind === "browser" && (call.sound === "lost" || call.sound === "waiting")) return "trouble";
  return call.state === "held" || call.hold.them ? "held" : "talking";
}

/** Why an action cannot be done now, as a sentence; null when it can. */
export function reason(picture: Picture, call: Call, action: Action): string | null {
  const { language } = picture;
  if (picture.link.state !== "live") return sentence(language, "link_down");
  if (picture.busy.has(`${call.id}:${action}`)) return sentence(language, "busy");
  const code = call.actions[action];
  if (code != null) return sentence(language, code);
  const needsSound = action === "answer" || action === "reattach";
  if (needsSound && !phoneIsHere(picture)) return sentence(language, "phone_in_other_tab");
  if (needsSound && cannotSpeak(picture)) return sentence(language, "microphone");
  if (action === "answer" && !picture.answerable.has(call.id)) return sentence(language, "no_offer");
  if (action === "dtmf" && isInOtherTab(picture, call)) return sentence(language, "phone_in_other_tab");
  return null;
}

/** Why no number can be dialled now; null when one can. */
export function dialReason(picture: Picture, number: string): string | null {
  const { language } = picture;
  if (picture.link.state !== "live") return sentence(language, "link_down");
  if (!phoneIsHere(picture)) return sentence(language, "phone_in_other_tab");
  if (cannotSpeak(picture)) return sentence(language, "microphone");
  const lines = Object.values(picture.server.lines).filter((line) => line.softphone);
  if (!lines.some((line) => line.state === "registered")) {
    const why = lines[0]?.reason;
    return sentence(language, why ?? "no_line");
  }
  if (picture.dialling !== null) return sentence(language, "busy");
  return number.trim() === "" ? sentence(language, "empty") : null;
}

function cannotSpeak(picture: Picture): boolean {
  return (
    picture.microphone === "denied" || picture.microphone === "absent" || picture.microphone === "insecure"
  );
}

export interface EndFace {
  readonly icon: IconName;
  readonly tone: "calm" | "missed" | "failed";
  readonly text: string;
  /** The PBX's own words and codes, for the tooltip. */
  readonly detail: string | null;
}

const END_ICONS: Readonly<Record<string, IconName>> = { missed: "missed", answered_elsewhere: "elsewhere" };

/** How a call ended, in words. */
export function endFace(picture: Picture, call: Call): EndFace {
  const w = words(picture.language);
  const cause = call.end?.cause ?? "failed";
  const talked = call.answered_at !== undefined && call.ended_at !== undefined;
  const calm = ["hung_up", "cancelled", "rejected", "answered_elsewhere"].includes(cause);
  const parts =
    cause === "answered_elsewhere" && call.elsewhere
      ? [fill(w.end.elsewhere, { who: call.elsewhere })]
      : [causeText(picture.language, cause)];
  if (talked) parts.push(spanText((call.ended_at ?? 0) - (call.answered_at ?? 0)));
  const detail = [
    call.end?.status ? fill(w.end.code, { status: call.end.status }) : "",
    call.end?.text ?? "",
  ];
  return {
    icon: END_ICONS[cause] ?? (calm ? (call.direction === "in" ? "incoming" : "outgoing") : "failed"),
    tone: cause === "missed" ? "missed" : calm ? "calm" : "failed",
    text: parts.join(" · "),
    detail: detail.filter((one) => one !== "").join(", ") || null,
  };
}

/** What a screen reader is told when it changes: one sentence per living call. */
export function spoken(picture: Picture): string {
  return Object.values(picture.server.calls)
    .map((call) => {
      const name = who(picture, call).title;
      return call.state === "ended"
        ? `${name}: ${endFace(picture, call).text}`
        : `${name}: ${stateText(picture, call)}`;
    })
    .join(". ");
}
