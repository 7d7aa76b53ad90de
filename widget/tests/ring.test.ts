import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Tones } from "../src/ring";

/** An AudioContext that counts what was to sound. */
class FakeAudio {
  state: "running" | "suspended" = "running";
  currentTime = 0;
  destination = {};
  onstatechange: (() => void) | null = null;
  readonly frequencies: number[] = [];
  gains = 0;

  createGain() {
    this.gains += 1;
    const parameter = {
      setValueAtTime: () => undefined,
      linearRampToValueAtTime: () => undefined,
      exponentialRampToValueAtTime: () => undefined,
      setTargetAtTime: () => undefined,
    };
    return { gain: parameter, connect: (next: unknown) => next, disconnect: () => undefined };
  }

  createOscillator() {
    const frequencies = this.frequencies;
    return {
      frequency: {
        set value(hertz: number) {
          frequencies.push(hertz);
        },
      },
      connect: (next: unknown) => next,
      start: () => undefined,
      stop: () => undefined,
    };
  }

  resume(): Promise<void> {
    return Promise.resolve();
  }
}

async function armed(audio = new FakeAudio()) {
  const tones = new Tones(
    () => audio as unknown as AudioContext,
    () => undefined,
  );
  await tones.arm();
  return { tones, audio };
}

test("until the browser lets us sound we are not armed", async () => {
  const audio = new FakeAudio();
  audio.state = "suspended";
  const { tones } = await armed(audio);
  assert.equal(tones.armed, false);
  audio.state = "running";
  assert.equal(tones.armed, true);
});

test("a browser without WebAudio is silent and says so", async () => {
  const tones = new Tones(
    () => null,
    () => undefined,
  );
  await tones.arm();
  tones.play("ring");
  tones.key("5");
  assert.equal(tones.armed, false);
  tones.play("silent");
});

test("a ring goes on until it is stopped, and sounds once at a time", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const audio = new FakeAudio();
  const tones = new Tones(
    () => audio as unknown as AudioContext,
    () => undefined,
  );
  void tones.arm();
  tones.play("ring");
  const once = audio.frequencies.length;
  assert.ok(once > 0);
  tones.play("ring");
  assert.equal(audio.frequencies.length, once, "the same pattern does not begin anew");
  context.mock.timers.tick(2_600);
  assert.equal(audio.frequencies.length, 2 * once);
  tones.play("silent");
  context.mock.timers.tick(60_000);
  assert.equal(audio.frequencies.length, 2 * once);
});

test("ringback is the Russian one: 425 Hz every five seconds; busy ends by itself", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const audio = new FakeAudio();
  const tones = new Tones(
    () => audio as unknown as AudioContext,
    () => undefined,
  );
  void tones.arm();
  tones.play("ringback");
  context.mock.timers.tick(4_999);
  assert.deepEqual(audio.frequencies, [425]);
  context.mock.timers.tick(1);
  assert.deepEqual(audio.frequencies, [425, 425]);
  tones.play("busy");
  for (let turn = 0; turn < 10; turn += 1) context.mock.timers.tick(700);
  assert.equal(audio.frequencies.length, 2 + 4);
  assert.equal(tones.pattern, "silent");
});

test("a key sounds as ITU-T Q.23 says, and nothing else does", async () => {
  const { tones, audio } = await armed();
  tones.key("5");
  assert.deepEqual(audio.frequencies, [770, 1336]);
  tones.key("#");
  assert.deepEqual(audio.frequencies.slice(2), [941, 1477]);
  tones.key("x");
  assert.equal(audio.frequencies.length, 4);
  mock.restoreAll();
});
