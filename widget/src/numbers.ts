/**
 * Telephone numbers: what a person typed or clicked → what the gateway is asked to dial; what the CRM keeps → what can be
 * compared; what is shown when the gateway has not said how.
 *
 * The gateway knows the account's country and normalises what is dialled (`gateway/numbers.py`); here a number is only
 * cleaned of what is no part of it. Comparing knows one country by its own rules, Russia (a leading 8 is the trunk prefix).
 * Invariants: `toDial` is idempotent and fits the protocol's pattern; two spellings of one Russian number compare equal; a
 * short number (up to six digits: an extension, 112) is never taken for a part of a long one.
 */

import { LIMITS } from "./protocol";

const LONGEST_SHORT_NUMBER = 6;

/** An office's inner number after the number itself: "+7 495 123-45-67 доб. 12". It is typed by hand after the answer. */
const INNER_NUMBER = /(\d)[\s(]*(?:доб|вн|ext|x|,|;).*$/iu;

/** Hyphens and dashes that pages put into numbers, and characters that stand for nothing. */
const DASHES = /[\u2010-\u2015\u2212]/g;
const FOREIGN = /[^0-9A-Za-z+*#(). _/\u00a0-]/g;

/** Cleans what was typed, pasted or clicked; empty when there is nothing to dial in it. */
export function toDial(text: string): string {
  const written = text
    .trim()
    .replace(/^(tel|callto|sip):/i, "")
    .replace(INNER_NUMBER, "$1");
  const clean = written.replace(DASHES, "-").replace(FOREIGN, "").trim().slice(0, LIMITS.number);
  return /[0-9*#A-Za-z]/.test(clean) ? clean : "";
}

function digitsOf(text: string): string {
  return text.replace(/\D/g, "");
}

/** E.164 for Russian numbers in any spelling; other numbers as their digits, with the plus if it was there. */
function canonical(text: string): string {
  const clean = toDial(text);
  const digits = digitsOf(clean);
  if (/[*#]/.test(clean)) return clean;
  if (clean.startsWith("+")) return `+${digits}`;
  if (digits.length === 11 && /^[78]/.test(digits)) return `+7${digits.slice(1)}`;
  if (digits.length === 10 && /^[3489]/.test(digits)) return `+7${digits}`;
  return digits;
}

/** The form two numbers are compared in. */
function comparable(text: string): string {
  return digitsOf(canonical(text));
}

/** Whether both are spellings of one number. */
export function sameNumber(one: string, other: string): boolean {
  const left = comparable(one);
  return left !== "" && left === comparable(other);
}

/** Digits to ask a CRM's search for: without prefixes that people write in five ways. Empty for short numbers. */
export function searchDigits(text: string): string {
  const digits = comparable(text);
  return digits.length <= LONGEST_SHORT_NUMBER ? "" : digits.slice(-10);
}

/** `+79215550102` → `+7 921 555-01-02`; other countries in groups of three; short numbers as they are. */
export function shownNumber(text: string): string {
  const number = canonical(text);
  const digits = digitsOf(number);
  if (digits === "" || digits.length <= LONGEST_SHORT_NUMBER) return number || text.trim();
  if (number.startsWith("+7") && digits.length === 11) {
    return `+7 ${digits.slice(1, 4)} ${digits.slice(4, 7)}-${digits.slice(7, 9)}-${digits.slice(9)}`;
  }
  if (!number.startsWith("+")) return digits;
  const groups: string[] = [];
  for (let rest = digits; rest.length > 0; ) {
    const size = rest.length === 4 ? 2 : Math.min(3, rest.length);
    groups.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return `+${groups.join(" ")}`;
}
