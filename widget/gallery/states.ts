/** Every state of the panel, as pictures: for eyes (the gallery) and for tests (each must say what it is meant to say). */

import type { Theme } from "../src/host/host";
import { newPicture, type Picture } from "../src/picture";
import type { Action, Call, Code, Language, Line } from "../src/protocol";

/** The moment of the gallery, seconds of the server's clock. */
export const NOW = 1_763_800_000;

const ALLOWED: Readonly<Record<Action, Code | null>> = {
  answer: "already_answered",
  reject: "already_answered",
  hang_up: null,
  hold: null,
  resume: "not_held",
  mute: null,
  dtmf: null,
  reattach: "sound_is_here",
  dismiss: "not_ended",
};

const EARLY: Readonly<Record<Action, Code | null>> = {
  ...ALLOWED,
  hold: "not_answered",
  mute: "not_answered",
  dtmf: "not_answered",
};

const OVER: Readonly<Record<Action, Code | null>> = {
  answer: "call_ended",
  reject: "call_ended",
  hang_up: "call_ended",
  hold: "call_ended",
  resume: "call_ended",
  mute: "call_ended",
  dtmf: "call_ended",
  reattach: "call_ended",
  dismiss: null,
};

const NOT_HELD = { us: false, pbx: false, phone: false, them: false };
const TAB = "this-tab";
const ANNA = "+79215550102";
const STEEL = "+74957401828";
const STRANGER = "+79139876543";

let serial = 0;

export function aCall(part: Partial<Call> = {}): Call {
  serial += 1;
  return {
    id: `call-${serial}`,
    rev: 1,
    extension: "101",
    direction: "out",
    party: { number: ANNA, shown: ANNA },
    device: { kind: "browser", tab: TAB },
    sound: "here",
    state: "talking",
    hold: NOT_HELD,
    muted: false,
    pending: [],
    confirmed: true,
    began_at: NOW - 100,
    answered_at: NOW - 83,
    state_since: NOW - 83,
    actions: ALLOWED,
    ...part,
  };
}

const incoming = (part: Partial<Call> = {}): Call => {
  const { answered_at: _, ...rest } = aCall({
    direction: "in",
    state: "incoming",
    device: { kind: "none" },
    sound: "waiting",
    began_at: NOW - 7,
    actions: { ...EARLY, answer: null, reject: null, hang_up: "not_answered" },
    ...part,
  });
  return rest;
};

const calling = (state: "dialing" | "ringing", part: Partial<Call> = {}): Call => {
  const { answered_at: _, ...rest } = aCall({
    state,
    sound: "waiting",
    began_at: NOW - 4,
    actions: EARLY,
    ...part,
  });
  return rest;
};

const held = (part: Partial<Call> = {}): Call =>
  aCall({
    state: "held",
    hold: { ...NOT_HELD, us: true },
    actions: { ...ALLOWED, hold: "already_held", resume: null, dtmf: "already_held" },
    ...part,
  });

const ended = (cause: NonNullable<Call["end"]>["cause"], part: Partial<Call> = {}): Call => {
  const { answered_at: _, ...rest } = aCall({
    state: "ended",
    device: { kind: "none" },
    sound: "none",
    actions: OVER,
    end: { by: "them", cause },
    ended_at: NOW - 20,
    ...part,
  });
  return part.answered_at === undefined ? rest : { ...rest, answered_at: part.answered_at };
};

const LINE: Line = { extension: "101", label: "Продажи", softphone: true, state: "registered" };

const CONTACTS: Picture["contacts"] = new Map([
  [ANNA, { name: "Анна Смирнова", company: "ООО «Северный ветер»", url: "/contacts/detail/7" }],
  [
    STEEL,
    {
      name: "Константин Константинопольский-Преображенский",
      company: "ПАО «Магнитогорский металлургический комбинат»",
      url: "/contacts/detail/8",
    },
  ],
  [STRANGER, null],
]);

/** What a state adds to a telephone that is well and idle. */
interface Told {
  readonly calls?: readonly Call[];
  readonly lines?: readonly Line[];
  readonly phone?: string | null;
  readonly picture?: Partial<Picture>;
}

const STATES: Readonly<Record<string, () => Told>> = {
  idle: () => ({}),
  typed: () => ({ picture: { input: "8 (921) 555-01-02" } }),
  incoming: () => ({ calls: [incoming()] }),
  incoming_unknown: () => ({ calls: [incoming({ party: { number: STRANGER, shown: STRANGER } })] }),
  incoming_withheld: () => ({ calls: [incoming({ party: { number: "", shown: "" } })] }),
  incoming_while_talking: () => ({
    calls: [incoming({ party: { number: STEEL, shown: STEEL } }), aCall()],
  }),
  preparing: () => ({ picture: { dialling: { number: ANNA, call: null } } }),
  dialing: () => ({ calls: [calling("dialing")] }),
  ringing: () => ({ calls: [calling("ringing")] }),
  talking: () => ({ calls: [aCall()] }),
  talking_long_name: () => ({
    calls: [aCall({ party: { number: STEEL, shown: STEEL }, answered_at: NOW - 4_331 })],
  }),
  muted: () => ({ calls: [aCall({ muted: true })] }),
  held_by_us: () => ({ calls: [held()] }),
  held_by_them: () => ({ calls: [aCall({ hold: { ...NOT_HELD, them: true } })] }),
  pending_hold: () => ({
    calls: [aCall({ pending: ["hold"], actions: { ...ALLOWED, hold: "pending", resume: "pending" } })],
  }),
  two_calls: () => ({
    calls: [
      aCall({ party: { number: STRANGER, shown: STRANGER }, answered_at: NOW - 12 }),
      held({ began_at: NOW - 300, answered_at: NOW - 290 }),
    ],
  }),
  sound_back: () => ({
    calls: [aCall({ sound: "lost", actions: { ...ALLOWED, hold: "no_sound", dtmf: "no_sound" } })],
  }),
  unconfirmed: () => ({
    calls: [aCall({ confirmed: false, actions: { ...ALLOWED, hold: "unconfirmed" } })],
  }),
  desk_phone: () => ({
    calls: [
      aCall({
        device: { kind: "phone", name: "Yealink T46" },
        sound: "none",
        actions: {
          ...ALLOWED,
          hold: "on_other_device",
          mute: "on_other_device",
          dtmf: "on_other_device",
          hang_up: "on_other_device",
        },
      }),
    ],
  }),
  ended_answered: () => ({ calls: [ended("hung_up", { answered_at: NOW - 240 })] }),
  ended_variants: () => ({
    calls: [
      ended("missed", { direction: "in", began_at: NOW - 30 }),
      ended("answered_elsewhere", { direction: "in", elsewhere: "Игорь Власов", began_at: NOW - 40 }),
      ended("busy", {
        began_at: NOW - 50,
        end: { by: "them", cause: "busy", status: 486, text: "Busy Here" },
      }),
      ended("no_answer", { began_at: NOW - 60 }),
      ended("not_found", {
        began_at: NOW - 70,
        party: { number: "999", shown: "999" },
        end: { by: "them", cause: "not_found", status: 404, text: "Not Found" },
      }),
      ended("nobody_came_back", { began_at: NOW - 80, answered_at: NOW - 200 }),
      ended("pbx_unreachable", { began_at: NOW - 90, answered_at: NOW - 260 }),
    ],
  }),
  failed_remark: () => ({
    calls: [aCall()],
    picture: { remarks: [{ key: 1, text: "Не удалось поставить звонок на удержание." }] },
  }),
  other_tab: () => ({ phone: "another-tab" }),
  other_tab_talking: () => ({
    phone: "another-tab",
    calls: [aCall({ device: { kind: "browser", tab: "another-tab" } })],
  }),
  other_tab_incoming: () => ({ phone: "another-tab", calls: [incoming()] }),
  no_microphone: () => ({ picture: { microphone: "absent", input: "101" } }),
  microphone_denied: () => ({ picture: { microphone: "denied" }, calls: [incoming()] }),
  microphone_ask: () => ({ picture: { microphone: "ask" } }),
  microphone_insecure: () => ({ picture: { microphone: "insecure" } }),
  sound_blocked: () => ({ picture: { armed: false } }),
  offline: () => ({ picture: { link: { state: "waiting", failure: "1006" } } }),
  offline_talking: () => ({ picture: { link: { state: "waiting", failure: "1006" } }, calls: [aCall()] }),
  stopped: () => ({ picture: { link: { state: "stopped", failure: "4203" } } }),
  signing_in: () => ({ picture: { link: { state: "authenticating", failure: null } }, lines: [] }),
  line_failed: () => ({ lines: [{ ...LINE, state: "failed", reason: "line_refused" }] }),
  several_lines: () => ({
    lines: [LINE, { extension: "102", label: "Поддержка", softphone: true, state: "registering" }],
    calls: [incoming()],
  }),
  no_extension: () => ({ lines: [] }),
  not_configured: () => ({
    picture: { configured: false, link: { state: "off", failure: null } },
    lines: [],
  }),
  folded_talking: () => ({ calls: [aCall()], picture: { open: false } }),
  folded_ringing: () => ({ calls: [incoming()], picture: { open: false } }),
  folded_quiet: () => ({ picture: { open: false, hasToggle: false } }),
};

export const NAMES = Object.keys(STATES);

/** The picture of a named state. */
export function pictureOf(name: string, language: Language, theme: Theme): Picture {
  const state = STATES[name];
  if (state === undefined) throw new Error(`no state is called ${name}`);
  const told = state();
  const calls = Object.fromEntries((told.calls ?? []).map((call) => [call.id, call]));
  const lines = Object.fromEntries((told.lines ?? [LINE]).map((line) => [line.extension, line]));
  return {
    ...newPicture({ language, theme, open: true, hasToggle: true, tab: TAB, configured: true }),
    link: { state: "live", failure: null },
    microphone: "ready",
    contacts: CONTACTS,
    answerable: new Set(Object.keys(calls)),
    server: { calls, lines, phone: { tab: told.phone === undefined ? TAB : told.phone } },
    ...told.picture,
  };
}
