/** The panel: who and where we are, what is in the way, the calls, the dial pad. A function of the picture and the time. */

import type { JSX } from "preact";
import { spanText } from "../clock";
import { words } from "../i18n";
import { type Deeds, type Picture, phoneIsHere } from "../picture";
import type { Call, CallState } from "../protocol";
import { Banners } from "./banners";
import { Button } from "./button";
import { EndedCard } from "./ended";
import { spoken, stateText, who } from "./face";
import { Icon } from "./icons";
import { IncomingCard } from "./incoming";
import { DiallingCard, LiveCard } from "./live";
import { Pad } from "./pad";

export interface PanelProps {
  readonly picture: Picture;
  readonly deeds: Deeds;
  /** Seconds of the server's clock. */
  readonly now: number;
}

const ORDER: Readonly<Record<CallState, number>> = {
  incoming: 0,
  talking: 1,
  dialing: 1,
  ringing: 1,
  held: 2,
  ended: 3,
};

/** What rings is on top, then what is talked, what is held, what is over; within each the newest first. */
export function ordered(calls: readonly Call[]): Call[] {
  return [...calls].sort(
    (one, other) => ORDER[one.state] - ORDER[other.state] || other.began_at - one.began_at,
  );
}

export function Panel(props: PanelProps): JSX.Element {
  const { picture, deeds, now } = props;
  const calls = ordered(Object.values(picture.server.calls));
  const living = calls.filter((call) => call.state !== "ended");
  if (!picture.open) return <Folded {...props} living={living} />;
  const w = words(picture.language);
  return (
    <section
      class="panel"
      aria-label={w.region}
      onKeyDown={(event) => event.key === "Escape" && goBack(picture, deeds)}
      {...attributes(picture, calls)}
    >
      <Header picture={picture} deeds={deeds} />
      <div class="body">
        <Banners picture={picture} deeds={deeds} />
        <DiallingCard picture={picture} />
        {calls.map((call) => {
          const Card =
            call.state === "incoming" ? IncomingCard : call.state === "ended" ? EndedCard : LiveCard;
          return <Card key={call.id} picture={picture} deeds={deeds} call={call} now={now} />;
        })}
        <Remarks picture={picture} deeds={deeds} />
      </div>
      {picture.configured && (
        <Pad picture={picture} deeds={deeds} small={living.length > 0 || picture.dialling !== null} />
      )}
      <p class="spoken" aria-live={living.some((call) => call.state === "incoming") ? "assertive" : "polite"}>
        {spoken(picture)}
      </p>
    </section>
  );
}

/** Escape takes back the smallest thing: what was typed, then the panel; a ringing call is never put out of sight. */
function goBack(picture: Picture, deeds: Deeds): void {
  if (picture.input !== "") deeds.type("");
  else if (!Object.values(picture.server.calls).some((call) => call.state === "incoming"))
    deeds.unfold(false);
}

/** What a test, or a person with the inspector, wants to know of the whole. */
function attributes(picture: Picture, calls: readonly Call[]): Record<string, string> {
  const phone = picture.server.phone.tab;
  return {
    "data-theme": picture.theme,
    "data-link": picture.link.state,
    "data-phone": phone === null ? "nobody" : phoneIsHere(picture) ? "here" : "elsewhere",
    "data-tab": picture.tab,
    "data-microphone": picture.microphone,
    "data-armed": String(picture.armed),
    "data-lines": Object.values(picture.server.lines)
      .map((line) => `${line.extension}=${line.state}`)
      .join(" "),
    "data-calls": String(calls.length),
  };
}

function Header({ picture, deeds }: Omit<PanelProps, "now">): JSX.Element {
  const w = words(picture.language);
  const lines = Object.values(picture.server.lines);
  const live = picture.link.state === "live";
  const lamp = !live
    ? picture.link.state === "waiting"
      ? "warn"
      : "off"
    : lampOf(lines.map((line) => line.state));
  const text = live
    ? lines.map((line) => `${line.extension} ${w.line[line.state]}`).join(", ") || w.link.live
    : w.link[picture.link.state];
  return (
    <header class="header" data-role="handle">
      <span class="mark" aria-hidden="true">
        <Icon name="handset" />
      </span>
      <div class="texts">
        <h2>{w.title}</h2>
        <p class="status" data-role="status" title={text}>
          <span class={`lamp ${lamp}`} aria-hidden="true" />
          {text}
        </p>
      </div>
      <Button action="fold" name={w.fold} icon="fold" onPress={() => deeds.unfold(false)} />
    </header>
  );
}

function lampOf(states: readonly string[]): "good" | "warn" | "bad" | "off" {
  if (states.length === 0 || states.every((state) => state === "off")) return "off";
  if (states.every((state) => state === "registered")) return "good";
  return states.includes("registered") || states.includes("registering") ? "warn" : "bad";
}

function Remarks({ picture, deeds }: Omit<PanelProps, "now">): JSX.Element {
  const { close } = words(picture.language);
  return (
    <>
      {picture.remarks.map((remark) => (
        <p key={remark.key} class="remark" role="alert" data-role="remark">
          <span>{remark.text}</span>
          <Button
            action="drop_remark"
            name={close}
            icon="close"
            onPress={() => deeds.dropRemark(remark.key)}
          />
        </p>
      ))}
    </>
  );
}

/** Folded: nothing while all is quiet and the host has our toggle; a pill while a call lives. */
function Folded({ picture, deeds, now, living }: PanelProps & { living: readonly Call[] }): JSX.Element {
  const w = words(picture.language);
  const call = living[0];
  if (call === undefined && picture.hasToggle)
    return <section hidden {...attributes(picture, [])} class="panel folded" />;
  const text = call ? who(picture, call).title : w.unfold;
  const clock = call?.answered_at === undefined ? "" : spanText(now - call.answered_at);
  return (
    <section class="panel folded" aria-label={w.region} {...attributes(picture, living)}>
      <button
        type="button"
        class="pill"
        data-state={call?.state ?? "quiet"}
        data-action="unfold"
        title={call ? `${text}: ${stateText(picture, call)}` : text}
        aria-label={call ? `${w.unfold}. ${text}: ${stateText(picture, call)}` : text}
        onClick={() => deeds.unfold(true)}
      >
        <Icon name="handset" />
        {call && <span class="name">{text}</span>}
        {clock && <time class="clock">{clock}</time>}
      </button>
    </section>
  );
}
