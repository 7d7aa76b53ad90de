import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { causeText, failureText, fill, sentence, words } from "../src/i18n";
import type { Language } from "../src/protocol";
import { CAUSES, CLOSE, CODES } from "../src/protocol";

const LANGUAGES: readonly Language[] = ["ru", "en"];

function leaves(value: unknown, path = ""): [string, string][] {
  if (typeof value === "string") return [[path, value]];
  return Object.entries(value as object).flatMap(([key, one]) =>
    leaves(one, path === "" ? key : `${path}.${key}`),
  );
}

const file = (language: Language) => JSON.parse(readFileSync(`src/i18n/${language}.json`, "utf8")) as unknown;
const places = (text: string) => (text.match(/\{\w+\}/g) ?? []).sort();

test("both languages have the same words, none of them empty", () => {
  const [ru, en] = LANGUAGES.map((language) => leaves(file(language)));
  assert.deepEqual(ru?.map(([path]) => path).sort(), en?.map(([path]) => path).sort());
  for (const [path, text] of [...(ru ?? []), ...(en ?? [])]) assert.notEqual(text.trim(), "", path);
});

test("the same places are filled in both languages", () => {
  const en = new Map(leaves(file("en")));
  for (const [path, text] of leaves(file("ru")))
    assert.deepEqual(places(text), places(en.get(path) ?? ""), path);
});

test("no English stands in the Russian file, but for what has no Russian", () => {
  for (const [path, text] of leaves(file("ru"))) {
    const bare = text.replace(/\{\w+\}|https?:\/\/[\w.]*|amoCRM|^ru$/g, "");
    assert.doesNotMatch(bare, /[A-Za-z]{3,}/, path);
  }
});

test("what the manifest names is there in each language", () => {
  const manifest = readFileSync("src/manifest.json", "utf8");
  const named = [...manifest.matchAll(/"((?:widget|settings)\.\w+)"/g)].map((match) => match[1]);
  assert.ok(named.length >= 5);
  for (const language of LANGUAGES) {
    const known = new Map(leaves(file(language)));
    for (const path of [...named, "widget.call_action"])
      assert.ok(known.get(path ?? ""), `${language} ${path}`);
  }
});

test("every code and cause of the gateway has a sentence in each language", () => {
  for (const language of LANGUAGES) {
    for (const code of Object.keys(CODES)) assert.notEqual(sentence(language, code), code);
    for (const cause of CAUSES) assert.notEqual(causeText(language, cause), cause);
  }
});

test("an unknown code is shown as it is: better a riddle than nothing", () => {
  assert.equal(sentence("ru", "code_of_tomorrow"), "code_of_tomorrow");
  assert.equal(causeText("ru", "cause_of_tomorrow"), "cause_of_tomorrow");
});

test("a failed connection is told in words", () => {
  assert.equal(failureText("ru", null), null);
  assert.equal(failureText("ru", "4203"), "Эта вкладка подключена второй раз. Здесь телефон отключён.");
  assert.equal(failureText("ru", "1006"), words("ru").failures.network);
  assert.equal(failureText("ru", "0"), words("ru").failures.network);
  assert.equal(failureText("ru", "gap"), words("ru").failures.network);
  assert.equal(failureText("ru", "401"), words("ru").failures.refused);
  assert.equal(failureText("en", "502"), "The telephony server answered with error 502.");
  assert.equal(failureText("ru", "Токен просрочен"), "Токен просрочен");
  for (const code of Object.values(CLOSE))
    assert.notEqual(failureText("en", String(code)), words("en").failures.network);
});

test("a place without a value stays, so that the mistake is seen", () => {
  assert.equal(fill("до {n} и {m}", { n: 5 }), "до 5 и {m}");
});
