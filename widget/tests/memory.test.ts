import assert from "node:assert/strict";
import { test } from "node:test";
import { putMemory, rememberOpen, takeMemory, wasOpen } from "../src/memory";

function storage(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

const CREDENTIALS = { secret: "s", expiresAt: 9e9, url: "wss://gw/ws" };
const OWNER = "https://gw";
const newId = () => "new";

test("a reload finds the tab's id and secret", () => {
  const kept = storage();
  putMemory(kept, OWNER, { tab: "tab-a", credentials: CREDENTIALS });
  assert.deepEqual(takeMemory(kept, OWNER, newId), { tab: "tab-a", credentials: CREDENTIALS });
});

test("while a page lives there is nothing that a duplicated tab could copy", () => {
  const kept = storage();
  putMemory(kept, OWNER, { tab: "tab-a", credentials: CREDENTIALS });
  takeMemory(kept, OWNER, newId);
  assert.deepEqual(takeMemory(kept, OWNER, newId), { tab: "new", credentials: null });
});

test("another gateway in the same tab begins anew", () => {
  const kept = storage();
  putMemory(kept, OWNER, { tab: "tab-a", credentials: CREDENTIALS });
  assert.deepEqual(takeMemory(kept, "https://other", newId), { tab: "new", credentials: null });
});

for (const text of [
  "",
  "{",
  "7",
  "[]",
  '{"tab":5}',
  '{"tab":"a","owner":"https://gw"}',
  '{"tab":"","owner":"https://gw","credentials":null}',
]) {
  test(`what is no memory is passed over: ${text || "nothing"}`, () => {
    const kept = storage();
    kept.setItem("trubka:tab", text);
    assert.equal(takeMemory(kept, OWNER, newId).tab, "new");
  });
}

test("a browser that forbids storage costs nothing but the memory", () => {
  const forbidden = {
    getItem: () => assert.fail("SecurityError"),
    setItem: () => assert.fail("SecurityError"),
    removeItem: () => assert.fail("SecurityError"),
  } as unknown as Storage;
  assert.equal(takeMemory(forbidden, OWNER, newId).tab, "new");
  putMemory(forbidden, OWNER, { tab: "a", credentials: null });
  rememberOpen(forbidden, false);
  assert.equal(wasOpen(forbidden), true);
});

test("the panel stays as the user left it", () => {
  const kept = storage();
  assert.equal(wasOpen(kept), true);
  rememberOpen(kept, false);
  assert.equal(wasOpen(kept), false);
  rememberOpen(kept, true);
  assert.equal(wasOpen(kept), true);
});
