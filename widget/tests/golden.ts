/** The files that the gateway's tests read, too. Tests run in widget/ (npm sees to it). */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Delta, State } from "../src/protocol";

function read<T>(name: string): T {
  return JSON.parse(readFileSync(join("..", "tests", "protocol", "golden", name), "utf8")) as T;
}

export interface DeltaCase {
  readonly name: string;
  readonly state: State;
  readonly delta: Delta;
  readonly result: State;
}

export const DELTAS = read<{ differences: DeltaCase[]; tolerated: DeltaCase[] }>("deltas.json");

export const MESSAGES =
  read<{ name: string; direction: "client" | "gateway"; json: { t: string } }[]>("messages.json");
