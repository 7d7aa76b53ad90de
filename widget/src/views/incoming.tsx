/** The card of a call that rings. */

import type { JSX } from "preact";
import { words } from "../i18n";
import { phoneIsHere } from "../picture";
import { Button } from "./button";
import { Avatar, attributes, type CardProps, Clock, Details, lineText, Name } from "./card";
import { reason, stateText, who } from "./face";

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
