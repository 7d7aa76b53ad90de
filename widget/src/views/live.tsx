/** The card of a call that is being made or talked, and of a number that is not yet a call. */

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { words } from "../i18n";
import { shownNumber } from "../numbers";
import { type Picture, phoneIsHere } from "../picture";
import { Button } from "./button";
import { Avatar, attributes, type CardProps, Clock, Details, lineText, Name } from "./card";
import { isInOtherTab, reason, stateText, who } from "./face";
import { Icon } from "./icons";
import { KEYS, Keys } from "./keys";

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
  if (call.actions.reattach === "sound_is_here") return null;
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
