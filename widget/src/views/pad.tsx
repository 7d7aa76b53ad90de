/** The dial pad: a number typed, pasted or tapped, and the button that calls it. */

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { words } from "../i18n";
import type { Deeds, Picture } from "../picture";
import { Button } from "./button";
import { dialReason } from "./face";
import { Keys } from "./keys";

export interface PadProps {
  readonly picture: Picture;
  readonly deeds: Deeds;
  /** With cards above it the keys are folded away until they are wanted. */
  readonly small: boolean;
}

export function Pad({ picture, deeds, small }: PadProps): JSX.Element {
  const w = words(picture.language);
  const field = useRef<HTMLInputElement>(null);
  const [wanted, setWanted] = useState(false);
  const [extension, setExtension] = useState<string | undefined>(undefined);
  const keys = !small || wanted;
  const why = dialReason(picture, picture.input);
  const call = () => {
    if (why === null) deeds.dial(picture.input, extension);
  };
  return (
    <form
      class="pad"
      data-role="pad"
      onSubmit={(event) => {
        event.preventDefault();
        call();
      }}
    >
      <Lines picture={picture} chosen={extension} onChoose={setExtension} />
      <div class="entry">
        <input
          ref={field}
          type="tel"
          name="number"
          inputMode="tel"
          autocomplete="off"
          spellcheck={false}
          placeholder={w.pad.placeholder}
          aria-label={w.pad.label}
          value={picture.input}
          onInput={(event) => deeds.type(event.currentTarget.value)}
        />
        {picture.input !== "" && (
          <Button
            action="erase"
            name={w.action.erase}
            icon="erase"
            onPress={() => deeds.type(picture.input.slice(0, -1))}
          />
        )}
        {small && (
          <Button
            action="keypad"
            name={wanted ? w.action.keypad_hide : w.action.keypad_show}
            icon="keys"
            pressed={wanted}
            onPress={() => setWanted(!wanted)}
          />
        )}
        {small && (
          <Button
            action="dial"
            name={w.action.dial}
            icon="handset"
            look="round"
            tone="go"
            reason={why}
            onPress={call}
          />
        )}
      </div>
      {keys && <Keys words={w} plus onKey={(key) => deeds.type(picture.input + key)} />}
      {!small && (
        <Button
          action="dial"
          name={w.action.dial}
          label={w.action.dial}
          icon="handset"
          look="wide"
          tone="go"
          reason={why}
          onPress={call}
        />
      )}
    </form>
  );
}

interface LinesProps {
  readonly picture: Picture;
  readonly chosen: string | undefined;
  readonly onChoose: (extension: string) => void;
}

/** From which extension to call, when the user has several. */
function Lines({ picture, chosen, onChoose }: LinesProps): JSX.Element | null {
  const lines = Object.values(picture.server.lines).filter((line) => line.softphone);
  if (lines.length < 2) return null;
  const { pad } = words(picture.language);
  return (
    <label class="from">
      <span>{pad.from}</span>
      <select value={chosen ?? lines[0]?.extension} onChange={(event) => onChoose(event.currentTarget.value)}>
        {lines.map((line) => (
          <option key={line.extension} value={line.extension}>
            {line.label && line.label !== line.extension
              ? `${line.extension} · ${line.label}`
              : line.extension}
          </option>
        ))}
      </select>
    </label>
  );
}
