import assert from "node:assert/strict";
import { test } from "node:test";
import { type Browser, Microphone, MicrophoneTrouble } from "../../src/phone/microphone";
import { FakeStream, settle } from "./fakes";

function browser(options: { inputs?: number; permission?: PermissionState; error?: string } = {}) {
  const captures: FakeStream[] = [];
  const listeners: (() => void)[] = [];
  const now = { inputs: options.inputs ?? 1, permission: options.permission, error: options.error };
  const fake: Browser = {
    mediaDevices: {
      getUserMedia: () => {
        if (now.error) return Promise.reject(Object.assign(new Error("no"), { name: now.error }));
        const stream = new FakeStream();
        captures.push(stream);
        return Promise.resolve(stream as unknown as MediaStream);
      },
      enumerateDevices: () =>
        Promise.resolve(
          Array.from({ length: now.inputs }, () => ({ kind: "audioinput" }) as MediaDeviceInfo),
        ),
      addEventListener: (_kind: string, run: unknown) => {
        listeners.push(run as () => void);
      },
    },
    permissions: {
      query: () =>
        now.permission === undefined
          ? Promise.reject(new TypeError("unknown name"))
          : Promise.resolve({
              state: now.permission,
              addEventListener: () => undefined,
            } as unknown as PermissionStatus),
    },
  };
  return { fake, captures, listeners, now };
}

test("calls share one capture, each has a track of its own", async () => {
  const { fake, captures } = browser();
  const microphone = new Microphone(fake, () => undefined);
  const [one, other] = [await microphone.borrow(), await microphone.borrow()];
  assert.equal(captures.length, 1);
  assert.notEqual(one, other);
  microphone.release(one);
  await settle();
  assert.equal(captures[0]?.getTracks()[0]?.stopped, false, "another call still speaks");
  microphone.release(other);
  await settle();
  assert.equal(captures[0]?.getTracks()[0]?.stopped, true, "the browser's red mark goes out");
  await microphone.borrow();
  assert.equal(captures.length, 2);
});

for (const [name, state] of [
  ["NotAllowedError", "denied"],
  ["SecurityError", "denied"],
  ["NotFoundError", "absent"],
  ["OverconstrainedError", "absent"],
  ["NotReadableError", "busy"],
] as const) {
  test(`${name} means ${state}, and the next attempt asks anew`, async () => {
    const { fake, now } = browser({ error: name });
    const microphone = new Microphone(fake, () => undefined);
    await assert.rejects(
      microphone.borrow(),
      (error) => error instanceof MicrophoneTrouble && error.state === state,
    );
    assert.equal(microphone.state, state);
    now.error = undefined;
    await microphone.borrow();
    assert.equal(microphone.state, "ready");
  });
}

test("a page without https has no microphone, and says so", async () => {
  const microphone = new Microphone({}, () => undefined);
  await microphone.watch();
  assert.equal(microphone.state, "insecure");
  await assert.rejects(microphone.borrow(), MicrophoneTrouble);
});

for (const [permission, state] of [
  ["granted", "ready"],
  ["denied", "denied"],
  ["prompt", "ask"],
] as const) {
  test(`a permission that is ${permission} is seen without asking the user`, async () => {
    const { fake, captures } = browser({ permission });
    const microphone = new Microphone(fake, () => undefined);
    await microphone.watch();
    assert.equal(microphone.state, state);
    assert.equal(captures.length, 0);
  });
}

test("a microphone that is plugged in is noticed", async () => {
  const { fake, listeners, now } = browser({ inputs: 0, permission: "granted" });
  let changes = 0;
  const microphone = new Microphone(fake, () => {
    changes += 1;
  });
  await microphone.watch();
  assert.equal(microphone.state, "absent");
  now.inputs = 1;
  for (const run of listeners) run();
  await settle();
  assert.equal(microphone.state, "ready");
  assert.equal(changes, 2);
});

test("a browser that does not know the permission's name learns by asking", async () => {
  const { fake } = browser({});
  const microphone = new Microphone(fake, () => undefined);
  await microphone.watch();
  assert.equal(microphone.state, "unknown");
  await microphone.borrow();
  assert.equal(microphone.state, "ready");
});
