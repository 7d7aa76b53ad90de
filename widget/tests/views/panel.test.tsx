import assert from "node:assert/strict";
import { test } from "node:test";
import { renderToString } from "preact-render-to-string";
import { NAMES, NOW, pictureOf } from "../../gallery/states";
import type { Deeds, Picture } from "../../src/picture";
import type { Language } from "../../src/protocol";
import { bannersOf } from "../../src/views/banners";
import { ordered, Panel } from "../../src/views/panel";

const nothing = () => undefined;
const DEEDS: Deeds = {
  dial: nothing,
  act: nothing,
  mute: nothing,
  tones: nothing,
  takePhone: nothing,
  askMicrophone: nothing,
  arm: nothing,
  reconnect: nothing,
  openCard: nothing,
  unfold: nothing,
  type: nothing,
  dropRemark: nothing,
};

const drawn = (picture: Picture) => renderToString(<Panel picture={picture} deeds={DEEDS} now={NOW} />);
const html = (name: string, language: Language = "ru") => drawn(pictureOf(name, language, "light"));
const text = (markup: string) => markup.replace(/<[^>]+>/g, "|").replace(/\|+/g, "|");

/** The opening tags of the buttons with an action, in order. */
function buttons(markup: string, action: string): string[] {
  return [...markup.matchAll(/<button[^>]*>/g)]
    .map((match) => match[0])
    .filter((tag) => tag.includes(`data-action="${action}"`));
}

const off = (tag: string | undefined) =>
  tag?.includes('aria-disabled="true"') ?? assert.fail("no such button");

for (const name of NAMES) {
  for (const language of ["ru", "en"] as const) {
    test(`${name} can be drawn in ${language}: every button has a name, and what is off says why`, () => {
      const markup = html(name, language);
      for (const [tag] of markup.matchAll(/<button[^>]*>/g)) {
        assert.match(tag, /aria-label="[^"]+"/, tag);
        if (tag.includes('aria-disabled="true"')) assert.match(tag, /title="[^"]+"/, tag);
        assert.doesNotMatch(tag, /\sdisabled[\s>]/, "a reason must stay reachable by the keyboard");
      }
      assert.doesNotMatch(markup, /undefined|NaN|\[object/);
      assert.doesNotMatch(text(markup), /\{\w+\}/, "a place was not filled");
    });
  }
}

test("in English nothing of ours is Russian", () => {
  for (const name of NAMES) {
    const picture = pictureOf(name, "en", "light");
    const bare = drawn({ ...picture, contacts: new Map(), remarks: [] });
    assert.doesNotMatch(bare.replaceAll(/Продажи|Поддержка|Игорь Власов/g, ""), /[а-яё]/i, name);
  }
});

test("idle: the whole dial pad, and a call button that says what is missing", () => {
  const markup = html("idle");
  assert.equal([...markup.matchAll(/data-key="/g)].length, 12);
  assert.match(buttons(markup, "dial")[0] ?? "", /title="Введите номер\."/);
  assert.match(markup, /data-link="live"/);
  assert.match(markup, /data-phone="here"/);
  assert.match(markup, /data-lines="101=registered"/);
});

test("a typed number can be called and erased", () => {
  const markup = html("typed");
  assert.ok(!off(buttons(markup, "dial")[0]));
  assert.equal(buttons(markup, "erase").length, 1);
});

test("incoming: who, from where, answer and decline", () => {
  const markup = html("incoming");
  assert.match(text(markup), /Входящий вызов\|0:07\|Анна Смирнова\|\+7 921 555-01-02\|ООО «Северный ветер»/);
  assert.ok(!off(buttons(markup, "answer")[0]));
  assert.ok(!off(buttons(markup, "reject")[0]));
  assert.match(markup, /aria-live="assertive"/);
  assert.match(markup, /href="\/contacts\/detail\/7"/);
});

test("incoming in another tab: take it here instead of an answer that cannot be given", () => {
  const markup = html("other_tab_incoming");
  assert.equal(buttons(markup, "answer").length, 0);
  assert.equal(buttons(markup, "take_phone").length, 2, "on the card and in the banner");
  assert.match(markup, /data-phone="elsewhere"/);
});

test("incoming without a microphone: decline is possible, answer says why not, the banner says what to do", () => {
  const markup = html("microphone_denied");
  assert.ok(off(buttons(markup, "answer")[0]));
  assert.match(buttons(markup, "answer")[0] ?? "", /title="Нет доступа к микрофону\."/);
  assert.ok(!off(buttons(markup, "reject")[0]));
  assert.match(text(markup), /разрешите микрофон и обновите страницу/);
});

test("talking: the clock counts from the answer, on the server's time", () => {
  assert.match(html("talking"), /<time[^>]*data-role="clock"[^>]*>1:23<\/time>/);
  assert.match(html("talking_long_name"), />1:12:11</);
});

test("talking: mute, hold, keys, hang up", () => {
  const markup = html("talking");
  for (const action of ["mute", "hold", "keys", "hang_up"])
    assert.ok(!off(buttons(markup, action)[0]), action);
  assert.match(markup, /data-state="talking"/);
  assert.match(markup, /data-muted="false"/);
});

test("a long name is cut by the style, never by us, and stands whole in the title", () => {
  const markup = html("talking_long_name");
  assert.match(markup, /title="Константин Константинопольский-Преображенский/);
  assert.match(markup, />Константин Константинопольский-Преображенский</);
});

test("muted and held are said in words and by pressed buttons", () => {
  assert.match(buttons(html("muted"), "unmute")[0] ?? "", /aria-pressed="true"/);
  assert.match(text(html("muted")), /Микрофон выключен/);
  const held = html("held_by_us");
  assert.match(buttons(held, "resume")[0] ?? "", /aria-pressed="true"/);
  assert.equal(buttons(held, "hold").length, 0);
  assert.match(held, /data-held-by="us"/);
});

test("no button flips by itself: a hold under way is pending, not held", () => {
  const markup = html("pending_hold");
  assert.match(text(markup), /Ставим на удержание…/);
  assert.match(buttons(markup, "hold")[0] ?? "", /data-busy[\s=>]/);
  assert.ok(off(buttons(markup, "hold")[0]));
  assert.match(buttons(markup, "hold")[0] ?? "", /aria-pressed="false"/);
});

test("before the answer there is nothing to hold: only cancel", () => {
  for (const name of ["dialing", "ringing"]) {
    const markup = html(name);
    assert.equal(buttons(markup, "hold").length, 0);
    assert.match(buttons(markup, "hang_up")[0] ?? "", /aria-label="Отменить"/);
  }
});

test("a call on the desk phone is shown, and its buttons say where it is", () => {
  const markup = html("desk_phone");
  assert.match(text(markup), /Разговор на аппарате: Yealink T46/);
  assert.match(buttons(markup, "hold")[0] ?? "", /title="Разговор идёт на другом аппарате\."/);
});

test("ended: the cause in words, never missed for answered elsewhere, call back and remove", () => {
  const markup = html("ended_variants");
  for (const words of [
    "Пропущенный вызов",
    "Ответил: Игорь Власов",
    "Занято",
    "Нет ответа",
    "Такого номера нет",
    "Страница закрылась, и никто не вернулся к разговору · 3:00",
    "Связь с АТС потеряна · 4:00",
  ]) {
    assert.ok(text(markup).includes(words), words);
  }
  assert.equal(buttons(markup, "redial").length, 7);
  assert.equal(buttons(markup, "dismiss").length, 7);
  assert.match(markup, /title="Занято \(код 486, Busy Here\)"/);
  assert.match(markup, /data-cause="busy"/);
});

test("offline in a talk: it says that the talk goes on", () => {
  assert.match(text(html("offline_talking")), /Разговор продолжается/);
  assert.ok(off(buttons(html("offline_talking"), "hang_up")[0]));
});

test("a telephone that is not set up shows nothing that cannot work", () => {
  const markup = html("not_configured");
  assert.doesNotMatch(markup, /data-role="pad"/);
  assert.match(text(markup), /укажите адрес сервера/);
});

test("folded: quiet is nothing, a call is a pill with its clock", () => {
  const quiet = drawn({ ...pictureOf("idle", "ru", "light"), open: false });
  assert.match(quiet, /<section hidden/);
  assert.match(text(html("folded_talking")), /Анна Смирнова\|1:23/);
  assert.match(html("folded_quiet"), /data-action="unfold"/);
});

test("what rings is on top, then what is talked, what is held, what is over", () => {
  const calls = Object.values({
    ...pictureOf("ended_answered", "ru", "light").server.calls,
    ...pictureOf("two_calls", "ru", "light").server.calls,
    ...pictureOf("incoming", "ru", "light").server.calls,
  });
  assert.deepEqual(
    ordered(calls).map((call) => call.state),
    ["incoming", "talking", "held", "ended"],
  );
});

test("two banners at most, the most important first", () => {
  const bad: Picture = {
    ...pictureOf("line_failed", "ru", "light"),
    microphone: "denied",
    armed: false,
    link: { state: "live", failure: null },
  };
  assert.deepEqual(
    bannersOf(bad).map((banner) => banner.id),
    ["microphone_denied", "line_101"],
  );
});

test("a panel that is well has no banner", () => {
  assert.deepEqual(bannersOf(pictureOf("talking", "ru", "light")), []);
});

test("the extension is named only where there are several", () => {
  assert.match(text(html("several_lines")), /на 101/);
  assert.match(html("several_lines"), /<select/);
  assert.doesNotMatch(text(html("incoming")), /на 101\|/);
});
