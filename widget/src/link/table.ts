/**
 * The link's machine as a table: state × input → next state, action. What is not in it is ignored on purpose: a late
 * event of a world that has moved on.
 */

import type { LinkState } from "./effects";

export type Input =
  | "go_with_secret"
  | "go_without"
  | "ticket"
  | "no_ticket"
  | "opened"
  | "welcomed"
  | "closed_retry"
  | "closed_authenticate"
  | "closed_stop"
  | "network_lost"
  | "timer"
  | "stop";

export type ActionName =
  | "nothing"
  | "ask"
  | "open"
  | "greet"
  | "live"
  | "back_off"
  | "forget_and_back_off"
  | "stop";

type Table = Record<LinkState, Partial<Record<Input, [LinkState, ActionName]>>>;

// biome-ignore format: a table is read in columns
export const TABLE: Table = {
  off: {
    go_with_secret:      ["connecting",     "open"],
    go_without:          ["authenticating", "ask"],
  },
  authenticating: {
    ticket:              ["connecting",     "open"],
    no_ticket:           ["waiting",        "back_off"],
    timer:               ["waiting",        "back_off"],
    stop:                ["off",            "stop"],
  },
  connecting: {
    opened:              ["greeting",       "greet"],
    closed_retry:        ["waiting",        "back_off"],
    closed_authenticate: ["waiting",        "forget_and_back_off"],
    closed_stop:         ["stopped",        "stop"],
    network_lost:        ["waiting",        "back_off"],
    timer:               ["waiting",        "back_off"],
    stop:                ["off",            "stop"],
  },
  greeting: {
    welcomed:            ["live",           "live"],
    closed_retry:        ["waiting",        "back_off"],
    closed_authenticate: ["waiting",        "forget_and_back_off"],
    closed_stop:         ["stopped",        "stop"],
    network_lost:        ["waiting",        "back_off"],
    timer:               ["waiting",        "back_off"],
    stop:                ["off",            "stop"],
  },
  live: {
    closed_retry:        ["waiting",        "back_off"],
    closed_authenticate: ["waiting",        "forget_and_back_off"],
    closed_stop:         ["stopped",        "stop"],
    network_lost:        ["waiting",        "back_off"],
    stop:                ["off",            "stop"],
  },
  waiting: {
    go_with_secret:      ["connecting",     "open"],
    go_without:          ["authenticating", "ask"],
    stop:                ["off",            "stop"],
  },
  stopped: {
    go_with_secret:      ["connecting",     "open"],   // the user says: try again
    go_without:          ["authenticating", "ask"],
    stop:                ["off",            "nothing"],
  },
};
