import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkCore } from "../../src/link/core";
import type { Credentials, Effect } from "../../src/link/effects";
import { TABLE } from "../../src/link/table";
import type { GatewayMessage } from "../../src/protocol";
import { DELTAS } from "../golden";

const CONFIG = {
  tab: "tab-a",
  lang: "ru",
  commandPrefix: "p-",
  backOff: { base: 0.5, cap: 15 },
  ticketSeconds: 15,
  openSeconds: 8,
  helloSeconds: 5,
  answerSeconds: 20,
  steadySeconds: 5,
};
const KEPT: Credentials = { secret: "secret-of-yesterday", expiresAt: 9e9, url: "wss://gw/n/1/ws" };
const STATE = DELTAS.differences[0]?.state ?? assert.fail();

/** A core, and the far side of its socket. */
class Play {
  readonly core: LinkCore;
  now = 100;
  alive: string[] = [];
  log: Effect[] = [];

  constructor(credentials: Credentials | null = null) {
    this.core = new LinkCore(CONFIG, { random: () => 0.5, alive: () => this.alive }, credentials);
  }

  do(run: (core: LinkCore, now: number) => void): Effect[] {
    run(this.core, this.now);
    const effects = this.core.takeEffects();
    this.log.push(...effects);
    return effects;
  }

  get socket(): number {
    const opened = this.log.filter((one) => one.do === "open").at(-1);
    return opened?.do === "open" ? opened.socket : assert.fail("no socket was opened");
  }

  says(message: GatewayMessage | object): Effect[] {
    return this.do((core, now) => core.received(this.socket, JSON.stringify(message), now));
  }

  sent(): Record<string, unknown>[] {
    return this.log.flatMap((one) =>
      one.do === "send" ? [JSON.parse(one.text) as Record<string, unknown>] : [],
    );
  }

  welcome(epoch = "e1", seq = 0): Effect[] {
    return this.says({
      t: "welcome",
      version: 1,
      epoch,
      seq,
      now: 5_000,
      account: 1,
      user: { id: 7, name: "Анна", role: "agent" },
      extensions: ["101"],
      tab: "tab-a",
      settings: { beat_s: 1, blip_s: 5, return_s: 30, ring_ack_s: 2, ice_servers: [] },
      resume: { secret: "a-secret-of-this-day", expires_at: 9_000 },
    });
  }

  /** From nothing to a live socket with a snapshot. */
  live(): this {
    this.do((core, now) => core.start(now));
    if (this.core.state === "authenticating")
      this.do((core, now) => core.ticketCame("ticket-1", "wss://gw/ws", now));
    this.do((core, now) => core.opened(this.socket, now));
    this.welcome();
    this.says({ t: "snapshot", epoch: "e1", seq: 0, state: STATE });
    assert.equal(this.core.state, "live");
    return this;
  }

  lose(code = 1006): Effect[] {
    return this.do((core, now) => core.closed(this.socket, code, now));
  }

  /** Sits out the wait and opens the next socket up to `hello`. */
  comeBack(): void {
    this.now = this.core.nextDeadline() ?? assert.fail("nothing is waited for");
    this.do((core, now) => core.handleTimer(now));
    this.do((core, now) => core.opened(this.socket, now));
  }
}

const kinds = (effects: Effect[]) => effects.map((one) => one.do);

test("an object is born silent", () => {
  const play = new Play();
  assert.deepEqual(play.core.takeEffects(), []);
  assert.equal(play.core.nextDeadline(), null);
});

test("a first visit asks for a ticket, opens the address that came with it, and says hello with it once", () => {
  const play = new Play();
  assert.deepEqual(kinds(play.do((core, now) => core.start(now))), ["ask_ticket", "state"]);
  const opened = play.do((core, now) => core.ticketCame("ticket-1", "wss://gw/ws", now));
  assert.deepEqual(opened[0], { do: "open", socket: 1, url: "wss://gw/ws" });
  play.do((core, now) => core.opened(1, now));
  assert.deepEqual(play.sent(), [
    { t: "hello", version: 1, tab: "tab-a", lang: "ru", page: "load", alive: [], ticket: "ticket-1" },
  ]);
});

test("a reloaded page needs no CRM: it says hello with the kept secret", () => {
  const play = new Play(KEPT);
  const opened = play.do((core, now) => core.start(now));
  assert.deepEqual(opened[0], { do: "open", socket: 1, url: KEPT.url });
  play.do((core, now) => core.opened(1, now));
  assert.equal(play.sent()[0]?.["resume"], KEPT.secret);
  assert.equal(play.sent()[0]?.["page"], "load");
});

test("the secret of the welcome is kept with the socket's address", () => {
  const play = new Play().live();
  assert.deepEqual(play.core.kept(), {
    secret: "a-secret-of-this-day",
    expiresAt: 9_000,
    url: "wss://gw/ws",
  });
});

test("a renewed secret replaces the old one", () => {
  const play = new Play().live();
  play.says({ t: "secret", secret: "the-secret-of-tomorrow", expires_at: 10_000 });
  assert.equal(play.core.kept()?.secret, "the-secret-of-tomorrow");
});

test("after a loss the same page says reconnect, names its living sound and where it stands", () => {
  const play = new Play().live();
  play.says({ t: "delta", seq: 1, phone: { tab: "tab-a" } });
  play.alive = ["c1"];
  play.lose();
  play.comeBack();
  assert.deepEqual(play.sent().at(-1), {
    t: "hello",
    version: 1,
    tab: "tab-a",
    lang: "ru",
    page: "reconnect",
    alive: ["c1"],
    resume: "a-secret-of-this-day",
    position: { epoch: "e1", seq: 1 },
  });
});

test("deltas are taken in order, repeated ones are passed over", () => {
  const play = new Play().live();
  assert.deepEqual(kinds(play.says({ t: "delta", seq: 1 })), ["message"]);
  assert.deepEqual(play.says({ t: "delta", seq: 1 }), []);
  assert.deepEqual(kinds(play.says({ t: "delta", seq: 2 })), ["message"]);
});

test("a gap is never guessed over: the page reconnects without a position", () => {
  const play = new Play().live();
  const effects = play.says({ t: "delta", seq: 3 });
  assert.ok(!kinds(effects).includes("message"));
  assert.equal(play.core.state, "waiting");
  play.comeBack();
  assert.equal(play.sent().at(-1)?.["position"], undefined);
});

test("a delta before the snapshot is not believed", () => {
  const play = new Play();
  play.do((core, now) => core.start(now));
  play.do((core, now) => core.ticketCame("ticket-1", "wss://gw/ws", now));
  play.do((core, now) => core.opened(1, now));
  play.welcome();
  assert.deepEqual(play.says({ t: "delta", seq: 1 }), []);
  assert.equal(play.core.state, "live");
});

test("another epoch is another stream: the old position says nothing about it", () => {
  const play = new Play().live();
  play.lose();
  play.comeBack();
  play.welcome("e2", 40);
  assert.deepEqual(play.says({ t: "delta", seq: 1 }), [], "no position: it waits for the snapshot");
  assert.deepEqual(kinds(play.says({ t: "snapshot", epoch: "e2", seq: 40, state: STATE })), ["message"]);
  assert.deepEqual(kinds(play.says({ t: "delta", seq: 41 })), ["message"]);
});

test("every command has an id of its own and one answer", () => {
  const play = new Play().live();
  const first = play.core.command({ t: "hold", call: "c1" }, play.now);
  const second = play.core.command({ t: "resume", call: "c1" }, play.now);
  assert.notEqual(first, second);
  play.log.push(...play.core.takeEffects());
  assert.deepEqual(play.says({ t: "done", id: first }), [
    { do: "settled", id: first, answer: { t: "done", id: first } },
  ]);
  const refused = { t: "refused", id: second, code: "not_held", message: "Звонок не на удержании." };
  assert.deepEqual(play.says(refused), [{ do: "settled", id: second, answer: refused }]);
  assert.equal(play.core.nextDeadline(), null);
});

test("a command without a socket is refused at once", () => {
  const play = new Play();
  const effects = play.do((core, now) => core.command({ t: "take_phone" }, now));
  assert.deepEqual(effects, [{ do: "settled", id: "p-1", answer: { t: "refused", code: "link_down" } }]);
});

test("a command whose answer was lost is sent again to the same gateway, under the same id", () => {
  const play = new Play().live();
  play.do((core, now) => core.command({ t: "hold", call: "c1" }, now));
  const before = play.sent().at(-1);
  assert.ok(!kinds(play.lose()).includes("settled"));
  play.comeBack();
  play.welcome("e1");
  assert.deepEqual(play.sent().at(-1), before);
  assert.deepEqual(kinds(play.says({ t: "done", id: before?.["id"] })), ["settled"]);
});

test("a gateway that was restarted is not asked again: it would do it twice", () => {
  const play = new Play().live();
  play.do((core, now) => core.command({ t: "hold", call: "c1" }, now));
  play.lose();
  play.comeBack();
  const effects = play.welcome("e2");
  assert.deepEqual(effects.at(-1), { do: "settled", id: "p-1", answer: { t: "refused", code: "link_lost" } });
  assert.equal(play.sent().filter((one) => one["t"] === "hold").length, 1);
});

test("a gateway that never answers costs the command twenty seconds, connected or not", () => {
  const play = new Play().live();
  play.do((core, now) => core.command({ t: "hold", call: "c1" }, now));
  assert.equal(play.core.nextDeadline(), 120);
  play.now = 120;
  assert.deepEqual(
    play.do((core, now) => core.handleTimer(now)),
    [{ do: "settled", id: "p-1", answer: { t: "refused", code: "no_reply" } }],
  );
});

test("what has no answer is sent only into a live socket", () => {
  const play = new Play();
  assert.equal(play.core.tell({ t: "beat", calls: ["c1"] }), false);
  play.live();
  assert.equal(play.core.tell({ t: "beat", calls: ["c1"] }), true);
});

test("close codes: 40xx try again with the secret, 41xx ask the CRM again, 42xx stop", () => {
  const retry = new Play().live();
  retry.lose(4001);
  assert.equal(retry.core.state, "waiting");
  assert.ok(retry.core.kept());

  const again = new Play().live();
  again.lose(4101);
  assert.equal(again.core.kept(), null);
  again.now = again.core.nextDeadline() ?? assert.fail();
  assert.ok(kinds(again.do((core, now) => core.handleTimer(now))).includes("ask_ticket"));

  const stop = new Play().live();
  stop.lose(4203);
  assert.equal(stop.core.state, "stopped");
  assert.equal(stop.core.failure, "4203");
  assert.equal(stop.core.nextDeadline(), null);
});

test("a stopped link starts again only when the user says so", () => {
  const play = new Play().live();
  play.lose(4203);
  play.do((core, now) => core.wake(now));
  assert.equal(play.core.state, "stopped");
  play.do((core, now) => core.start(now));
  assert.equal(play.core.state, "connecting");
});

test("commands that wait are told when the link stops for good", () => {
  const play = new Play().live();
  play.do((core, now) => core.command({ t: "hold", call: "c1" }, now));
  assert.ok(kinds(play.lose(4204)).includes("settled"));
});

test("waits grow while connections fail at once, and are short again after a good one", () => {
  const play = new Play(KEPT);
  play.do((core, now) => core.start(now));
  const waits: number[] = [];
  for (let attempt = 0; attempt < 4; attempt += 1) {
    play.lose();
    waits.push((play.core.nextDeadline() ?? 0) - play.now);
    play.now = play.core.nextDeadline() ?? 0;
    play.do((core, now) => core.handleTimer(now));
  }
  assert.deepEqual(waits, [0.25, 0.5, 1, 2]);
  play.do((core, now) => core.opened(play.socket, now));
  play.welcome();
  play.now += 6;
  play.lose();
  assert.equal((play.core.nextDeadline() ?? 0) - play.now, 0.25);
});

test("a gateway that lets in and throws out at once does not get a storm", () => {
  const play = new Play(KEPT);
  play.do((core, now) => core.start(now));
  for (let attempt = 0; attempt < 5; attempt += 1) {
    play.do((core, now) => core.opened(play.socket, now));
    play.welcome();
    play.lose();
    if (attempt === 4) break;
    play.now = play.core.nextDeadline() ?? 0;
    play.do((core, now) => core.handleTimer(now));
  }
  assert.equal((play.core.nextDeadline() ?? 0) - play.now, 4);
});

test("a network that is back is used at once", () => {
  const play = new Play().live();
  play.do((core, now) => core.networkLost(now));
  assert.equal(play.core.state, "waiting");
  play.do((core, now) => core.wake(now));
  assert.equal(play.core.state, "connecting");
});

for (const [state, seconds, prepare] of [
  ["authenticating", 15, (play: Play) => play.do((core, now) => core.start(now))],
  [
    "connecting",
    8,
    (play: Play) => {
      play.do((core, now) => core.start(now));
      play.do((core, now) => core.ticketCame("ticket-1", "wss://gw/ws", now));
    },
  ],
  [
    "greeting",
    5,
    (play: Play) => {
      play.do((core, now) => core.start(now));
      play.do((core, now) => core.ticketCame("ticket-1", "wss://gw/ws", now));
      play.do((core, now) => core.opened(1, now));
    },
  ],
] as const) {
  test(`${state} is not waited for longer than ${seconds} s`, () => {
    const play = new Play();
    prepare(play);
    assert.equal(play.core.state, state);
    assert.equal(play.core.nextDeadline(), play.now + seconds);
    play.now += seconds;
    play.do((core, now) => core.handleTimer(now));
    assert.equal(play.core.state, "waiting");
  });
}

test("a ticket that is refused is told and tried again later", () => {
  const play = new Play();
  play.do((core, now) => core.start(now));
  play.do((core, now) => core.ticketFailed("Токен просрочен", now));
  assert.equal(play.core.failure, "Токен просрочен");
  assert.equal(play.core.state, "waiting");
});

test("a ticket that comes too late is not used", () => {
  const play = new Play().live();
  assert.deepEqual(
    play.do((core, now) => core.ticketCame("late", "wss://gw/ws", now)),
    [],
  );
});

test("late words of an old socket are not heard", () => {
  const play = new Play().live();
  const old = play.socket;
  play.lose();
  play.comeBack();
  play.welcome();
  play.says({ t: "snapshot", epoch: "e1", seq: 0, state: STATE });
  assert.deepEqual(
    play.do((core, now) => core.received(old, JSON.stringify({ t: "delta", seq: 1 }), now)),
    [],
  );
  assert.deepEqual(
    play.do((core, now) => core.closed(old, 1006, now)),
    [],
  );
  assert.equal(play.core.state, "live");
});

test("a page that goes says so before it closes, and stays silent", () => {
  const play = new Play().live();
  const effects = play.do((core, now) => core.leave(now));
  assert.deepEqual(kinds(effects), ["send", "close", "state"]);
  assert.deepEqual(play.sent().at(-1), { t: "leaving" });
  assert.equal(play.core.nextDeadline(), null);
});

test("a frame that is no message is counted and changes nothing", () => {
  const play = new Play().live();
  for (const text of ["{", "[]", "7", '"x"', "null", "{}"]) {
    const effects = play.do((core, now) => core.received(play.socket, text, now));
    assert.deepEqual(kinds(effects), ["complain"], text);
  }
  assert.equal(play.core.state, "live");
});

test("a refusal of no command reaches the user", () => {
  const play = new Play().live();
  assert.deepEqual(kinds(play.says({ t: "refused", code: "malformed", message: "…" })), ["message"]);
});

test("every state has a row for its end, and the table names only states that exist", () => {
  const states = Object.keys(TABLE);
  for (const [state, rows] of Object.entries(TABLE)) {
    if (state !== "off") assert.ok(rows.stop, `${state} can be left`);
    for (const row of Object.values(rows)) assert.ok(states.includes(row[0]));
  }
});
