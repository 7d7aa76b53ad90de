/**
 * The telephone put together: messages of the gateway and deeds of the user in, one picture out. It decides which sound
 * plays, what is told when a command fails, whose name is looked up, and when the CRM must not reload the page.
 *
 * It knows neither DOM nor WebSocket nor amoCRM: those come as ports. Invariant: nothing here claims a call's state; only
 * `apply` of what the gateway sent changes `picture.server`.
 */

import type { Host } from "./host/host";
import { sentence } from "./i18n";
import type { Answer, Command, LinkState } from "./link/effects";
import { toDial } from "./numbers";
import type { Microphone } from "./phone/microphone";
import type { Phone, PhoneAnswer } from "./phone/phone";
import { type Deeds, type Picture, phoneIsHere } from "./picture";
import type { Beat, Call, GatewayMessage, RingAck, State } from "./protocol";
import type { Pattern } from "./ring";
import { apply, type Store } from "./store";

export interface SoftphonePorts {
  readonly host: Host;
  readonly picture: Store<Picture>;
  readonly phone: Phone;
  readonly microphone: Microphone;
  readonly tones: {
    readonly armed: boolean;
    readonly pattern: Pattern;
    arm(): Promise<void>;
    play(pattern: Pattern): void;
    key(digit: string): void;
  };
  readonly link: {
    readonly state: LinkState;
    execute(command: Command): Promise<Answer>;
    tell(message: Beat | RingAck): boolean;
    start(): void;
  };
  learnTime(serverNow: number, roundTrip: number): void;
  /** Begins to beat every so many seconds. */
  beatEvery(seconds: number): void;
  later(seconds: number, run: () => void): void;
  keepOpen(open: boolean): void;
}

const REMARK_SECONDS = 8;

export class Softphone implements Deeds {
  private readonly ports: SoftphonePorts;
  private remarkKey = 0;
  private calling = false;
  private readonly asked = new Set<string>();

  constructor(ports: SoftphonePorts) {
    this.ports = ports;
  }

  // --- from the gateway ---------------------------------------------------------------------------------------------

  onLink(state: LinkState, failure: string | null): void {
    this.change({ link: { state, failure } });
    this.ports.phone.follow(this.picture.server, state === "live");
  }

  onMessage(message: GatewayMessage, roundTrip: number): void {
    const { phone } = this.ports;
    switch (message.t) {
      case "welcome":
        this.ports.learnTime(message.now, roundTrip);
        phone.useServers(message.settings.ice_servers);
        this.ports.beatEvery(message.settings.beat_s);
        break;
      case "snapshot":
        this.showState(message.state);
        break;
      case "delta":
        this.showState(apply(this.picture.server, message));
        break;
      case "ring":
        phone.ring(message);
        this.change({ open: true }); // for this call only: what the user chose stays remembered
        this.ports.link.tell({ t: "ring_ack", call: message.call });
        break;
      case "remote":
        void phone.remote(message);
        break;
      case "notice":
      case "refused":
        this.remark(message.message || sentence(this.picture.language, message.code));
        break;
    }
  }

  /** The page's own part changed: a connection, the microphone, the permission to sound. */
  onPageChange(): void {
    const { phone, microphone, tones } = this.ports;
    const calls = Object.keys(this.picture.server.calls);
    this.change({
      microphone: microphone.state,
      armed: tones.armed,
      answerable: new Set(calls.filter((call) => phone.canAnswer(call))),
    });
    this.playTones();
  }

  beat(): void {
    const calls = this.ports.phone.sounding();
    if (calls.length > 0) this.ports.link.tell({ t: "beat", calls });
  }

  // --- deeds --------------------------------------------------------------------------------------------------------

  dial(number: string, extension?: string): void {
    const wanted = toDial(number);
    this.change({ open: true });
    const obstacle = this.obstacle(wanted);
    if (obstacle !== null) {
      this.refuse(obstacle);
      return;
    }
    this.change({ dialling: { number: wanted, call: null } });
    void this.ports.phone.dial(wanted, extension).then((answer) => {
      const call = answer.t === "done" ? (answer.result?.call ?? null) : null;
      const shown = call === null || call in this.picture.server.calls;
      this.change({ dialling: shown ? null : { number: wanted, call }, ...(call ? { input: "" } : {}) });
      this.read(answer);
    });
  }

  act(call: string, action: Parameters<Deeds["act"]>[1]): void {
    const { phone, link } = this.ports;
    if (action === "hold") phone.intend(call, "hold", true);
    const done =
      action === "answer"
        ? phone.answer(call)
        : action === "reattach"
          ? phone.reattach(call)
          : link.execute({ t: action, call });
    void this.follow(`${call}:${action}`, done).then(() => phone.intend(call, "hold", false));
  }

  mute(call: string, on: boolean): void {
    const { phone, link } = this.ports;
    phone.intend(call, "mute", on);
    void this.follow(`${call}:mute`, link.execute({ t: "mute", call, on })).then(() =>
      phone.intend(call, "mute", false),
    );
  }

  tones(call: string, digits: string): void {
    for (const digit of digits) this.ports.tones.key(digit);
    if (!this.ports.phone.tones(call, digits)) this.refuse("no_tones");
    else void this.ports.link.execute({ t: "dtmf", call, digits }).then((answer) => this.read(answer));
  }

  takePhone(): void {
    // The gateway then tells of the sounds of other tabs as lost, and the phone brings them here by itself.
    void this.follow("take_phone", this.ports.link.execute({ t: "take_phone" }));
  }

  askMicrophone(): void {
    const { microphone } = this.ports;
    microphone.borrow().then(
      (track) => microphone.release(track),
      () => this.onPageChange(), // the reason is in microphone.state, and the panel explains it
    );
  }

  arm(): void {
    void this.ports.tones.arm();
  }

  reconnect(): void {
    this.ports.link.start();
  }

  openCard(url: string): void {
    this.ports.host.openCard(url);
  }

  unfold(open: boolean): void {
    if (open === this.picture.open) return;
    this.change({ open });
    this.ports.keepOpen(open);
  }

  type(input: string): void {
    this.change({ input });
  }

  dropRemark(key: number): void {
    this.change({ remarks: this.picture.remarks.filter((remark) => remark.key !== key) });
  }

  /** Something went wrong with a call's sound. */
  refuse(code: string): void {
    this.remark(sentence(this.picture.language, code));
  }

  // --- inside -------------------------------------------------------------------------------------------------------

  private obstacle(number: string): string | null {
    if (number === "") return "bad_number";
    if (this.ports.link.state !== "live") return "link_down";
    if (!phoneIsHere(this.picture)) return "phone_in_other_tab";
    return this.picture.dialling === null ? null : "busy";
  }

  private get picture(): Picture {
    return this.ports.picture.get();
  }

  private change(part: Partial<Picture>): void {
    this.ports.picture.set({ ...this.picture, ...part });
  }

  private showState(server: State): void {
    const before = this.picture.server;
    const { dialling } = this.picture;
    const arrived = dialling?.call != null && dialling.call in server.calls;
    this.change({ server, ...(arrived ? { dialling: null } : {}) });
    this.ports.phone.follow(server, this.ports.link.state === "live");
    this.onPageChange();
    this.playEnd(before, server);
    this.tellHost(server);
    for (const call of Object.values(server.calls)) this.lookUp(call.party.number);
  }

  private async follow(key: string, deed: Promise<PhoneAnswer>): Promise<PhoneAnswer> {
    this.change({ busy: new Set([...this.picture.busy, key]) });
    const answer = await deed;
    this.change({ busy: new Set([...this.picture.busy].filter((one) => one !== key)) });
    this.read(answer);
    return answer;
  }

  private read(answer: PhoneAnswer): void {
    if (answer.t === "done" || answer.code === "microphone") return; // the panel explains the microphone at length
    this.remark(("message" in answer && answer.message) || sentence(this.picture.language, answer.code));
  }

  private remark(text: string): void {
    this.remarkKey += 1;
    const key = this.remarkKey;
    const others = this.picture.remarks.filter((remark) => remark.text !== text);
    this.change({ remarks: [...others, { key, text }].slice(-3) });
    this.ports.later(REMARK_SECONDS, () => this.dropRemark(key));
  }

  private playTones(): void {
    const calls = Object.values(this.picture.server.calls);
    const talking = calls.some((call) => call.state === "talking" || call.state === "held");
    if (calls.some((call) => this.picture.answerable.has(call.id))) {
      this.ports.tones.play(talking ? "waiting" : "ring");
    } else if (calls.some((call) => this.wantsRingback(call))) this.ports.tones.play("ringback");
    else if (this.ports.tones.pattern !== "busy") this.ports.tones.play("silent"); // busy ends by itself
  }

  private wantsRingback(call: Call): boolean {
    const mine = phoneIsHere(this.picture) && call.direction === "out";
    return mine && call.state === "ringing" && !this.ports.phone.hears(call.id);
  }

  private playEnd(before: State, now: State): void {
    for (const call of Object.values(now.calls)) {
      const was = before.calls[call.id];
      if (call.end?.cause === "busy" && was && was.state !== "ended" && phoneIsHere(this.picture)) {
        this.ports.tones.play("busy");
      }
    }
  }

  private tellHost(server: State): void {
    const calling = Object.values(server.calls).some((call) => call.state !== "ended");
    if (calling === this.calling) return;
    this.calling = calling;
    this.ports.host.setCalling(calling);
  }

  private lookUp(number: string): void {
    if (number === "" || this.asked.has(number)) return;
    this.asked.add(number);
    void this.ports.host.findContact(number).then((contact) => {
      this.change({ contacts: new Map([...this.picture.contacts, [number, contact]]) });
    });
  }
}
