/**
 * Words. The panel's own come from `i18n/*.json` (the files that amoCRM reads, too), the sentences for the gateway's codes
 * from the generated protocol. A word that is missing is a compile error: the Russian file is the type.
 */

import en from "./i18n/en.json";
import ru from "./i18n/ru.json";
import { type Language, SENTENCES } from "./protocol";

export type Words = typeof ru.panel;

const WORDS: Readonly<Record<Language, Words>> = { ru: ru.panel, en: en.panel };

export function words(language: Language): Words {
  return WORDS[language];
}

/** `fill("до {n} секунд", {n: 5})`. A place without a value stays as it is, so that the mistake is seen. */
export function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(values[name] ?? place));
}

type Refusals = Words["refusals"];

/** The sentence for a refusal or a reason: the gateway's codes and the page's own. */
export function sentence(language: Language, code: string): string {
  const own = words(language).refusals;
  if (code in own) return own[code as keyof Refusals];
  const codes: Readonly<Record<string, string>> = SENTENCES[language].codes;
  return codes[code] ?? code;
}

export function causeText(language: Language, cause: string): string {
  const causes: Readonly<Record<string, string>> = SENTENCES[language].causes;
  return causes[cause] ?? cause;
}

/** What a close code of the socket or a failed sign-in means. */
export function failureText(language: Language, failure: string | null): string | null {
  if (failure === null) return null;
  const closes: Readonly<Record<string, string>> = SENTENCES[language].closes;
  const known = closes[failure];
  if (known !== undefined) return known;
  const own = words(language).failures;
  if (/^\d+$/.test(failure)) {
    const status = Number(failure);
    if (status === 401 || status === 403) return own.refused;
    return status >= 1000 || status === 0 ? own.network : fill(own.status, { status });
  }
  return failure === "gap" ? own.network : failure;
}
