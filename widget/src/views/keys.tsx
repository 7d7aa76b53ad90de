/** The twelve keys of a telephone, for dialling and for tones. */

import type { JSX } from "preact";
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

export interface KeysProps {
  readonly words: Words;
  readonly reason?: string | null;
  readonly onKey: (key: string) => void;
}

export function Keys({ words, reason = null, onKey }: KeysProps): JSX.Element {
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
          onClick={() => reason === null && onKey(key)}
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
