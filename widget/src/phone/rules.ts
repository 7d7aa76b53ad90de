/**
 * What a call's sound should be, as pure functions of the call: may the microphone speak, may the loudspeaker play, does
 * the sound belong to this tab, must it be brought back.
 */

import type { Call } from "../protocol";

/** An action of the user that the gateway has not confirmed: silence comes at once, sound only when it is confirmed. */
export type Intent = "mute" | "hold";

export function microphoneOn(call: Call, intents: ReadonlySet<Intent>): boolean {
  const { us, pbx, phone } = call.hold;
  return !call.muted && !us && !pbx && !phone && intents.size === 0;
}

export function speakerOn(call: Call, intents: ReadonlySet<Intent>): boolean {
  return !call.hold.us && !intents.has("hold");
}

/** Whether a peer connection of this tab still has a call to carry: the call lives, and its sound is here or comes here. */
export function belongsHere(call: Call | undefined, tab: string, phone: string | null): boolean {
  if (call === undefined || call.state === "ended") return false;
  if (call.device.kind !== "browser") return call.device.kind === "none";
  if (call.device.tab === undefined || call.device.tab === tab) return true;
  return phone === tab && call.sound !== "here"; // the call names its old tab until the new leg is answered
}

/** Whether the call's sound waits for a new connection of whichever tab is the phone. */
export function wantsSound(call: Call): boolean {
  if (call.state !== "talking" && call.state !== "held") return false;
  return call.device.kind === "browser" && (call.sound === "lost" || call.sound === "waiting");
}

/** Whether the gateway believes that the call's sound lives in this tab. */
export function soundExpected(call: Call | undefined, tab: string): boolean {
  if (call === undefined || (call.state !== "talking" && call.state !== "held")) return false;
  return call.sound === "here" && call.device.kind === "browser" && call.device.tab === tab;
}

/** Seconds before attempt number `attempt` (0 is the first) to bring the sound back. */
export function reattachWait(attempt: number): number {
  return [0, 1, 2, 4, 8][attempt] ?? 10;
}
