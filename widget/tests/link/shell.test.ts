import assert from "node:assert/strict";
import { test } from "node:test";
import { LinkCore } from "../../src/link/core";
import { Link } from "../../src/link/shell";
import type { GatewayMessage } from "../../src/protocol";
import { DELTAS } from "../golden";
import { settle } from "../phone/fakes";

/** A WebSocket whose far side is the test. */
class FakeSocket {
  static readonly OPEN = 1;
  readyState = 0;
  sent: { t: string; id?: string }[] = [];
  closedWith: number | null = null;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as { t: string });
  }

  close(code: number): void {
    this.closedWith = code;
    this.readyState = 3;
  }

  opens(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

Object.assign(globalThis, { WebSocket: FakeSocket });

const WELCOME = {
  t: "welcome",
  version: 1,
  epoch: "e1",
  seq: 0,
  now: 5_000,
  account: 1,
  user: { id: 7, name: "Анна", role: "agent" },
  extensions: ["101"],
  tab: "tab-a",
  settings: { beat_s: 1, blip_s: 5, return_s: 30, ring_ack_s: 2, ice_servers: [] },
  resume: { secret: "a-secret-of-this-day", expires_at: 9_000 },
};

class Stage {
  readonly sockets: FakeSocket[] = [];
  readonly states: string[] = [];
  readonly messages: GatewayMessage[] = [];
  readonly complaints: string[] = [];
  kept: unknown = "nothing yet";
  now = 100;
  wrongAddress = false;
  ticket: Promise<{ ticket: string; url: string }> = Promise.resolve({ ticket: "t", url: "wss://gw/ws" });
  readonly link = new Link(
    new LinkCore(
      {
        tab: "tab-a",
        lang: "ru",
        commandPrefix: "p-",
        backOff: { base: 0.5, cap: 15 },
        ticketSeconds: 15,
        openSeconds: 8,
        helloSeconds: 5,
        answerSeconds: 20,
        steadySeconds: 5,
      },
      { random: () => 0.5, alive: () => [] },
      null,
    ),
    {
      clock: { now: () => this.now },
      openSocket: (url) => {
        if (this.wrongAddress) throw new SyntaxError("wrong address");
        const socket = new FakeSocket(url);
        this.sockets.push(socket);
        return socket as unknown as WebSocket;
      },
      askTicket: () => this.ticket,
      keep: (credentials) => {
        this.kept = credentials;
      },
      onState: (state) => this.states.push(state),
      onMessage: (message) => this.messages.push(message),
      complain: (text) => this.complaints.push(text),
    },
  );

  get socket(): FakeSocket {
    return this.sockets.at(-1) ?? assert.fail("no socket was opened");
  }

  async live(): Promise<this> {
    this.link.start();
    await settle();
    this.socket.opens();
    this.socket.says(WELCOME);
    this.socket.says({ t: "snapshot", epoch: "e1", seq: 0, state: DELTAS.differences[0]?.state });
    assert.equal(this.link.state, "live");
    return this;
  }
}

test("from nothing to a live link, and what comes is handed on in order", async () => {
  const stage = await new Stage().live();
  assert.deepEqual(stage.states, ["authenticating", "connecting", "greeting", "live"]);
  assert.deepEqual(
    stage.messages.map((message) => message.t),
    ["welcome", "snapshot"],
  );
  assert.deepEqual(stage.kept, { secret: "a-secret-of-this-day", expiresAt: 9_000, url: "wss://gw/ws" });
  stage.link.leave();
});

test("a command resolves with its one answer", async () => {
  const stage = await new Stage().live();
  const answer = stage.link.execute({ t: "hold", call: "c1" });
  const { id } = stage.socket.sent.at(-1) ?? assert.fail();
  stage.socket.says({ t: "done", id });
  assert.deepEqual(await answer, { t: "done", id });
  stage.link.leave();
});

test("a command without a link resolves, too: nobody waits for ever", async () => {
  const stage = new Stage();
  const answer = await stage.link.execute({ t: "take_phone" });
  assert.equal(answer.t === "refused" && answer.code, "link_down");
});

test("the timer brings the next attempt, and one timer only", async (context) => {
  const stage = await new Stage().live();
  context.mock.timers.enable({ apis: ["setTimeout"] });
  stage.socket.onclose?.({ code: 1006 });
  assert.equal(stage.link.state, "waiting");
  stage.now += 0.25;
  context.mock.timers.tick(250);
  assert.equal(stage.sockets.length, 2);
  context.mock.timers.tick(100);
  assert.equal(stage.sockets.length, 2);
  stage.link.leave();
});

test("a page that goes says so and closes its socket", async () => {
  const stage = await new Stage().live();
  stage.link.leave();
  assert.deepEqual(stage.socket.sent.at(-1), { t: "leaving" });
  assert.equal(stage.socket.closedWith, 1000);
  assert.equal(stage.link.state, "off");
});

test("an address that the browser does not take is a socket that closed", async () => {
  const stage = new Stage();
  stage.wrongAddress = true;
  stage.link.start();
  await settle();
  assert.equal(stage.link.state, "waiting");
  assert.equal(stage.complaints.length, 1);
  stage.link.leave();
});

test("a ticket that is refused is tried again later", async () => {
  const stage = new Stage();
  stage.ticket = Promise.reject(new Error("401"));
  stage.link.start();
  await settle();
  assert.equal(stage.link.state, "waiting");
  stage.link.leave();
});

test("nothing is sent into a socket that is already closing", async () => {
  const stage = await new Stage().live();
  const sent = stage.socket.sent.length;
  stage.socket.readyState = 2;
  assert.equal(stage.link.tell({ t: "beat", calls: ["c1"] }), true);
  assert.equal(stage.socket.sent.length, sent);
  stage.link.leave();
});
