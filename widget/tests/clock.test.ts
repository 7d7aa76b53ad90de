import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerClock, spanText } from "../src/clock";

function clockAt(seconds: number) {
  const clock = { seconds, now: () => clock.seconds };
  return clock;
}

test("until the gateway has spoken our own clock has to do", () => {
  assert.equal(new ServerClock(clockAt(50)).now(), 50);
});

test("the server's clock runs on from what the welcome said, half the round trip later", () => {
  const clock = clockAt(1_000);
  const server = new ServerClock(clock);
  server.learn(5_000, 0.4);
  assert.equal(server.now(), 5_000.2);
  clock.seconds += 60;
  assert.equal(server.now(), 5_060.2);
});

test("a round trip of minutes (a suspended machine) is not believed", () => {
  const server = new ServerClock(clockAt(0));
  server.learn(100, 600);
  assert.equal(server.now(), 101);
  server.learn(100, -5);
  assert.equal(server.now(), 100);
});

for (const [seconds, text] of [
  [0, "0:00"],
  [9.99, "0:09"],
  [75, "1:15"],
  [600, "10:00"],
  [3_599.9, "59:59"],
  [3_600, "1:00:00"],
  [4_331, "1:12:11"],
  [-3, "0:00"],
] as const) {
  test(`${seconds} seconds are written ${text}`, () => assert.equal(spanText(seconds), text));
}
