/**
 * Telephone numbers: what a person typed or clicked → what is dialled; what the network says → what is shown.
 *
 * Invariants: `dialable` is idempotent; two spellings of one Russian number compare equal by `sameNumber`; a short
 * number (up to six digits: an extension, 112) is never taken for a part of a long one. Knows no country but Russia by
 * its own rules (a leading 8 is the trunk prefix); any other number is left as it was written.
 */

const LONGEST_SHORT_NUMBER = 6;

/** Words and marks after which an office's inner number follows: "+7 495 123-45-67 доб. 12". */
const EXTENSION_MARK = /(доб|вн|ext|x|#|,|;)/i;

function digitsOf(text: string): string {
  return text.replace(/\D/g, "");
}

/** Rewrites what was typed, pasted or clicked into what the gateway is asked to dial; empty when nothing is dialable. */
export function dialable(text: string): string {
  const written = text.trim().replace(/^(tel|callto|sip):/i, "");
  const star = /^[*#][\d*#]+$/.exec(written);
  if (star) return written;
  const main = (written.split(EXTENSION_MARK)[0] ?? "").trim();
  const digits = digitsOf(main);
  if (digits === "") return "";
  if (main.startsWith("+")) return `+${digits}`;
  if (digits.length === 11 && /^[78]/.test(digits)) return `+7${digits.slice(1)}`;
  if (digits.length === 10 && /^[3489]/.test(digits)) return `+7${digits}`;
  return digits;
}

/** The form two numbers are compared in. */
function comparable(text: string): string {
  return digitsOf(dialable(text));
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
  const number = dialable(text);
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
