/** The cards: one that rings, one that lives, one that has ended. Functions of the picture and the time. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { spanText } from "../clock";
import { fill, words } from "../i18n";
import { shownNumber } from "../numbers";
import { type Deeds, type Picture, phoneIsHere } from "../picture";
import type { Call } from "../protocol";
import { Button } from "./button";
import { endFace, isInOtherTab, mood, reason, stateText, type Who, who } from "./face";
import { Icon } from "./icons";
import { KEYS, Keys } from "./keys";

export interface CardProps {
  readonly picture: Picture;
  readonly deeds: Deeds;
  readonly call: Call;
  /** Seconds of the server's clock. */
  readonly now: number;
}

function Avatar({ face, call }: { face: Who; call: Call }): JSX.Element {
  return (
    <span class="avatar" aria-hidden="true">
      {face.initials ?? <Icon name={call.direction === "in" ? "incoming" : "outgoing"} />}
    </span>
  );
}

function Name({ face, picture, deeds }: { face: Who; picture: Picture; deeds: Deeds }): JSX.Element {
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

function Details({ parts }: { parts: readonly (string | null)[] }): JSX.Element | null {
  const text = parts.filter((part) => part !== null).join(" · ");
  if (text === "") return null;
  return (
    <p class="details" title={text}>
      {text}
    </p>
  );
}

/** On which of the user's extensions the call is, when there are several. */
function lineText(picture: Picture, call: Call): string | null {
  if (Object.keys(picture.server.lines).length < 2) return null;
  const { state } = words(picture.language);
  return fill(call.direction === "in" ? state.to_extension : state.from_extension, {
    extension: call.extension,
  });
}

function attributes(picture: Picture, call: Call): Record<string, string | undefined> {
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
function Clock({ call, now }: { call: Call; now: number }): JSX.Element {
  const { answered_at, began_at } = call;
  return (
    <time class={answered_at === undefined ? "clock soft" : "clock"} data-role="clock">
      {spanText(now - (answered_at ?? began_at))}
    </time>
  );
}

/** A call that waits for an answer. */
export function IncomingCard({ picture, deeds, call, now }: CardProps): JSX.Element {
  const { action } = words(picture.language);
  const face = who(picture, call);
  const elsewhere = !phoneIsHere(picture);
  return (
    <article
      class="card incoming"
      aria-label={`${face.title}: ${stateText(picture, call)}`}
      {...attributes(picture, call)}
    >
      <div class="top">
        <Avatar face={face} call={call} />
        <div class="texts">
          <div class="progress">
            <p class="state">{stateText(picture, call)}</p>
            <Clock call={call} now={now} />
          </div>
          <Name face={face} picture={picture} deeds={deeds} />
          <Details parts={[face.number, lineText(picture, call)]} />
          <Details parts={[face.company]} />
        </div>
      </div>
      <div class="choice">
        <Button
          action="reject"
          name={action.reject}
          label={action.reject}
          icon="hang_up"
          look="wide"
          tone="stop"
          reason={reason(picture, call, "reject")}
          onPress={() => deeds.act(call.id, "reject")}
        />
        {elsewhere ? (
          <Button
            action="take_phone"
            name={action.take}
            label={action.take}
            icon="tabs"
            look="wide"
            onPress={deeds.takePhone.bind(deeds)}
          />
        ) : (
          <Button
            action="answer"
            name={action.answer}
            label={action.answer}
            icon="handset"
            look="wide"
            tone="go"
            reason={reason(picture, call, "answer")}
            busy={picture.busy.has(`${call.id}:answer`)}
            onPress={() => deeds.act(call.id, "answer")}
          />
        )}
      </div>
    </article>
  );
}

/** A call that is being made or talked. */
export function LiveCard({ picture, deeds, call, now }: CardProps): JSX.Element {
  const { action } = words(picture.language);
  const face = who(picture, call);
  const [keys, setKeys] = useState(false);
  const [sent, setSent] = useState("");
  const talking = call.answered_at !== undefined;
  const tonesReason = reason(picture, call, "dtmf");
  const press = (key: string) => {
    if (tonesReason !== null) return;
    setSent((before) => (before + key).slice(-24));
    deeds.tones(call.id, key);
  };
  const typed = (event: KeyboardEvent) => {
    if (!keys) return;
    if (event.key === "Escape") setKeys(false);
    else if (KEYS.includes(event.key)) press(event.key);
    else return;
    event.stopPropagation();
  };
  return (
    <article
      class="card live"
      aria-label={`${face.title}: ${stateText(picture, call)}`}
      onKeyDown={typed}
      {...attributes(picture, call)}
    >
      <div class="top">
        <Avatar face={face} call={call} />
        <div class="texts">
          <Name face={face} picture={picture} deeds={deeds} />
          <Details parts={[face.number, face.company, lineText(picture, call)]} />
        </div>
      </div>
      <div class="progress">
        <p class="state">{stateText(picture, call)}</p>
        <Clock call={call} now={now} />
      </div>
      <div class="deeds">
        {talking && <TalkButtons picture={picture} deeds={deeds} call={call} />}
        {talking && (
          <Button
            action="keys"
            name={action.keys_title}
            label={action.keys}
            icon="keys"
            look="round"
            pressed={keys}
            reason={keys ? null : tonesReason}
            onPress={() => setKeys(!keys)}
          />
        )}
        <Button
          action="hang_up"
          name={talking ? action.hang_up : action.cancel}
          label={talking ? action.hang_up : action.cancel}
          icon="hang_up"
          look="round"
          tone="stop"
          reason={reason(picture, call, "hang_up")}
          busy={call.pending.includes("hang_up")}
          onPress={() => deeds.act(call.id, "hang_up")}
        />
      </div>
      {keys && (
        <div class="tones">
          <output class="sent" data-role="sent">
            {sent}
          </output>
          <Keys words={words(picture.language)} reason={tonesReason} onKey={press} />
        </div>
      )}
      <Rescue picture={picture} deeds={deeds} call={call} />
    </article>
  );
}

function TalkButtons({ picture, deeds, call }: Omit<CardProps, "now">): JSX.Element {
  const { action } = words(picture.language);
  const held = call.hold.us;
  const switching = call.pending.includes("hold") || call.pending.includes("resume");
  return (
    <>
      <Button
        action={call.muted ? "unmute" : "mute"}
        name={call.muted ? action.unmute : action.mute_title}
        label={action.mute}
        icon={call.muted ? "microphone_off" : "microphone"}
        look="round"
        tone={call.muted ? "warn" : "calm"}
        pressed={call.muted}
        busy={picture.busy.has(`${call.id}:mute`)}
        reason={reason(picture, call, "mute")}
        onPress={() => deeds.mute(call.id, !call.muted)}
      />
      <Button
        action={held ? "resume" : "hold"}
        name={held ? action.resume_title : action.hold_title}
        label={held ? action.resume : action.hold}
        icon={held ? "play" : "pause"}
        look="round"
        tone={held ? "warn" : "calm"}
        pressed={held}
        busy={switching}
        reason={reason(picture, call, held ? "resume" : "hold")}
        onPress={() => deeds.act(call.id, held ? "resume" : "hold")}
      />
    </>
  );
}

/** The way back when the sound is not here: take the phone, or try the sound again. */
function Rescue({ picture, deeds, call }: Omit<CardProps, "now">): JSX.Element | null {
  const { action } = words(picture.language);
  if (call.state !== "talking" && call.state !== "held") return null;
  if (call.device.kind !== "browser") return null;
  if (!phoneIsHere(picture)) return null; // the banner has the button for all calls
  if (call.sound === "here" && !isInOtherTab(picture, call)) return null;
  return (
    <Button
      action="reattach"
      name={action.reattach}
      label={isInOtherTab(picture, call) ? action.take : action.reattach}
      icon="sound"
      look="link"
      reason={picture.busy.has(`${call.id}:reattach`) ? reason(picture, call, "reattach") : null}
      onPress={() => deeds.act(call.id, "reattach")}
    />
  );
}

/** A call that is over, until it is taken away. */
export function EndedCard({ picture, deeds, call }: CardProps): JSX.Element {
  const { action } = words(picture.language);
  const face = who(picture, call);
  const end = endFace(picture, call);
  const title = [end.text, end.detail].filter((part) => part !== null).join(" (") + (end.detail ? ")" : "");
  return (
    <article
      class={`card ended ${end.tone}`}
      aria-label={`${face.title}: ${end.text}`}
      {...attributes(picture, call)}
    >
      <span class="sign" aria-hidden="true">
        <Icon name={end.icon} />
      </span>
      <div class="texts">
        <Name face={face} picture={picture} deeds={deeds} />
        <p class="state" title={title}>
          {end.text}
        </p>
      </div>
      {call.party.number !== "" && (
        <Button
          action="redial"
          name={`${action.redial}: ${shownNumber(call.party.number)}`}
          icon="handset"
          look="plain"
          onPress={() => deeds.dial(call.party.number, call.extension)}
        />
      )}
      <Button
        action="dismiss"
        name={action.dismiss}
        icon="close"
        look="plain"
        reason={reason(picture, call, "dismiss")}
        onPress={() => deeds.act(call.id, "dismiss")}
      />
    </article>
  );
}

/** A number that was asked for and is not yet a call: the click is answered at once. */
export function DiallingCard({ picture }: { picture: Picture }): JSX.Element | null {
  if (picture.dialling === null) return null;
  return (
    <article class="card live" data-state="preparing" data-mood="calling">
      <div class="top">
        <span class="avatar" aria-hidden="true">
          <Icon name="outgoing" />
        </span>
        <div class="texts">
          <strong class="name">{shownNumber(picture.dialling.number)}</strong>
        </div>
      </div>
      <div class="progress">
        <p class="state">{words(picture.language).state.preparing}</p>
      </div>
    </article>
  );
}
