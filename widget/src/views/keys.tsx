/** The twelve keys of a telephone, for dialling and for tones. */

import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { fill, type Words } from "../i18n";

export const KEYS = "123456789*0#";

/** Letters that stand on a telephone's keys (ITU-T E.161); people spell vanity numbers by them. */
const LETTERS: Readonly<Record<string, string>> = {
  "2": "ABC",
  "3": "DEF",
  "4": "GHI",
  "5": "JKL",
  "6": "MNO",
  "7": "PQRS",
  "8": "TUV",
  "9": "WXYZ",
  "0": "+",
};

/** Seconds that the 0 is held down for a plus, as on any mobile phone. */
const PLUS_SECONDS = 0.5;

export interface KeysProps {
  readonly words: Words;
  readonly reason?: string | null;
  /** Whether a 0 held down is a plus: for numbers, not for tones. */
  readonly plus?: boolean;
  readonly onKey: (key: string) => void;
}

export function Keys({ words, reason = null, plus = false, onKey }: KeysProps): JSX.Element {
  const held = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const done = useRef(false);
  const down = (key: string) => {
    done.current = false;
    if (!plus || key !== "0") return;
    held.current = setTimeout(() => {
      done.current = true;
      onKey("+");
    }, PLUS_SECONDS * 1000);
  };
  const up = () => clearTimeout(held.current);
  const click = (key: string) => {
    if (reason === null && !done.current) onKey(key);
    done.current = false;
  };
  return (
    <div class="keys">
      {[...KEYS].map((key) => (
        <button
          key={key}
          type="button"
          class="key"
          data-key={key}
          aria-label={fill(words.action.key, { key })}
          aria-disabled={reason !== null}
          title={reason ?? undefined}
          onPointerDown={() => down(key)}
          onPointerUp={up}
          onPointerLeave={up}
          onClick={() => click(key)}
        >
          <span class="digit">{key}</span>
          <span class="letters" aria-hidden="true">
            {LETTERS[key] ?? ""}
          </span>
        </button>
      ))}
    </div>
  );
}
