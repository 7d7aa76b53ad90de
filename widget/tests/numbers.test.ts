import assert from "node:assert/strict";
import { test } from "node:test";
import { sameNumber, searchDigits, shownNumber, toDial } from "../src/numbers";
import { MESSAGES } from "./golden";

for (const [typed, dialled] of [
  ["8 (921) 555-01-02", "8 (921) 555-01-02"],
  ["tel:+79215550102", "+79215550102"],
  ["+7 921 555‑01–02", "+7 921 555-01-02"],
  ["+7 (495) 740-18-28 доб. 112", "+7 (495) 740-18-28"],
  ["+7 495 740 18 28, 112", "+7 495 740 18 28"],
  ["74957401828 ext 5", "74957401828"],
  ["  101 ", "101"],
  ["*98", "*98"],
  ["#21#", "#21#"],
  ["anna.smirnova", "anna.smirnova"],
  ["\u202a+7 921\u00a0555 01 02\u202c", "+7 921\u00a0555 01 02"],
  ["", ""],
  ["звоните!", ""],
  ["()", ""],
] as const) {
  test(`${JSON.stringify(typed)} is dialled as ${JSON.stringify(dialled)}`, () => {
    assert.equal(toDial(typed), dialled);
    assert.equal(toDial(toDial(typed)), dialled, "cleaning twice is cleaning once");
  });
}

test("what is dialled fits the protocol's pattern, whatever was pasted", () => {
  const dial = MESSAGES.find((one) => one.json.t === "dial");
  assert.ok(dial, "the golden file has a dial");
  const pattern = /^[0-9A-Za-z+*#(). _/\u00a0-]{1,64}$/; // protocol/commands.py, Number
  for (const pasted of ["+7 921\t555\n01 02", "<b>101</b>", "8;921,5", "9".repeat(200), "sip:101@pbx"]) {
    assert.match(toDial(pasted), pattern, pasted);
  }
});

for (const [one, other] of [
  ["+79215550102", "8 (921) 555-01-02"],
  ["9215550102", "7 921 555 01 02"],
  ["+7 (495) 740-18-28 доб. 112", "84957401828"],
  ["101", "101"],
  ["+49 30 901820", "+4930901820"],
] as const) {
  test(`${one} and ${other} are one number`, () => assert.ok(sameNumber(one, other)));
}

for (const [one, other] of [
  ["5550102", "+79215550102"],
  ["102", "+79215550102"],
  ["+79215550102", "+79215550103"],
  ["", ""],
  ["нет", "нет"],
] as const) {
  test(`${one || "nothing"} and ${other || "nothing"} are two`, () => assert.ok(!sameNumber(one, other)));
}

test("the CRM is asked by the digits that all spellings share, and not for extensions", () => {
  assert.equal(searchDigits("8 (921) 555-01-02"), "9215550102");
  assert.equal(searchDigits("+79215550102"), "9215550102");
  assert.equal(searchDigits("101"), "");
  assert.equal(searchDigits(""), "");
});

for (const [number, shown] of [
  ["+79215550102", "+7 921 555-01-02"],
  ["89215550102", "+7 921 555-01-02"],
  ["+4930901820", "+493 090 18 20"],
  ["+12025550143", "+120 255 501 43"],
  ["101", "101"],
  ["*98", "*98"],
  ["5550102", "5550102"],
] as const) {
  test(`${number} is shown as ${shown}`, () => assert.equal(shownNumber(number), shown));
}
