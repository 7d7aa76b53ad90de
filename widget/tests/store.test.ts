import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, EMPTY, Store } from "../src/store";
import { DELTAS } from "./golden";

for (const { name, state, delta, result } of [...DELTAS.differences, ...DELTAS.tolerated]) {
  test(`apply, as the golden file says: ${name}`, () => {
    const before = structuredClone(state);
    assert.deepEqual(apply(state, delta), result);
    assert.deepEqual(state, before, "the old state must not be changed");
  });
}

test("a chain of deltas leads where the gateway says it does", () => {
  let state = DELTAS.differences[0]?.state ?? EMPTY;
  for (const { state: before, delta, result } of DELTAS.differences) {
    assert.deepEqual(apply(before, delta), result);
    state = result;
  }
  assert.notDeepEqual(state, EMPTY);
});

test("entities that a delta does not name stay the same objects", () => {
  const one = DELTAS.differences.find(
    (each) => Object.keys(each.state.lines).length > 0 && !each.delta.lines,
  );
  assert.ok(one, "the golden file has such a case");
  const line = Object.keys(one.state.lines)[0] ?? "";
  assert.equal(apply(one.state, one.delta).lines[line], one.state.lines[line]);
});

test("a store tells its readers of a new value, and no longer after they left", () => {
  const store = new Store(1);
  const seen: number[] = [];
  const leave = store.subscribe((value) => seen.push(value));
  store.set(2);
  store.set(2);
  leave();
  store.set(3);
  assert.deepEqual(seen, [2]);
  assert.equal(store.get(), 3);
});

test("a reader that leaves while it is told does not cost another its turn", () => {
  const store = new Store(0);
  const seen: string[] = [];
  const leave = store.subscribe(() => leave());
  store.subscribe(() => seen.push("second"));
  store.set(1);
  assert.deepEqual(seen, ["second"]);
});
