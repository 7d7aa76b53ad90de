import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { AmoHost, socketAddress, type WidgetInstance } from "../../src/host/amocrm";
import { isGoodAddress } from "../../src/host/settings";

interface Asked {
  options: Record<string, unknown>;
  done: (value: unknown) => void;
  fail: (xhr: unknown) => void;
}

/** amoCRM's widget instance, as far as we use it. */
class FakeWidget implements WidgetInstance {
  ns = ".widget:trubka";
  callbacks = {};
  settings: Record<string, unknown> = {
    backend_url: "https://gw.example.org/",
    path: "/upl/trubka/",
    version: "1.0.0",
  };
  words: Record<string, string> = { "panel.language": "en" };
  asked: Asked[] = [];
  click: ((data: { value?: unknown }) => void) | null = null;

  get_settings() {
    return this.settings;
  }

  i18n(path: string) {
    return this.words[path];
  }

  add_action(_type: "phone", run: (data: { value?: unknown }) => void) {
    this.click = run;
  }

  $authorizedAjax(options: Record<string, unknown>) {
    return {
      // biome-ignore lint/suspicious/noThenProperty: this is what jQuery's Deferred has
      then: (done: (value: unknown) => void, fail: (xhr: never) => void) => {
        this.asked.push({ options, done, fail: fail as (xhr: unknown) => void });
      },
    };
  }
}

const page = globalThis as unknown as Record<string, unknown>;

function host(app: object = {}, widget = new FakeWidget()) {
  page["window"] = { APP: app };
  page["document"] = { documentElement: { lang: "en-US", dataset: {} }, body: { dataset: {} } };
  page["matchMedia"] = () => ({ matches: true });
  return { host: new AmoHost(widget), widget };
}

afterEach(() => {
  for (const name of ["window", "document", "matchMedia", "fetch"]) Reflect.deleteProperty(page, name);
});

test("the gateway's address is read when it is needed, without its last slash", () => {
  const { host: one, widget } = host();
  assert.equal(one.backend, "https://gw.example.org");
  widget.settings = {};
  assert.equal(one.backend, "");
});

test("another user of the same browser is another owner", () => {
  const person = (id: number) =>
    host({ constant: (name: string) => ({ id: name === "user" ? id : 5 }) }).host.owner;
  assert.equal(person(7), "https://gw.example.org 5 7");
  assert.notEqual(person(7), person(8));
  assert.equal(host({}).host.owner, "https://gw.example.org  ");
});

test("a ticket is asked for with amoCRM's one-time token", async () => {
  const { host: one, widget } = host();
  const ticket = one.askTicket();
  const [asked] = widget.asked;
  assert.equal(asked?.options["url"], "https://gw.example.org/api/session");
  assert.equal(asked?.options["method"], "POST");
  asked?.done({ ticket: "t", url: "/n/1/ws" });
  assert.deepEqual(await ticket, { ticket: "t", url: "wss://gw.example.org/n/1/ws" });
});

for (const [name, xhr, told] of [
  [
    "the gateway's own sentence",
    { status: 401, responseText: '{"code":"ticket","message":"Токен просрочен"}' },
    "Токен просрочен",
  ],
  ["a proxy's page", { status: 502, responseText: "<html>" }, "502"],
  ["nothing at all", { status: 0 }, "0"],
  ["no answer object", undefined, "0"],
] as const) {
  test(`a refused ticket is told by ${name}`, async () => {
    const { host: one, widget } = host();
    const ticket = one.askTicket();
    widget.asked[0]?.fail(xhr);
    await assert.rejects(ticket, { message: told });
  });
}

test("an answer that is no ticket is a failure", async () => {
  const { host: one, widget } = host();
  const ticket = one.askTicket();
  widget.asked[0]?.done({ ok: true });
  await assert.rejects(ticket);
});

for (const [url, backend, address] of [
  ["/ws", "https://gw.example.org", "wss://gw.example.org/ws"],
  ["/ws", "http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"],
  ["wss://other.example.org/n/2/ws", "https://gw.example.org", "wss://other.example.org/n/2/ws"],
  ["https://other.example.org/ws", "https://gw.example.org", "wss://other.example.org/ws"],
  ["ws", "https://gw.example.org/trubka", "wss://gw.example.org/trubka/ws"],
] as const) {
  test(`${url} of ${backend} is ${address}`, () => assert.equal(socketAddress(url, backend), address));
}

test("the language is the one whose file the loader gave us, then the page's", () => {
  const widget = new FakeWidget();
  const { host: one } = host({}, widget);
  assert.equal(one.language, "en");
  widget.words = { "panel.language": "ru" };
  assert.equal(one.language, "ru");
  widget.words = {};
  assert.equal(one.language, "en");
});

test("the theme is the user's in amoCRM, then the page's, then the system's", () => {
  const { host: told } = host({ constant: () => ({ theme: "light" }) });
  assert.equal(told.theme(), "light");
  const { host: system } = host({ constant: () => ({}) });
  assert.equal(system.theme(), "dark");
  (page["document"] as { body: { dataset: Record<string, string> } }).body.dataset["theme"] = "light";
  assert.equal(system.theme(), "light");
});

test("a host without any of its services does not break the telephone", () => {
  const { host: one } = host({});
  one.setCalling(true);
  one.hideToggle();
  one.tellError("x");
  assert.equal(
    one.showToggle(() => undefined),
    false,
  );
});

test("the left menu's telephone toggles, and is taken away under the same name", () => {
  const told: string[] = [];
  const { host: one } = host({
    widgets: {
      notificationsPhone: ({ ns, click }: { ns: string; click: () => void }) => {
        told.push(ns);
        click();
      },
      destroyNotificationsPhone: ({ ns }: { ns: string }) => told.push(`no ${ns}`),
    },
    sdk: { setCallingStatus: (on: boolean) => told.push(`calling ${on}`) },
    router: { navigate: (url: string) => told.push(url) },
  });
  assert.equal(
    one.showToggle(() => told.push("click")),
    true,
  );
  one.hideToggle();
  one.setCalling(true);
  one.openCard("/contacts/detail/7");
  assert.deepEqual(told, [
    ".widget:trubka",
    "click",
    "no .widget:trubka",
    "calling true",
    "/contacts/detail/7",
  ]);
});

test("a click on a number hands over what the page shows", () => {
  const { host: one, widget } = host();
  const numbers: string[] = [];
  one.onNumberClick((number) => numbers.push(number));
  widget.click?.({ value: "8 (921) 555-01-02" });
  widget.click?.({});
  assert.deepEqual(numbers, ["8 (921) 555-01-02", ""]);
});

test("contacts are searched with the user's own session, companies only if there is none", async () => {
  const asked: string[] = [];
  page["fetch"] = (url: string) => {
    asked.push(url);
    return Promise.resolve(new Response(null, { status: 204 }));
  };
  const { host: one } = host();
  assert.equal(await one.findContact("+79215550102"), null);
  assert.deepEqual(asked, [
    "/api/v4/contacts?query=9215550102&limit=10",
    "/api/v4/companies?query=9215550102&limit=10",
  ]);
  assert.equal(await one.findContact("101"), null);
  assert.equal(asked.length, 2, "an extension is nobody's customer");
});

test("a CRM that is down is nobody, not an error", async () => {
  page["fetch"] = () => Promise.reject(new TypeError("network"));
  const { host: one } = host();
  assert.equal(await one.findContact("+79215550102"), null);
});

for (const [address, good] of [
  ["https://gw.example.org", true],
  ["https://gw.example.org:8443/trubka", true],
  ["http://127.0.0.1:8080", true],
  ["http://localhost:8080/", true],
  ["", true],
  ["http://gw.example.org", false],
  ["gw.example.org", false],
  ["https://", false],
  ["http://localhost.evil.example", false],
] as const) {
  test(`${address || "no address"} ${good ? "may" : "may not"} be saved`, () => {
    assert.equal(isGoodAddress({ fields: { backend_url: address } }), good);
  });
}

test("saving without our field is none of our business", () => {
  assert.ok(isGoodAddress(undefined));
  assert.ok(isGoodAddress({ active: "N" }));
});
