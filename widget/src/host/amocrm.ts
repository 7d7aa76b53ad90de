/**
 * amoCRM's page, as the telephone sees it. This file alone touches the host's globals (APP, AMOCRM), its jQuery ways and
 * the widget instance that the loader made; everything is asked for defensively, because amoCRM changes without notice
 * and a missing toggle must not cost a call. Facts and their sources: `amocrm.md` part 1.
 */

import { searchDigits } from "../numbers";
import type { Language } from "../protocol";
import { companyIn, contactIn, type Found } from "./contacts";
import type { Contact, Host, Theme } from "./host";

/** jQuery 2.1's Deferred: `then` exists, but it is no Promises/A+. */
interface Deferred {
  then(done: (value: unknown) => void, fail: (xhr: Failure | undefined) => void): unknown;
}

interface Failure {
  readonly status?: number;
  readonly responseText?: string;
}

/** The instance that amoCRM's loader makes of our constructor (`amocrm.md` 1.5). */
export interface WidgetInstance {
  readonly ns?: string;
  callbacks: Record<string, unknown>;
  get_settings(): Record<string, unknown>;
  i18n(path: string): unknown;
  add_action(type: "phone", run: (data: { value?: unknown }) => void): void;
  $authorizedAjax(options: Record<string, unknown>): Deferred;
}

interface App {
  readonly lang_id?: string;
  readonly widgets?: {
    notificationsPhone?(options: { ns: string; click: () => void }): void;
    destroyNotificationsPhone?(options: { ns: string }): void;
  };
  readonly notifications?: { show_message_error?(message: { header: string; text: string }): void };
  readonly sdk?: { setCallingStatus?(on: boolean): void };
  readonly router?: { navigate(url: string, options: { trigger: boolean }): void };
  constant?(name: string): unknown;
}

function app(): App {
  const globals = window as unknown as { APP?: App; AMOCRM?: App };
  return globals.APP ?? globals.AMOCRM ?? {};
}

export class AmoHost implements Host {
  private readonly widget: WidgetInstance;

  /** The instance has neither words nor settings yet when its constructor runs: everything is asked for when it is needed. */
  constructor(widget: WidgetInstance) {
    this.widget = widget;
  }

  get language(): Language {
    return languageOf(this.widget);
  }

  get backend(): string {
    const value = this.widget.get_settings()["backend_url"];
    return typeof value === "string" ? value.trim().replace(/\/+$/, "") : "";
  }

  get owner(): string {
    const account = app().constant?.("account") as { id?: unknown } | undefined;
    const user = app().constant?.("user") as { id?: unknown } | undefined;
    return [this.backend, account?.id ?? "", user?.id ?? ""].join(" ");
  }

  /** Base address of the unpacked archive, and the version that breaks caches. */
  get archive(): { path: string; version: string } {
    const { path, version } = this.widget.get_settings();
    return { path: String(path ?? "").replace(/\/+$/, ""), version: String(version ?? "") };
  }

  theme(): Theme {
    const user = app().constant?.("user") as { theme?: unknown } | undefined;
    if (user?.theme === "dark" || user?.theme === "light") return user.theme;
    const told = document.documentElement.dataset["theme"] ?? document.body.dataset["theme"];
    if (told === "dark" || told === "light") return told;
    return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }

  onTheme(changed: (theme: Theme) => void): () => void {
    const media = matchMedia("(prefers-color-scheme: dark)");
    const look = () => changed(this.theme());
    media.addEventListener("change", look);
    const watcher = new MutationObserver(look);
    const what = { attributes: true, attributeFilter: ["class", "data-theme"] };
    watcher.observe(document.documentElement, what);
    watcher.observe(document.body, what);
    return () => {
      media.removeEventListener("change", look);
      watcher.disconnect();
    };
  }

  /** amoCRM's one-time token (2.6) goes to the gateway, which answers with a ticket and the socket's address. */
  askTicket(): Promise<{ ticket: string; url: string }> {
    const backend = this.backend;
    return new Promise((resolve, reject) => {
      this.widget
        .$authorizedAjax({
          url: `${backend}/api/session`,
          method: "POST",
          type: "POST",
          dataType: "json",
          contentType: "application/json",
          data: "{}",
        })
        .then(
          (value) => {
            const body = value as { ticket?: unknown; url?: unknown } | null;
            if (typeof body?.ticket !== "string" || typeof body.url !== "string") reject(new Error("0"));
            else resolve({ ticket: body.ticket, url: socketAddress(body.url, backend) });
          },
          (xhr) => reject(new Error(sentenceOf(xhr))),
        );
    });
  }

  async findContact(number: string): Promise<Contact | null> {
    const digits = searchDigits(number);
    if (digits === "") return null;
    const contact = contactIn(await search("contacts", digits), number);
    return contact ?? companyIn(await search("companies", digits), number);
  }

  openCard(url: string): void {
    const router = app().router;
    if (router) router.navigate(url, { trigger: true });
    else location.assign(url);
  }

  setCalling(on: boolean): void {
    app().sdk?.setCallingStatus?.(on);
  }

  /** A click on a number: in a card's menu item «Позвонить», or in a list on the number itself (1.8). */
  onNumberClick(run: (number: string) => void): void {
    this.widget.add_action("phone", (data) => run(String(data?.value ?? "")));
  }

  /** The telephone in the left menu; false when this amoCRM has no place for it. */
  showToggle(click: () => void): boolean {
    const { widgets } = app();
    if (typeof widgets?.notificationsPhone !== "function") return false;
    widgets.notificationsPhone({ ns: this.widget.ns ?? ".widget:trubka", click });
    return true;
  }

  /** A message in the host's own manner. */
  tellError(text: string): void {
    app().notifications?.show_message_error?.({
      header: String(this.widget.i18n("widget.name") ?? ""),
      text,
    });
  }

  /** The archive's style sheet, for what we add to the host's own windows. */
  addStyles(): void {
    const { path, version } = this.archive;
    const href = `${path}/style.css?v=${encodeURIComponent(version)}`;
    if (path === "" || document.querySelector(`link[href="${CSS.escape(href)}"]`)) return;
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = href;
    document.head.append(link);
  }

  text(path: string): string {
    return String(this.widget.i18n(path) ?? "");
  }

  hideToggle(): void {
    app().widgets?.destroyNotificationsPhone?.({ ns: this.widget.ns ?? ".widget:trubka" });
  }
}

/** The language whose file the loader gave us; it knows better than the browser. */
function languageOf(widget: WidgetInstance): Language {
  const told = widget.i18n("panel.language");
  if (told === "ru" || told === "en") return told;
  const other = app().lang_id ?? document.documentElement.lang;
  return other.toLowerCase().startsWith("en") ? "en" : "ru";
}

/** The gateway may answer with a path or with a whole address. */
export function socketAddress(url: string, backend: string): string {
  const address = new URL(url, `${backend}/`);
  address.protocol = address.protocol.replace("http", "ws");
  return address.href;
}

function sentenceOf(xhr: Failure | undefined): string {
  try {
    const body = JSON.parse(xhr?.responseText ?? "") as { message?: unknown };
    if (typeof body.message === "string" && body.message !== "") return body.message;
  } catch {
    // not the gateway's JSON (a proxy's page, or nothing at all): the status has to do
  }
  return String(xhr?.status ?? 0);
}

/** The user's own session searches (same origin, cookies); 204 and errors are "nobody". */
async function search(what: "contacts" | "companies", digits: string): Promise<Found | null> {
  try {
    const answer = await fetch(`/api/v4/${what}?query=${encodeURIComponent(digits)}&limit=10`, {
      headers: { "X-Requested-With": "XMLHttpRequest" },
      credentials: "same-origin",
    });
    return answer.status === 200 ? ((await answer.json()) as Found) : null;
  } catch {
    return null; // a CRM that is down must not disturb the call; the number is shown instead
  }
}
