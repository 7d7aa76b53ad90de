import assert from "node:assert/strict";
import { test } from "node:test";
import { aCall } from "../../gallery/states";
import type { Answer, Command } from "../../src/link/effects";
import { Microphone } from "../../src/phone/microphone";
import { Phone, type PhoneCode } from "../../src/phone/phone";
import type { Call, State } from "../../src/protocol";
import { FakeConnection, FakeStream, FakeTime, install, settle } from "./fakes";

install();

const TAB = "tab-a";

class Desk {
  readonly time = new FakeTime();
  readonly connections: FakeConnection[] = [];
  readonly commands: Command[] = [];
  readonly complaints: PhoneCode[] = [];
  readonly players: { muted: boolean; stopped: boolean }[] = [];
  renewed = 0;
  refusal: Error | null = null;
  reply: (command: Command) => Answer = (command) => ({
    t: "done",
    id: "1",
    ...(command.t === "dial" ? { result: { call: "c1" } } : {}),
  });
  readonly microphone = new Microphone(
    {
      mediaDevices: {
        getUserMedia: () =>
          this.refusal
            ? Promise.reject(this.refusal)
            : Promise.resolve(new FakeStream() as unknown as MediaStream),
        enumerateDevices: () => Promise.resolve([]),
        addEventListener: () => undefined,
      },
    },
    () => undefined,
  );
  readonly phone = new Phone(
    {
      tab: TAB,
      gatherSeconds: 1.5,
      now: this.time.now,
      sleep: this.time.sleep,
      later: this.time.later,
      newConnection: () => {
        const one = new FakeConnection();
        this.connections.push(one);
        return one as unknown as RTCPeerConnection;
      },
      play: () => {
        const player = { muted: false, stopped: false };
        this.players.push(player);
        return {
          setMuted: (muted) => {
            player.muted = muted;
          },
          stop: () => {
            player.stopped = true;
          },
        };
      },
      execute: (command) => {
        this.commands.push(command);
        return Promise.resolve(this.reply(command));
      },
      changed: () => undefined,
      renew: () => {
        this.renewed += 1;
      },
      complain: (_call, code) => this.complaints.push(code),
    },
    this.microphone,
  );

  get connection(): FakeConnection {
    return this.connections.at(-1) ?? assert.fail("no connection was made");
  }

  /** The gateway's picture. */
  async shows(...calls: Call[]): Promise<void> {
    await this.showsFor(TAB, ...calls);
  }

  async showsFor(phone: string | null, ...calls: Call[]): Promise<void> {
    const state: State = {
      calls: Object.fromEntries(calls.map((call) => [call.id, call])),
      lines: {},
      phone: { tab: phone },
    };
    this.phone.follow(state, true);
    await settle();
  }

  async talk(): Promise<Call> {
    await this.phone.dial("+79215550102", undefined);
    const call = aCall({ id: "c1", device: { kind: "browser", tab: TAB } });
    await this.shows(call);
    await this.phone.remote({ t: "remote", call: "c1", kind: "answer", sdp: "v=0 their answer" });
    this.connection.become("connected");
    return call;
  }

  track(): { enabled: boolean } {
    return this.phone.list()[0] ? (this.tracks()[0] ?? assert.fail()) : assert.fail("no call has sound here");
  }

  private tracks(): { enabled: boolean }[] {
    const peers = (this.phone as unknown as { peers: Map<string, { track: { enabled: boolean } }> }).peers;
    return [...peers.values()].map((peer) => peer.track);
  }
}

const held = { us: true, pbx: false, phone: false, them: false };
const free = { us: false, pbx: false, phone: false, them: false };

test("dialling sends a complete offer and the number, and binds the connection to the call", async () => {
  const desk = new Desk();
  const answer = await desk.phone.dial("101", "102");
  assert.equal(answer.t, "done");
  assert.deepEqual(desk.commands, [{ t: "dial", number: "101", offer: "v=0 our offer", extension: "102" }]);
  assert.deepEqual(
    desk.phone.list().map(({ call }) => call),
    ["c1"],
  );
});

test("candidates are waited for, but not for ever", async () => {
  const desk = new Desk();
  const make = FakeConnection.prototype.setLocalDescription;
  FakeConnection.prototype.setLocalDescription = function (this: FakeConnection, description) {
    this.gathersAtOnce = false;
    return make.call(this, description);
  };
  try {
    const dialled = desk.phone.dial("101", undefined);
    await settle();
    assert.deepEqual(desk.commands, [], "no offer leaves while candidates come");
    await desk.time.move(1.5);
    await dialled;
    assert.equal(desk.commands.length, 1);
  } finally {
    FakeConnection.prototype.setLocalDescription = make;
  }
});

test("a dialling that is refused leaves no connection and gives the microphone back", async () => {
  const desk = new Desk();
  desk.reply = () => ({ t: "refused", code: "line_not_ready" });
  const answer = await desk.phone.dial("101", undefined);
  assert.equal(answer.t === "refused" && answer.code, "line_not_ready");
  assert.deepEqual(desk.phone.list(), []);
  assert.equal(desk.connection.connectionState, "closed");
});

test("without a microphone nothing is dialled", async () => {
  const desk = new Desk();
  desk.refusal = Object.assign(new Error("no"), { name: "NotAllowedError" });
  const answer = await desk.phone.dial("101", undefined);
  assert.equal(answer.t === "refused" && answer.code, "microphone");
  assert.equal(desk.microphone.state, "denied");
  assert.deepEqual(desk.commands, []);
});

test("a browser that cannot make an offer is told as a failed sound", async () => {
  const desk = new Desk();
  const make = FakeConnection.prototype.createOffer;
  FakeConnection.prototype.createOffer = () => Promise.reject(new Error("no codec"));
  try {
    const answer = await desk.phone.dial("101", undefined);
    assert.equal(answer.t === "refused" && answer.code, "sound_failed");
    assert.equal(desk.connection.connectionState, "closed");
  } finally {
    FakeConnection.prototype.createOffer = make;
  }
});

test("the answer of the PBX that comes before the gateway's done waits for it", async () => {
  const desk = new Desk();
  await desk.phone.remote({ t: "remote", call: "c1", kind: "pranswer", sdp: "v=0 early" });
  await desk.phone.remote({ t: "remote", call: "c1", kind: "answer", sdp: "v=0 final" });
  await desk.phone.dial("101", undefined);
  assert.deepEqual(
    desk.connection.remotes.map(({ type }) => type),
    ["pranswer", "answer"],
  );
});

test("a second answer to one offer is passed over", async () => {
  const desk = new Desk();
  await desk.talk();
  await desk.phone.remote({ t: "remote", call: "c1", kind: "answer", sdp: "v=0 again" });
  assert.equal(desk.connection.remotes.length, 1);
  assert.deepEqual(desk.complaints, []);
});

test("a description that the browser does not take is told to the user", async () => {
  const desk = new Desk();
  await desk.phone.dial("101", undefined);
  desk.connection.refuses = true;
  await desk.phone.remote({ t: "remote", call: "c1", kind: "answer", sdp: "nonsense" });
  assert.deepEqual(desk.complaints, ["sound_failed"]);
});

test("an incoming call is answered with the offer that came with the ring", async () => {
  const desk = new Desk();
  desk.phone.ring({ t: "ring", call: "c9", offer: "v=0 their offer" });
  assert.ok(desk.phone.canAnswer("c9"));
  await desk.phone.answer("c9");
  assert.deepEqual(desk.commands, [{ t: "answer", call: "c9", sdp: "v=0 our answer" }]);
  assert.deepEqual(desk.connection.remotes, [{ type: "offer", sdp: "v=0 their offer" }]);
});

test("a call whose ring has not come cannot be answered here", async () => {
  const desk = new Desk();
  const answer = await desk.phone.answer("c9");
  assert.equal(answer.t === "refused" && answer.code, "no_offer");
});

test("an answer that is refused (answered elsewhere meanwhile) leaves no connection", async () => {
  const desk = new Desk();
  desk.reply = () => ({ t: "refused", code: "already_answered" });
  desk.phone.ring({ t: "ring", call: "c9", offer: "v=0 their offer" });
  await desk.phone.answer("c9");
  assert.deepEqual(desk.phone.list(), []);
});

test("an offer is forgotten when its call rings no more", async () => {
  const desk = new Desk();
  const { answered_at: _, ...ringing } = aCall({ id: "c9", state: "incoming", direction: "in" });
  desk.phone.ring({ t: "ring", call: "c9", offer: "v=0 their offer" });
  await desk.shows(ringing);
  assert.ok(desk.phone.canAnswer("c9"));
  await desk.shows({ ...ringing, state: "ended" });
  assert.ok(!desk.phone.canAnswer("c9"));
});

test("a connection whose call the picture does not show yet is left alone", async () => {
  const desk = new Desk();
  await desk.phone.dial("101", undefined);
  await desk.shows();
  assert.equal(desk.phone.list().length, 1);
});

test("the connection goes with its call", async () => {
  const desk = new Desk();
  const call = await desk.talk();
  await desk.shows({ ...call, state: "ended" });
  assert.deepEqual(desk.phone.list(), []);
  assert.equal(desk.connection.connectionState, "closed");
});

for (const [why, part] of [
  ["another tab took it", { device: { kind: "browser", tab: "tab-b" } }],
  ["the desk phone took it", { device: { kind: "phone", name: "Yealink" } }],
] as const) {
  test(`the connection goes when ${why}`, async () => {
    const desk = new Desk();
    const call = await desk.talk();
    await desk.shows({ ...call, ...part });
    assert.deepEqual(desk.phone.list(), []);
  });
}

test("the microphone follows the gateway's state", async () => {
  const desk = new Desk();
  const call = await desk.talk();
  assert.equal(desk.track().enabled, true);
  for (const [part, on] of [
    [{ muted: true }, false],
    [{ muted: false }, true],
    [{ hold: held }, false],
    [{ hold: { ...free, pbx: true } }, false],
    [{ hold: { ...free, phone: true } }, false],
    [{ hold: { ...free, them: true } }, true],
  ] as const) {
    await desk.shows({ ...call, ...part });
    assert.equal(desk.track().enabled, on, JSON.stringify(part));
  }
});

test("silence comes at once, sound only when it is confirmed", async () => {
  const desk = new Desk();
  const call = await desk.talk();
  desk.phone.intend("c1", "mute", true);
  assert.equal(desk.track().enabled, false, "before the gateway has answered");
  await desk.shows({ ...call, muted: true });
  desk.phone.intend("c1", "mute", false);
  assert.equal(desk.track().enabled, false, "the state says muted");
  await desk.shows({ ...call, muted: false });
  assert.equal(desk.track().enabled, true);
});

test("a hold that failed gives the microphone back", async () => {
  const desk = new Desk();
  await desk.talk();
  desk.phone.intend("c1", "hold", true);
  assert.equal(desk.track().enabled, false);
  desk.phone.intend("c1", "hold", false);
  assert.equal(desk.track().enabled, true);
});

test("while we hold, the loudspeaker is silent, too", async () => {
  const desk = new Desk();
  const call = await desk.talk();
  desk.connection.ontrack?.({
    streams: [new FakeStream()],
    track: new FakeStream().getTracks()[0] ?? assert.fail(),
  });
  await desk.shows({ ...call, state: "held", hold: held });
  assert.equal(desk.players[0]?.muted, true);
  await desk.shows(call);
  assert.equal(desk.players[0]?.muted, false);
  await desk.shows({ ...call, state: "ended" });
  assert.equal(desk.players[0]?.stopped, true);
});

test("tones are typed one after the other, and refused where the far end knows none", async () => {
  const desk = new Desk();
  assert.equal(desk.phone.tones("c1", "5"), false);
  await desk.talk();
  assert.ok(desk.phone.tones("c1", "5"));
  assert.ok(desk.phone.tones("c1", "#"));
  assert.equal(desk.connection.dtmf.toneBuffer, "5#");
  desk.connection.dtmf.canInsertDTMF = false;
  assert.equal(desk.phone.tones("c1", "1"), false);
});

test("a connection that is still being made is named in hello, but does not beat", async () => {
  const desk = new Desk();
  await desk.phone.dial("101", undefined);
  assert.deepEqual(desk.phone.alive(), ["c1"]);
  assert.deepEqual(desk.phone.sounding(), []);
  desk.connection.become("connected");
  assert.deepEqual(desk.phone.sounding(), ["c1"]);
  desk.connection.become("failed");
  assert.deepEqual(desk.phone.alive(), []);
});

const lost = (part: Partial<Call> = {}) =>
  aCall({ id: "c5", sound: "lost", device: { kind: "browser", tab: TAB }, ...part });

test("after a reload the sound is brought back by itself, once", async () => {
  const desk = new Desk();
  await desk.shows(lost());
  assert.deepEqual(desk.commands, [{ t: "reattach", call: "c5", offer: "v=0 our offer" }]);
  await desk.shows(lost({ sound: "waiting", pending: ["reattach"] }));
  assert.equal(desk.commands.length, 1);
  await desk.phone.remote({ t: "remote", call: "c5", kind: "answer", sdp: "v=0 their answer" });
  desk.connection.become("connected");
  await desk.shows(lost({ sound: "here" }));
  assert.deepEqual(desk.phone.sounding(), ["c5"]);
});

test("a tab that is not the phone leaves the sound to the one that is", async () => {
  const desk = new Desk();
  await desk.showsFor("tab-b", lost());
  assert.deepEqual(desk.commands, []);
  await desk.shows(lost());
  assert.equal(desk.commands.length, 1);
});

test("a sound that could not be brought back is tried again, each time later", async () => {
  const desk = new Desk();
  desk.reply = () => ({ t: "refused", code: "reattach_failed" });
  await desk.shows(lost());
  await desk.shows(lost());
  assert.equal(desk.commands.length, 1, "not before its time");
  await desk.time.move(1);
  assert.equal(desk.commands.length, 2);
  await desk.time.move(1);
  assert.equal(desk.commands.length, 2);
  await desk.time.move(1);
  assert.equal(desk.commands.length, 3);
});

test("a call whose sound is here, or that only rings, is not reattached", async () => {
  const desk = new Desk();
  await desk.shows(
    lost({ sound: "here" }),
    lost({ id: "c6", state: "ringing" }),
    lost({ id: "c7", state: "ended" }),
  );
  assert.deepEqual(desk.commands, []);
});

test("a talk whose connection never comes is told to the gateway by a new hello", async () => {
  const desk = new Desk();
  await desk.phone.dial("101", undefined);
  await desk.shows(aCall({ id: "c1", device: { kind: "browser", tab: TAB } }));
  await desk.time.move(5);
  assert.equal(desk.renewed, 0, "it may still come");
  await desk.time.move(1);
  assert.equal(desk.renewed, 1);
  assert.deepEqual(desk.phone.alive(), [], "the hello does not name it");
  await desk.time.move(60);
  assert.equal(desk.renewed, 1, "once for each connection");
});

test("a short dropout of the network is no reason to begin anew", async () => {
  const desk = new Desk();
  await desk.talk();
  desk.connection.become("disconnected");
  await desk.time.move(3);
  desk.connection.become("connected");
  await desk.time.move(10);
  assert.equal(desk.renewed, 0);
});

test("a sound that comes from another tab is not dropped while the call still names that tab", async () => {
  const desk = new Desk();
  const there = { device: { kind: "browser", tab: "tab-b" } } as const;
  await desk.shows(lost(there));
  await desk.shows(lost({ ...there, sound: "waiting" }));
  assert.equal(desk.phone.list().length, 1);
  await desk.shows(lost({ sound: "here" }));
  assert.equal(desk.phone.list().length, 1);
  await desk.shows(lost({ ...there, sound: "here" }));
  assert.equal(desk.phone.list().length, 0, "taken back by the other tab");
});

test("a sound that the gateway believes here without any connection is told of, three times at most", async () => {
  const desk = new Desk();
  await desk.shows(lost({ sound: "here" }));
  for (let turn = 0; turn < 10; turn += 1) {
    await desk.time.move(6);
    await desk.shows(lost({ sound: "here" }));
  }
  assert.equal(desk.renewed, 3);
});
