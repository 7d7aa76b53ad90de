import assert from "node:assert/strict";
import { test } from "node:test";
import { wait } from "../../src/link/backoff";

const TIMES = { base: 0.5, cap: 15 };

test("the upper edge doubles and stops at the cap", () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 1_000].map((attempt) => wait(attempt, 1, TIMES)),
    [0.5, 1, 2, 4, 8, 15, 15, 15],
  );
});

test("the jitter is full: from nothing to the edge", () => {
  assert.equal(wait(3, 0, TIMES), 0);
  assert.equal(wait(3, 0.5, TIMES), 2);
});
