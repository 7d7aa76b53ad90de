/**
 * The telephone of this tab: one peer connection per call, made for dialling, answering or bringing sound back after a
 * reload, and led by the state that the gateway tells.
 *
 * It does not know the socket, the views or amoCRM. Invariants: a peer connection exists only for a call that belongs to
 * this tab and has not ended (or for a dialling that has no call yet); its microphone is on only while the gateway's
 * state says so and no unconfirmed mute or hold of the user stands against it; a letter that comes before its peer
 * connection waits for it.
 */

import type { Answer, Command, Refusal } from "../link/effects";
import type { IceServer, Remote, Ring, State } from "../protocol";
import { type Microphone, MicrophoneTrouble } from "./microphone";
import { Peer, type PeerPorts } from "./peer";
import { Rescue } from "./rescue";
import { belongsHere, type Intent, microphoneOn, speakerOn } from "./rules";

/** Refusals of the telephone itself. */
export type PhoneCode = "microphone" | "no_offer" | "sound_failed" | "no_tones";

export type PhoneAnswer = Answer | (Omit<Refusal, "code"> & { readonly code: PhoneCode });

export interface PhonePorts extends Omit<PeerPorts, "changed"> {
  readonly tab: string;
  readonly gatherSeconds: number;
  now(): number;
  newConnection(servers: readonly IceServer[]): RTCPeerConnection;
  execute(command: Command): Promise<Answer>;
  /** Runs something after so many seconds. */
  later(seconds: number, run: () => void): void;
  /** The set of living connections or one of their states changed. */
  changed(): void;
  /** Opens a new socket, whose hello tells the gateway anew which sounds live. */
  renew(): void;
  /** A call's sound failed in a way that the user must read. */
  complain(call: string | null, code: PhoneCode): void;
}

const refusal = (code: PhoneCode): PhoneAnswer => ({ t: "refused", code });

export class Phone {
  private readonly ports: PhonePorts;
  private readonly microphone: Microphone;
  private readonly rescue: Rescue;
  private servers: readonly IceServer[] = [];
  private state: State = { calls: {}, lines: {}, phone: { tab: null } };
  private live = false;
  private readonly peers = new Map<string, Peer>();
  private readonly offers = new Map<string, string>();
  /** Calls that a picture of the gateway has shown. */
  private readonly seen = new Set<string>();
  /** Calls whose sound is on its way into this tab: until the gateway has answered they still name another. */
  private readonly moving = new Set<string>();
  private readonly early = new Map<string, Remote[]>();
  private readonly intents = new Map<string, Set<Intent>>();

  constructor(ports: PhonePorts, microphone: Microphone) {
    this.ports = ports;
    this.microphone = microphone;
    this.rescue = new Rescue({
      tab: ports.tab,
      now: ports.now,
      later: ports.later,
      renew: ports.renew,
      patient: (call) => this.peers.get(call),
      reattach: async (call) => (await this.reattach(call)).t === "done",
    });
  }

  useServers(servers: readonly IceServer[]): void {
    this.servers = servers;
  }

  /** Calls whose connection lives here, or is being made: for `hello`. What the gateway has for them still finds them. */
  alive(): string[] {
    return [...this.peers].filter(([, peer]) => peer.hopeful).map(([call]) => call);
  }

  /** Calls that have sound at this moment: for the beat. */
  sounding(): string[] {
    return [...this.peers].filter(([, peer]) => peer.connected).map(([call]) => call);
  }

  /** All connections, for tests and the support's eyes. */
  list(): { call: string; connection: RTCPeerConnection }[] {
    return [...this.peers].map(([call, peer]) => ({ call, connection: peer.connection }));
  }

  /** Whether the far end's sound can be heard already: then no ringback of our own is needed. */
  hears(call: string): boolean {
    return this.peers.get(call)?.hasRemote ?? false;
  }

  canAnswer(call: string): boolean {
    return this.offers.has(call);
  }

  // --- what the user does -------------------------------------------------------------------------------------------

  async dial(number: string, extension: string | undefined): Promise<PhoneAnswer> {
    const made = await this.make();
    if (!(made instanceof Peer)) return made;
    const offer = await this.describe(made, () => made.offer());
    if (offer === null) return refusal("sound_failed");
    const answer = await this.ports.execute({
      t: "dial",
      number,
      offer,
      ...(extension === undefined ? {} : { extension }),
    });
    const call = answer.t === "done" ? answer.result?.call : undefined;
    if (call === undefined) this.drop(made);
    else await this.bind(call, made);
    return answer;
  }

  async answer(call: string): Promise<PhoneAnswer> {
    const offer = this.offers.get(call);
    if (offer === undefined) return refusal("no_offer");
    const made = await this.make();
    if (!(made instanceof Peer)) return made;
    await this.bind(call, made);
    const sdp = await this.describe(made, () => made.answer(offer));
    if (sdp === null) {
      this.forget(call);
      return refusal("sound_failed");
    }
    const answer = await this.ports.execute({ t: "answer", call, sdp });
    if (answer.t === "refused") this.forget(call);
    return answer;
  }

  /** Brings a living call's sound into this page (RFC 3891: the gateway sends INVITE with Replaces). */
  async reattach(call: string): Promise<PhoneAnswer> {
    const made = await this.make();
    if (!(made instanceof Peer)) return made;
    const offer = await this.describe(made, () => made.offer());
    if (offer === null) return refusal("sound_failed");
    this.moving.add(call);
    await this.bind(call, made);
    const answer = await this.ports.execute({ t: "reattach", call, offer });
    this.moving.delete(call);
    if (answer.t === "refused") this.forget(call);
    return answer;
  }

  /** Silences at once, or lets the gateway's state decide again. */
  intend(call: string, intent: Intent, stands: boolean): void {
    const standing = this.intents.get(call) ?? new Set<Intent>();
    if (stands) standing.add(intent);
    else standing.delete(intent);
    this.intents.set(call, standing);
    this.lead();
  }

  tones(call: string, digits: string): boolean {
    return this.peers.get(call)?.tones(digits) ?? false;
  }

  // --- what the gateway says ----------------------------------------------------------------------------------------

  ring(letter: Ring): void {
    this.offers.set(letter.call, letter.offer);
    this.ports.changed();
  }

  async remote(letter: Remote): Promise<void> {
    const peer = this.peers.get(letter.call);
    if (peer === undefined) {
      const waiting = this.early.get(letter.call) ?? [];
      waiting.push(letter);
      this.early.set(letter.call, waiting);
      return;
    }
    await this.hear(letter, peer);
  }

  /** A new picture from the gateway, or the same one after something here changed. */
  follow(state: State, live: boolean): void {
    this.state = state;
    this.live = live;
    for (const call of Object.keys(state.calls)) this.seen.add(call);
    for (const call of [...this.seen]) this.tidy(call);
    this.lead();
    this.rescue.look(state, live);
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  private async make(): Promise<Peer | PhoneAnswer> {
    try {
      const track = await this.microphone.borrow();
      const peer = new Peer(this.ports.newConnection(this.servers), track, this.ports.gatherSeconds, {
        play: this.ports.play,
        sleep: this.ports.sleep,
        changed: () => {
          this.rescue.look(this.state, this.live);
          this.ports.changed();
        },
      });
      return peer;
    } catch (error) {
      if (error instanceof MicrophoneTrouble) return refusal("microphone");
      this.ports.complain(null, "sound_failed");
      return refusal("sound_failed");
    }
  }

  /** Runs a step of the negotiation; a browser that throws gives null, and the connection is dropped. */
  private async describe(peer: Peer, step: () => Promise<string>): Promise<string | null> {
    try {
      return await step();
    } catch {
      this.drop(peer);
      return null; // told to the user by the caller's refusal: sound_failed
    }
  }

  private async bind(call: string, peer: Peer): Promise<void> {
    const old = this.peers.get(call);
    if (old !== undefined) this.drop(old);
    this.peers.set(call, peer);
    this.lead();
    const waiting = this.early.get(call) ?? [];
    this.early.delete(call);
    for (const letter of waiting) await this.hear(letter, peer);
    if (this.state.calls[call]?.state === "ended") this.forget(call);
    this.ports.changed();
  }

  private async hear(letter: Remote, peer: Peer): Promise<void> {
    try {
      await peer.remote(letter.kind, letter.sdp);
      this.ports.changed();
    } catch {
      this.ports.complain(letter.call, "sound_failed");
    }
  }

  /** Lets go of what a call no longer needs. A call that was never in a picture is still on its way: left alone. */
  private tidy(id: string): void {
    const call = this.state.calls[id];
    const coming = this.moving.has(id) && call?.state !== "ended";
    if (this.peers.has(id) && !coming && !belongsHere(call, this.ports.tab, this.state.phone.tab))
      this.forget(id);
    if (call?.state !== "incoming") this.offers.delete(id);
    if (call !== undefined && call.state !== "ended") return;
    this.intents.delete(id);
    this.early.delete(id);
    this.rescue.forget(id);
    if (call === undefined) this.seen.delete(id);
  }

  private lead(): void {
    for (const [id, peer] of this.peers) {
      const call = this.state.calls[id];
      if (call === undefined) continue;
      const intents = this.intents.get(id) ?? new Set<Intent>();
      peer.setMicrophone(microphoneOn(call, intents));
      peer.setSpeaker(speakerOn(call, intents));
    }
  }

  private forget(call: string): void {
    const peer = this.peers.get(call);
    this.peers.delete(call);
    if (peer !== undefined) this.drop(peer);
  }

  private drop(peer: Peer): void {
    peer.close();
    this.microphone.release(peer.track);
    this.ports.changed();
  }
}
