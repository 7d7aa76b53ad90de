/** The card of a call that is over. */

import type { JSX } from "preact";
import { words } from "../i18n";
import { Button } from "./button";
import { attributes, type CardProps, Name } from "./card";
import { endFace, reason, who } from "./face";
import { Icon } from "./icons";

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
          name={`${action.redial}: ${call.party.shown || call.party.number}`}
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
