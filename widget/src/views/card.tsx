/** What all cards are made of: face, name, details, clock, and the attributes that tell of the call. */

import type { JSX } from "preact";
import { spanText } from "../clock";
import { fill, words } from "../i18n";
import type { Deeds, Picture } from "../picture";
import type { Call } from "../protocol";
import { isInOtherTab, mood, type Who } from "./face";
import { Icon } from "./icons";

export interface CardProps {
  readonly picture: Picture;
  readonly deeds: Deeds;
  readonly call: Call;
  /** Seconds of the server's clock. */
  readonly now: number;
}

export function Avatar({ face, call }: { face: Who; call: Call }): JSX.Element {
  return (
    <span class="avatar" aria-hidden="true">
      {face.initials ?? <Icon name={call.direction === "in" ? "incoming" : "outgoing"} />}
    </span>
  );
}

export function Name({ face, picture, deeds }: { face: Who; picture: Picture; deeds: Deeds }): JSX.Element {
  const { url } = face;
  if (url === null)
    return (
      <strong class="name" title={face.title}>
        {face.title}
      </strong>
    );
  return (
    <a
      class="name"
      href={url}
      title={`${face.title}: ${words(picture.language).action.open_card}`}
      data-action="open_card"
      onClick={(event) => {
        event.preventDefault();
        deeds.openCard(url);
      }}
    >
      {face.title}
    </a>
  );
}

export function Details({ parts }: { parts: readonly (string | null)[] }): JSX.Element | null {
  const text = parts.filter((part) => part !== null).join(" · ");
  if (text === "") return null;
  return (
    <p class="details" title={text}>
      {text}
    </p>
  );
}

/** On which of the user's extensions the call is, when there are several. */
export function lineText(picture: Picture, call: Call): string | null {
  if (Object.keys(picture.server.lines).length < 2) return null;
  const { state } = words(picture.language);
  return fill(call.direction === "in" ? state.to_extension : state.from_extension, {
    extension: call.extension,
  });
}

/** What tests, styles and people with the inspector want to know of a call. */
export function attributes(picture: Picture, call: Call): Record<string, string | undefined> {
  return {
    "data-call": call.id,
    "data-state": call.state,
    "data-direction": call.direction,
    "data-sound": call.sound,
    "data-muted": String(call.muted),
    "data-held-by": (["us", "pbx", "phone", "them"] as const).filter((by) => call.hold[by]).join(" "),
    "data-device": isInOtherTab(picture, call) ? "other_tab" : call.device.kind,
    "data-pending": call.pending.join(" "),
    "data-cause": call.end?.cause,
    "data-mood": call.state === "ended" ? undefined : mood(call),
  };
}

/** The talk's duration on the server's clock; before the answer, softly, how long it has been ringing. */
export function Clock({ call, now }: { call: Call; now: number }): JSX.Element {
  const { answered_at, began_at } = call;
  return (
    <time class={answered_at === undefined ? "clock soft" : "clock"} data-role="clock">
      {spanText(now - (answered_at ?? began_at))}
    </time>
  );
}
