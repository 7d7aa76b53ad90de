import assert from "node:assert/strict";
import { test } from "node:test";
import { aCall, pictureOf } from "../../gallery/states";
import type { Picture } from "../../src/picture";
import type { Call } from "../../src/protocol";
import { dialReason, endFace, mood, reason, spoken, stateText, who } from "../../src/views/face";

const idle = (part: Partial<Picture> = {}): Picture => ({ ...pictureOf("idle", "ru", "light"), ...part });
const elsewhere = (): Picture => pictureOf("other_tab", "ru", "light");
const held = { us: false, pbx: false, phone: false, them: false };

test("the CRM's name comes first, then the PBX's, then the number", () => {
  const unknown = { number: "+79130000000", shown: "+7 913 000-00-00" };
  assert.equal(
    who(idle(), aCall({ party: { number: "+79215550102", shown: "…", name: "PBX" } })).title,
    "Анна Смирнова",
  );
  assert.equal(who(idle(), aCall({ party: { ...unknown, name: "Игорь" } })).title, "Игорь");
  assert.equal(who(idle(), aCall({ party: unknown })).title, "+7 913 000-00-00");
  assert.equal(who(idle(), aCall({ party: unknown })).number, null, "the number does not stand there twice");
  assert.equal(who(idle(), aCall({ party: { number: "", shown: "" } })).title, "Номер скрыт");
});

test("initials are letters of the name, two at most", () => {
  const called = (name: string) => who(idle(), aCall({ party: { number: "1", shown: "1", name } })).initials;
  assert.equal(called("Анна Смирнова"), "АС");
  assert.equal(called("Иванов И. И."), "ИИ");
  assert.equal(called("«Завод» №5"), null);
  assert.equal(called("Пётр"), "П");
});

for (const [text, part] of [
  ["Набираем…", { state: "dialing" }],
  ["Вызываем…", { state: "ringing" }],
  ["Входящий вызов", { state: "incoming" }],
  ["Разговор", {}],
  ["Микрофон выключен", { muted: true }],
  ["На удержании, звучит музыка", { state: "held", hold: { ...held, us: true } }],
  ["На удержании у АТС", { state: "held", hold: { ...held, pbx: true } }],
  ["На удержании у аппарата", { state: "held", hold: { ...held, phone: true } }],
  ["Собеседник поставил вас на удержание", { hold: { ...held, them: true } }],
  ["Ставим на удержание…", { pending: ["hold"] }],
  ["Завершаем…", { pending: ["hang_up"] }],
  ["Выполняется…", { pending: ["transfer_of_tomorrow"] }],
  ["АТС ещё не подтвердила звонок", { confirmed: false }],
  ["Возвращаем звук…", { sound: "lost" }],
  ["Разговор в другой вкладке", { device: { kind: "browser", tab: "another" } }],
  ["Разговор на аппарате: Yealink", { device: { kind: "phone", name: "Yealink" }, sound: "none" }],
  ["Разговор на аппарате", { device: { kind: "phone" }, sound: "none" }],
] as const) {
  test(`${JSON.stringify(part)} is told as «${text}»`, () => {
    assert.equal(stateText(idle(), aCall(part as Partial<Call>)), text);
  });
}

test("a mute under way is no news worth a sentence", () => {
  assert.equal(stateText(idle({ busy: new Set(["c1:mute"]) }), aCall({ id: "c1" })), "Разговор");
});

test("a tab that is not the phone does not claim to bring the sound back", () => {
  const there = { device: { kind: "browser", tab: "another-tab" } } as const;
  assert.equal(stateText(elsewhere(), aCall({ ...there, sound: "lost" })), "Разговор в другой вкладке");
  assert.equal(stateText(elsewhere(), aCall({ sound: "lost" })), "Звук потерян");
});

test("each action that is not allowed has its reason, each that is allowed has none", () => {
  const call = aCall({ actions: { hold: null, resume: "not_held" } });
  assert.equal(reason(idle(), call, "hold"), null);
  assert.equal(reason(idle(), call, "resume"), "Звонок не на удержании.");
});

for (const [why, picture, action, text] of [
  [
    "the link is down",
    idle({ link: { state: "waiting", failure: null } }),
    "hold",
    "Нет связи с сервером телефонии.",
  ],
  ["it is under way already", idle({ busy: new Set(["c1:hold"]) }), "hold", "Выполняется…"],
  ["the phone is in another tab", elsewhere(), "answer", "Телефон открыт в другой вкладке."],
  ["there is no microphone", idle({ microphone: "absent" }), "answer", "Нет доступа к микрофону."],
  ["the ring has not come here", idle(), "answer", "Вызов ещё не дошёл до этой вкладки."],
] as const) {
  test(`${action} is greyed out with words when ${why}`, () => {
    assert.equal(reason(picture, aCall({ id: "c1", actions: {} }), action), text);
  });
}

test("a missing microphone does not stop anybody from hanging up", () => {
  assert.equal(reason(idle({ microphone: "denied" }), aCall(), "hang_up"), null);
});

test("tones of a call in another tab are that tab's", () => {
  const there = aCall({ device: { kind: "browser", tab: "another" } });
  assert.equal(reason(idle(), there, "dtmf"), "Телефон открыт в другой вкладке.");
});

for (const [why, picture, number, text] of [
  ["all is well", idle(), "101", null],
  ["nothing is typed", idle(), " ", "Введите номер."],
  [
    "the link is down",
    idle({ link: { state: "connecting", failure: null } }),
    "101",
    "Нет связи с сервером телефонии.",
  ],
  ["the phone is elsewhere", elsewhere(), "101", "Телефон открыт в другой вкладке."],
  ["the microphone is forbidden", idle({ microphone: "denied" }), "101", "Нет доступа к микрофону."],
  [
    "the line is refused",
    pictureOf("line_failed", "ru", "light"),
    "101",
    "АТС не приняла имя или пароль линии.",
  ],
  ["there is no line", pictureOf("no_extension", "ru", "light"), "101", "Нет внутреннего номера на линии."],
  ["a number is being dialled", pictureOf("preparing", "ru", "light"), "101", "Выполняется…"],
] as const) {
  test(`dialling when ${why}: ${text ?? "allowed"}`, () => assert.equal(dialReason(picture, number), text));
}

test("one line that works is enough to dial", () => {
  assert.equal(dialReason(pictureOf("several_lines", "ru", "light"), "101"), null);
});

const over = (
  end: Partial<NonNullable<Call["end"]>> & { cause: NonNullable<Call["end"]>["cause"] },
  part: Partial<Call> = {},
) => {
  const { answered_at: _, ...call } = aCall({
    state: "ended",
    end: { by: "them", ...end },
    ended_at: 1_000,
    ...part,
  });
  return part.answered_at === undefined ? call : { ...call, answered_at: part.answered_at };
};

for (const [call, text, tone] of [
  [over({ cause: "hung_up" }, { answered_at: 925 }), "Разговор завершён · 1:15", "calm"],
  [over({ cause: "missed" }), "Пропущенный вызов", "missed"],
  [over({ cause: "busy" }), "Занято", "failed"],
  [over({ cause: "not_found" }), "Такого номера нет", "failed"],
  [over({ cause: "cancelled" }), "Вызов отменён", "calm"],
  [over({ cause: "answered_elsewhere" }), "Отвечено на другом аппарате", "calm"],
  [over({ cause: "answered_elsewhere" }, { elsewhere: "Анна" }), "Ответил: Анна", "calm"],
  [
    over({ cause: "nobody_came_back" }, { answered_at: 940 }),
    "Страница закрылась, и никто не вернулся к разговору · 1:00",
    "failed",
  ],
] as const) {
  test(`an end is told as «${text}»`, () => {
    const face = endFace(idle(), call);
    assert.equal(face.text, text);
    assert.equal(face.tone, tone);
  });
}

test("answered elsewhere is not shown as missed", () => {
  assert.notEqual(
    endFace(idle(), over({ cause: "answered_elsewhere" })).icon,
    endFace(idle(), over({ cause: "missed" })).icon,
  );
});

test("the PBX's own words are at hand, but not in the way", () => {
  assert.equal(
    endFace(idle(), over({ cause: "busy", status: 486, text: "Busy Here" })).detail,
    "код 486, Busy Here",
  );
  assert.equal(endFace(idle(), over({ cause: "busy" })).detail, null);
});

test("the mood of a card follows what is wrong first", () => {
  assert.equal(mood(aCall()), "talking");
  assert.equal(mood(aCall({ sound: "lost" })), "trouble");
  assert.equal(mood(aCall({ state: "held" })), "held");
  assert.equal(mood(aCall({ hold: { ...held, them: true } })), "held");
  assert.equal(mood(aCall({ state: "ringing", sound: "waiting" })), "calling");
  assert.equal(mood(aCall({ state: "incoming" })), "ringing");
});

test("a screen reader is told of every call, and of no clock", () => {
  const text = spoken(pictureOf("two_calls", "ru", "light"));
  assert.equal(text, "+7 913 987-65-43: Разговор. Анна Смирнова: На удержании, звучит музыка");
});
