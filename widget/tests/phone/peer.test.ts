import assert from "node:assert/strict";
import { test } from "node:test";
import { Peer } from "../../src/phone/peer";
import { FakeConnection, FakeStream, FakeTime, FakeTrack, install } from "./fakes";

install();

function peer() {
  const connection = new FakeConnection();
  const track = new FakeTrack();
  const time = new FakeTime();
  const told: string[] = [];
  const one = new Peer(
    connection as unknown as RTCPeerConnection,
    track as unknown as MediaStreamTrack,
    1.5,
    {
      play: () => ({ setMuted: (muted) => told.push(`muted ${muted}`), stop: () => told.push("stop") }),
      sleep: time.sleep,
      changed: () => told.push("changed"),
    },
  );
  return { one, connection, track, time, told };
}

const arrives = (connection: FakeConnection) =>
  connection.ontrack?.({ streams: [new FakeStream()], track: new FakeTrack() });

test("early media, then the answer: both are taken", async () => {
  const { one, connection } = peer();
  await one.offer();
  assert.equal(one.hasRemote, false);
  await one.remote("pranswer", "v=0 early");
  assert.equal(one.hasRemote, true);
  await one.remote("answer", "v=0 final");
  assert.equal(connection.signalingState, "stable");
});

test("a closed connection takes nothing and tells nothing", async () => {
  const { one, connection, told } = peer();
  await one.offer();
  arrives(connection);
  one.close();
  one.close();
  await one.remote("answer", "v=0 late");
  connection.become("failed");
  assert.deepEqual(connection.remotes, []);
  assert.deepEqual(told, ["muted false", "stop"]);
  assert.equal(one.connected, false);
  assert.equal(one.hopeful, false);
});

test("a loudspeaker that is off stays off when the sound arrives only then", () => {
  const { one, connection, told } = peer();
  one.setSpeaker(false);
  arrives(connection);
  assert.deepEqual(told, ["muted true"]);
  one.setSpeaker(true);
  assert.deepEqual(told, ["muted true", "muted false"]);
});

test("a second stream (early media of another branch) replaces the first", () => {
  const { connection, told } = peer();
  arrives(connection);
  arrives(connection);
  assert.deepEqual(told, ["muted false", "stop", "muted false"]);
});

test("hope ends with failure, with giving up, and not with a dropout", () => {
  const { one, connection } = peer();
  connection.become("connected");
  assert.ok(one.connected && one.hopeful);
  connection.become("disconnected");
  assert.ok(!one.connected && one.hopeful);
  one.givenUp = true;
  assert.ok(!one.hopeful);
  one.givenUp = false;
  connection.become("failed");
  assert.ok(!one.hopeful);
});

test("candidates that are complete before the time is up end the wait", async () => {
  const { one, connection, time } = peer();
  connection.gathersAtOnce = false;
  const offer = one.offer();
  await time.move(0.1);
  connection.gathered();
  assert.equal(await offer, "v=0 our offer");
});

test("a browser that describes nothing is an error, not an empty offer", async () => {
  const { one, connection } = peer();
  connection.setLocalDescription = () => {
    connection.iceGatheringState = "complete";
    return Promise.resolve();
  };
  await assert.rejects(one.offer());
});

test("the microphone's track is switched, not removed: no new negotiation for a mute", () => {
  const { one, track } = peer();
  one.setMicrophone(false);
  assert.equal(track.enabled, false);
  one.setMicrophone(true);
  assert.equal(track.enabled, true);
});
