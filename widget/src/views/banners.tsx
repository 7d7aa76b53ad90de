/** What stands between the user and a call, and what to do about it. The most important first, two at most. */

import type { JSX } from "preact";
import { failureText, fill, sentence, type Words, words } from "../i18n";
import { type Deeds, type Picture, phoneIsHere } from "../picture";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";

export interface Banner {
  readonly id: string;
  readonly icon: IconName;
  readonly tone: "calm" | "warn" | "bad";
  readonly title: string;
  readonly text: string | null;
  readonly deed: {
    readonly name: string;
    readonly action: string;
    readonly run: (deeds: Deeds) => void;
  } | null;
}

/** The banners of a picture, in the order of their weight. */
export function bannersOf(picture: Picture): Banner[] {
  const w = words(picture.language);
  const all = [
    connection(picture, w),
    elsewhere(picture, w),
    microphone(picture, w),
    ...lines(picture, w),
    sound(picture, w),
  ];
  return all.filter((banner) => banner !== null).slice(0, 2);
}

function isTalking(picture: Picture): boolean {
  return Object.values(picture.server.calls).some(
    (call) => call.state === "talking" || call.state === "held",
  );
}

function connection(picture: Picture, { banner }: Words): Banner | null {
  if (!picture.configured) {
    return {
      id: "not_configured",
      icon: "failed",
      tone: "warn",
      title: banner.not_configured_title,
      text: banner.not_configured,
      deed: null,
    };
  }
  const { state, failure } = picture.link;
  if (state !== "waiting" && state !== "stopped") return null;
  const why = failureText(picture.language, failure);
  const deed = { name: banner.reconnect, action: "reconnect", run: (deeds: Deeds) => deeds.reconnect() };
  if (state === "stopped") {
    return { id: "stopped", icon: "offline", tone: "bad", title: banner.stopped_title, text: why, deed };
  }
  const hope = isTalking(picture) ? banner.offline_talking : banner.offline;
  return {
    id: "offline",
    icon: "offline",
    tone: "warn",
    title: banner.offline_title,
    text: why ? `${why} ${hope}` : hope,
    deed,
  };
}

function elsewhere(picture: Picture, { banner, action }: Words): Banner | null {
  if (picture.link.state !== "live" || phoneIsHere(picture)) return null;
  const nobody = picture.server.phone.tab === null;
  return {
    id: "elsewhere",
    icon: "tabs",
    tone: "calm",
    title: nobody ? banner.nobody_title : banner.elsewhere_title,
    text: nobody ? null : banner.elsewhere,
    deed: { name: action.take, action: "take_phone", run: (deeds) => deeds.takePhone() },
  };
}

function microphone(picture: Picture, { banner }: Words): Banner | null {
  const state = picture.microphone;
  if (state === "ready" || state === "unknown") return null;
  const deed =
    state === "insecure" || state === "absent"
      ? null
      : {
          name: state === "ask" ? banner.ask_button : banner.retry,
          action: "microphone",
          run: (deeds: Deeds) => deeds.askMicrophone(),
        };
  return {
    id: `microphone_${state}`,
    icon: state === "ask" ? "microphone" : "microphone_off",
    tone: state === "ask" ? "calm" : "bad",
    title: banner[`${state}_title`],
    text: banner[state],
    deed,
  };
}

function lines(picture: Picture, { banner, line }: Words): Banner[] {
  if (picture.link.state !== "live") return [];
  const all = Object.values(picture.server.lines);
  if (all.length === 0) {
    return [{ id: "no_line", icon: "failed", tone: "warn", title: line.none, text: null, deed: null }];
  }
  return all
    .filter((one) => one.state === "failed")
    .map((one) => ({
      id: `line_${one.extension}`,
      icon: "failed",
      tone: "bad",
      title: fill(banner.line_title, { extension: one.extension }),
      text: one.reason ? sentence(picture.language, one.reason) : null,
      deed: null,
    }));
}

function sound(picture: Picture, { banner }: Words): Banner | null {
  if (picture.armed || !phoneIsHere(picture) || isTalking(picture)) return null;
  const deed = { name: banner.blocked_button, action: "arm", run: (deeds: Deeds) => deeds.arm() };
  return {
    id: "blocked",
    icon: "sound",
    tone: "calm",
    title: banner.blocked_title,
    text: banner.blocked,
    deed,
  };
}

export function Banners({ picture, deeds }: { picture: Picture; deeds: Deeds }): JSX.Element {
  return (
    <>
      {bannersOf(picture).map(({ id, icon, tone, title, text, deed }) => (
        <section key={id} class={`banner ${tone}`} data-banner={id} role="status">
          <Icon name={icon} />
          <div class="texts">
            <strong>{title}</strong>
            {text && <p>{text}</p>}
            {deed && (
              <Button
                action={deed.action}
                name={deed.name}
                label={deed.name}
                look="link"
                onPress={() => deed.run(deeds)}
              />
            )}
          </div>
        </section>
      ))}
    </>
  );
}
