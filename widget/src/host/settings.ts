/** The integration's settings window: a hint under the address, and a check before it is saved. */

/** The part of amoCRM's jQuery that is used. */
interface JQueryLike {
  find(selector: string): JQueryLike;
  first(): JQueryLike;
  after(html: string): unknown;
  readonly length: number;
}

function isJQuery(value: unknown): value is JQueryLike {
  return typeof value === "object" && value !== null && typeof (value as JQueryLike).find === "function";
}

/** Adds what the field is for; does nothing when the window is not as we know it. */
export function explainSettings(body: unknown, hint: string): void {
  if (!isJQuery(body)) return;
  const field = body.find('input[name="backend_url"]').first();
  if (field.length === 0 || body.find(".trubka-hint").length > 0) return;
  const paragraph = document.createElement("p");
  paragraph.className = "trubka-hint";
  paragraph.textContent = hint;
  field.after(paragraph.outerHTML);
}

/**
 * Whether the settings may be saved. Local addresses may go without TLS: that is how one tries the telephone; an empty
 * field is the host's own business, which knows what is required.
 */
export function isGoodAddress(saved: unknown): boolean {
  const address = (saved as { fields?: { backend_url?: unknown } } | null)?.fields?.backend_url;
  if (typeof address !== "string" || address.trim() === "") return true;
  const text = address.trim();
  return (
    /^https:\/\/[^\s/]+/i.test(text) || /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|$)/i.test(text)
  );
}
