import assert from "node:assert/strict";
import { test } from "node:test";
import { aCall } from "../../gallery/states";
import {
  belongsHere,
  type Intent,
  microphoneOn,
  reattachWait,
  soundExpected,
  speakerOn,
  wantsSound,
} from "../../src/phone/rules";
import type { Call } from "../../src/protocol";

const TAB = "this-tab";
const NONE: ReadonlySet<Intent> = new Set();
const free = { us: false, pbx: false, phone: false, them: false };
const there = { kind: "browser", tab: "another" } as const;

test("the microphone is on in a talk, and off for every hold of our side, a mute, and an unconfirmed wish", () => {
  assert.ok(microphoneOn(aCall(), NONE));
  assert.ok(microphoneOn(aCall({ hold: { ...free, them: true } }), NONE));
  for (const part of [
    { muted: true },
    ...(["us", "pbx", "phone"] as const).map((by) => ({ hold: { ...free, [by]: true } })),
  ]) {
    assert.ok(!microphoneOn(aCall(part), NONE), JSON.stringify(part));
  }
  assert.ok(!microphoneOn(aCall(), new Set<Intent>(["mute"])));
  assert.ok(!microphoneOn(aCall(), new Set<Intent>(["hold"])));
});

test("the loudspeaker is off only while we hold", () => {
  assert.ok(speakerOn(aCall({ muted: true }), NONE));
  assert.ok(!speakerOn(aCall({ hold: { ...free, us: true } }), NONE));
  assert.ok(!speakerOn(aCall(), new Set<Intent>(["hold"])));
  assert.ok(speakerOn(aCall(), new Set<Intent>(["mute"])));
});

for (const [why, call, phone, here] of [
  ["a call of this tab", aCall(), TAB, true],
  ["a call of this tab while another is the phone", aCall(), "another", true],
  ["a call that rings nowhere yet", aCall({ device: { kind: "none" } }), TAB, true],
  ["a call of another tab", aCall({ device: there }), TAB, false],
  ["a sound that comes from another tab", aCall({ device: there, sound: "waiting" }), TAB, true],
  ["a sound that goes to another tab", aCall({ device: there, sound: "waiting" }), "another", false],
  ["a call on the desk phone", aCall({ device: { kind: "phone" } }), TAB, false],
  ["a call that is over", aCall({ state: "ended" }), TAB, false],
  ["a call that is gone", undefined, TAB, false],
] as const) {
  test(`${why} ${here ? "keeps" : "loses"} its connection here`, () =>
    assert.equal(belongsHere(call, TAB, phone), here));
}

test("only a living call in a browser wants its sound back", () => {
  const wants = (part: Partial<Call>) => wantsSound(aCall({ sound: "lost", ...part }));
  assert.ok(wants({}));
  assert.ok(wants({ state: "held" }));
  assert.ok(wants({ sound: "waiting" }));
  assert.ok(!wants({ sound: "here" }));
  assert.ok(!wants({ sound: "none" }));
  assert.ok(!wants({ state: "ringing" }));
  assert.ok(!wants({ state: "ended" }));
  assert.ok(!wants({ device: { kind: "phone" } }));
});

test("sound is expected in the tab that the gateway names, in a call that was answered", () => {
  assert.ok(soundExpected(aCall(), TAB));
  assert.ok(!soundExpected(aCall({ device: there }), TAB));
  assert.ok(!soundExpected(aCall({ state: "ringing" }), TAB));
  assert.ok(!soundExpected(aCall({ sound: "lost" }), TAB));
  assert.ok(!soundExpected(undefined, TAB));
});

test("the first attempt is at once, the later ones ever later, none later than ten seconds", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 99].map((attempt) => reattachWait(attempt)),
    [0, 1, 2, 4, 8, 10, 10],
  );
});
