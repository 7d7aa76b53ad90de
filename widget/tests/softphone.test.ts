import assert from "node:assert/strict";
import { test } from "node:test";
import { aCall } from "../gallery/states";
import type { Contact } from "../src/host/host";
import type { Answer, Command, LinkState } from "../src/link/effects";
import { Microphone } from "../src/phone/microphone";
import type { Phone, PhoneAnswer } from "../src/phone/phone";
import { newPicture } from "../src/picture";
import type { Beat, Call, GatewayMessage, RingAck, State } from "../src/protocol";
import type { Pattern } from "../src/ring";
import { Softphone } from "../src/softphone";
import { Store } from "../src/store";
import { settle } from "./phone/fakes";

const TAB = "tab-a";
const DONE: Answer = { t: "done", id: "1" };

/** A softphone whose neighbours write down what they are told. */
class Desk {
  readonly log: string[] = [];
  readonly offers = new Set<string>();
  readonly heard = new Set<string>();
  link: LinkState = "live";
  armed = true;
  pattern: Pattern = "silent";
  contact: Contact | null = null;
  answer: PhoneAnswer = DONE;
  private finish: (() => void)[] = [];
  private due: (() => void)[] = [];
  readonly picture = new Store(
    newPicture({ language: "ru", theme: "light", open: false, hasToggle: true, tab: TAB, configured: true }),
  );
  readonly softphone: Softphone;

  constructor() {
    const say = (text: string) => this.log.push(text);
    const said = <T>(text: string, value: T): T => {
      say(text);
      return value;
    };
    const later = <T>(value: () => T) => new Promise<T>((done) => this.finish.push(() => done(value())));
    const phone = {
      dial: (number: string, extension?: string) =>
        said(
          `dial ${number} ${extension ?? ""}`.trim(),
          later(() => this.answer),
        ),
      answer: (call: string) =>
        said(
          `answer ${call}`,
          later(() => this.answer),
        ),
      reattach: (call: string) =>
        said(
          `reattach ${call}`,
          later(() => this.answer),
        ),
      intend: (call: string, intent: string, stands: boolean) =>
        say(`${stands ? "intend" : "let"} ${intent} ${call}`),
      tones: (call: string, digits: string) => said(`tones ${call} ${digits}`, this.heard.has(call)),
      ring: (letter: { call: string }) => this.offers.add(letter.call),
      remote: (letter: { call: string; kind: string }) =>
        said(`remote ${letter.kind} ${letter.call}`, Promise.resolve()),
      follow: (state: State, live: boolean) =>
        say(`follow ${Object.keys(state.calls).join()} ${live ? "live" : "dead"}`),
      canAnswer: (call: string) => this.offers.has(call),
      hears: (call: string) => this.heard.has(call),
      sounding: () => [...this.heard],
      useServers: () => undefined,
    };
    this.softphone = new Softphone({
      host: {
        language: "ru",
        backend: "https://gw",
        owner: "https://gw 1 7",
        theme: () => "light",
        onTheme: () => () => undefined,
        askTicket: () => Promise.reject(new Error("not here")),
        findContact: (number) => said(`look up ${number}`, Promise.resolve(this.contact)),
        openCard: (url) => say(`open ${url}`),
        setCalling: (on) => say(`calling ${on}`),
      },
      picture: this.picture,
      phone: phone as unknown as Phone,
      microphone: new Microphone({}, () => undefined),
      tones: {
        get armed() {
          return desk().armed;
        },
        get pattern() {
          return desk().pattern;
        },
        arm: () => Promise.resolve(),
        play: (pattern) => {
          this.pattern = pattern;
        },
        key: (digit) => say(`key ${digit}`),
      },
      link: {
        get state() {
          return desk().link;
        },
        execute: (command: Command) =>
          said(
            `> ${command.t}`,
            later(() => this.answer as Answer),
          ),
        tell: (message: Beat | RingAck) => said(`> ${JSON.stringify(message)}`, true),
        start: () => say("start"),
      },
      learnTime: (now) => say(`it is ${now}`),
      beatEvery: (seconds) => say(`beat every ${seconds}`),
      later: (_seconds, run) => this.due.push(run),
      keepOpen: (open) => say(`keep ${open}`),
    });
    const desk = () => this;
  }

  async finished(): Promise<void> {
    const all = this.finish;
    this.finish = [];
    for (const one of all) one();
    await settle();
  }

  timeGoes(): void {
    const all = this.due;
    this.due = [];
    for (const one of all) one();
  }

  hears(message: GatewayMessage): void {
    this.softphone.onMessage(message, 0);
  }

  shows(...calls: Call[]): void {
    const state: State = {
      calls: Object.fromEntries(calls.map((call) => [call.id, call])),
      lines: {},
      phone: { tab: TAB },
    };
    this.hears({ t: "snapshot", epoch: "e", seq: 0, state });
  }

  remarks(): string[] {
    return this.picture.get().remarks.map((remark) => remark.text);
  }
}

const ringing = (part: Partial<Call> = {}) =>
  aCall({ id: "c1", state: "incoming", direction: "in", ...part });

test("the welcome sets the clock and the beat", () => {
  const desk = new Desk();
  desk.hears({
    t: "welcome",
    version: 1,
    epoch: "e",
    seq: 0,
    now: 77,
    account: 1,
    user: { id: 1, name: "Анна", role: "agent" },
    extensions: [],
    tab: TAB,
    settings: { beat_s: 1, blip_s: 5, return_s: 30, ring_ack_s: 2, ice_servers: [] },
  });
  assert.deepEqual(desk.log, ["it is 77", "beat every 1"]);
});

test("a ring is shown, rung and then acknowledged", () => {
  const desk = new Desk();
  desk.shows(ringing());
  assert.equal(desk.pattern, "silent", "the call is seen, but the ring has not come to this tab");
  desk.hears({ t: "ring", call: "c1", offer: "v=0" });
  desk.softphone.onPageChange();
  assert.equal(desk.picture.get().open, true);
  assert.ok(desk.picture.get().answerable.has("c1"));
  assert.equal(desk.pattern, "ring");
  assert.ok(desk.log.includes('> {"t":"ring_ack","call":"c1"}'));
});

test("a panel that opens by itself does not change what the user chose", () => {
  const desk = new Desk();
  desk.hears({ t: "ring", call: "c1", offer: "v=0" });
  assert.ok(!desk.log.some((line) => line.startsWith("keep")));
  desk.softphone.unfold(false);
  assert.ok(desk.log.includes("keep false"));
});

test("a second call rings softly while one is talked", () => {
  const desk = new Desk();
  desk.offers.add("c1");
  desk.shows(ringing(), aCall({ id: "c2" }));
  assert.equal(desk.pattern, "waiting");
});

test("ringback is ours only until the far end can be heard", () => {
  const desk = new Desk();
  desk.shows(aCall({ id: "c1", state: "ringing" }));
  assert.equal(desk.pattern, "ringback");
  desk.heard.add("c1");
  desk.softphone.onPageChange();
  assert.equal(desk.pattern, "silent");
});

test("busy is heard when our call meets it, and not cut off by the next change", () => {
  const desk = new Desk();
  desk.shows(aCall({ id: "c1", state: "ringing" }));
  desk.shows(aCall({ id: "c1", state: "ended", end: { by: "them", cause: "busy" } }));
  assert.equal(desk.pattern, "busy");
  desk.softphone.onPageChange();
  assert.equal(desk.pattern, "busy");
});

test("an old busy call in a snapshot makes no sound", () => {
  const desk = new Desk();
  desk.shows(aCall({ id: "c1", state: "ended", end: { by: "them", cause: "busy" } }));
  assert.equal(desk.pattern, "silent");
});

test("the CRM is told when the first call begins and when the last has ended", () => {
  const desk = new Desk();
  desk.shows(aCall({ id: "c1" }));
  desk.shows(aCall({ id: "c1" }), aCall({ id: "c2" }));
  desk.shows(aCall({ id: "c1", state: "ended" }));
  assert.deepEqual(
    desk.log.filter((line) => line.startsWith("calling")),
    ["calling true", "calling false"],
  );
});

test("a number is looked up once, and its card is shown", async () => {
  const desk = new Desk();
  desk.contact = { name: "Анна", company: null, url: "/contacts/detail/7" };
  desk.shows(ringing());
  desk.shows(ringing({ rev: 2 }));
  await settle();
  assert.equal(desk.log.filter((line) => line.startsWith("look up")).length, 1);
  assert.equal(desk.picture.get().contacts.get("+79215550102")?.name, "Анна");
});

test("a withheld number is not looked up", () => {
  const desk = new Desk();
  desk.shows(ringing({ party: { number: "", shown: "" } }));
  assert.ok(!desk.log.some((line) => line.startsWith("look up")));
});

test("a click on a number is answered at once, and dialled once", async () => {
  const desk = new Desk();
  desk.shows();
  desk.answer = { t: "done", id: "1", result: { call: "c1" } };
  desk.softphone.dial("8 (921) 555-01-02 доб. 5");
  desk.softphone.dial("101");
  assert.deepEqual(desk.picture.get().dialling, { number: "8 (921) 555-01-02", call: null });
  assert.ok(desk.picture.get().open);
  await desk.finished();
  assert.deepEqual(
    desk.picture.get().dialling,
    { number: "8 (921) 555-01-02", call: "c1" },
    "until the call is seen",
  );
  desk.shows(aCall({ id: "c1", state: "dialing" }));
  assert.equal(desk.picture.get().dialling, null);
  assert.equal(desk.log.filter((line) => line.startsWith("dial")).length, 1);
});

for (const [why, prepare, number, text] of [
  ["there is nothing to dial", () => undefined, "—", "Этот номер нельзя набрать."],
  ["there is no link", (desk: Desk) => (desk.link = "waiting"), "101", "Нет связи с сервером телефонии."],
] as const) {
  test(`nothing is dialled when ${why}, and the user reads why`, () => {
    const desk = new Desk();
    desk.shows();
    prepare(desk);
    desk.softphone.dial(number);
    assert.deepEqual(desk.remarks(), [text]);
    assert.ok(!desk.log.some((line) => line.startsWith("dial")));
  });
}

test("a click in a tab that is not the phone says where the phone is", () => {
  const desk = new Desk();
  desk.hears({ t: "snapshot", epoch: "e", seq: 0, state: { calls: {}, lines: {}, phone: { tab: "tab-b" } } });
  desk.softphone.dial("101");
  assert.deepEqual(desk.remarks(), ["Телефон открыт в другой вкладке."]);
});

test("a refusal is read in the gateway's words, else in ours, and goes away", async () => {
  const desk = new Desk();
  desk.shows();
  desk.answer = { t: "refused", code: "line_off", message: "Линия выключена." };
  desk.softphone.act("c1", "hang_up");
  await desk.finished();
  desk.answer = { t: "refused", code: "no_reply" };
  desk.softphone.act("c1", "hang_up");
  await desk.finished();
  assert.deepEqual(desk.remarks(), ["Линия выключена.", "Сервер не ответил вовремя."]);
  desk.timeGoes();
  assert.deepEqual(desk.remarks(), []);
});

test("a missing microphone is explained by the panel, not by a remark", async () => {
  const desk = new Desk();
  desk.shows();
  desk.answer = { t: "refused", code: "microphone" };
  desk.softphone.dial("101");
  await desk.finished();
  assert.deepEqual(desk.remarks(), []);
  assert.equal(desk.picture.get().dialling, null);
});

test("a command is seen as under way until its answer", async () => {
  const desk = new Desk();
  desk.softphone.act("c1", "hang_up");
  assert.deepEqual([...desk.picture.get().busy], ["c1:hang_up"]);
  await desk.finished();
  assert.deepEqual([...desk.picture.get().busy], []);
});

test("hold and mute silence the microphone before the gateway has answered", async () => {
  const desk = new Desk();
  desk.softphone.act("c1", "hold");
  desk.softphone.mute("c1", true);
  assert.deepEqual(desk.log, ["intend hold c1", "> hold", "intend mute c1", "> mute"]);
  await desk.finished();
  assert.deepEqual(desk.log.slice(4).sort(), ["let hold c1", "let mute c1"]);
});

test("answering and bringing back are the phone's deeds, the rest are commands", () => {
  const desk = new Desk();
  desk.softphone.act("c1", "answer");
  desk.softphone.act("c1", "reattach");
  desk.softphone.act("c1", "reject");
  desk.softphone.act("c1", "dismiss");
  desk.softphone.takePhone();
  assert.deepEqual(desk.log, ["answer c1", "reattach c1", "> reject", "> dismiss", "> take_phone"]);
});

test("a tone is heard, sent, and told to the gateway", () => {
  const desk = new Desk();
  desk.heard.add("c1");
  desk.softphone.tones("c1", "5");
  assert.deepEqual(desk.log, ["key 5", "tones c1 5", "> dtmf"]);
});

test("a tone that cannot be sent is not told as sent", () => {
  const desk = new Desk();
  desk.softphone.tones("c1", "5");
  assert.ok(!desk.log.includes("> dtmf"));
  assert.deepEqual(desk.remarks(), ["Тональный набор в этом разговоре невозможен."]);
});

test("it beats only while there is sound", () => {
  const desk = new Desk();
  desk.softphone.beat();
  desk.heard.add("c1");
  desk.softphone.beat();
  assert.deepEqual(desk.log, ['> {"t":"beat","calls":["c1"]}']);
});

test("deltas change only what they name; a notice is read", () => {
  const desk = new Desk();
  desk.shows(aCall({ id: "c1" }));
  desk.hears({ t: "delta", seq: 1, calls: { c2: aCall({ id: "c2" }) } });
  assert.deepEqual(Object.keys(desk.picture.get().server.calls), ["c1", "c2"]);
  desk.hears({ t: "notice", code: "hold_failed", message: "Не удалось поставить звонок на удержание." });
  assert.deepEqual(desk.remarks(), ["Не удалось поставить звонок на удержание."]);
});

test("the same trouble twice is one remark, and no more than three are shown", () => {
  const desk = new Desk();
  for (const code of ["busy", "busy", "empty", "no_line", "no_tones"]) desk.softphone.refuse(code);
  assert.equal(desk.remarks().length, 3);
  assert.equal(new Set(desk.remarks()).size, 3);
});
