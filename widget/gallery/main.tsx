/**
 * The gallery: every state of the panel on one page. `?theme=dark`, `?lang=en` and `?only=talking,held_by_us` choose;
 * `?keys` opens the keys of a call; `?tour` is the look of the tour's pictures: no titles, a quiet ground.
 */

import { render } from "preact";
import type { Theme } from "../src/host/host";
import type { Deeds } from "../src/picture";
import type { Language } from "../src/protocol";
import { Panel } from "../src/views/panel";
import { STYLES } from "../src/views/styles";
import { NAMES, NOW, pictureOf } from "./states";

const asked = new URLSearchParams(location.search);
const theme: Theme = asked.get("theme") === "dark" ? "dark" : "light";
const language: Language = asked.get("lang") === "en" ? "en" : "ru";
const only = asked.get("only")?.split(",");

const nothing = () => undefined;
const DEEDS: Deeds = {
  dial: nothing,
  act: nothing,
  mute: nothing,
  tones: nothing,
  takePhone: nothing,
  askMicrophone: nothing,
  arm: nothing,
  reconnect: nothing,
  openCard: nothing,
  unfold: nothing,
  type: nothing,
  dropRemark: nothing,
};

/** In the gallery a panel stands where it is put. */
const STANDING =
  ".panel { position: static !important; max-height: none !important; z-index: auto !important; }";

document.body.className = asked.has("tour") ? "tour" : theme;
for (const name of only ?? NAMES) {
  const figure = document.createElement("figure");
  const place = document.createElement("div");
  figure.id = name;
  if (!asked.has("tour"))
    figure.append(Object.assign(document.createElement("figcaption"), { textContent: name }));
  figure.append(place);
  document.body.append(figure);
  const shadow = place.attachShadow({ mode: "open" });
  const style = Object.assign(document.createElement("style"), { textContent: STYLES + STANDING });
  const root = document.createElement("div");
  shadow.append(style, root);
  render(<Panel picture={pictureOf(name, language, theme)} deeds={DEEDS} now={NOW} />, root);
}

// Some states are only reached by a hand: open the keys where the address asks for it.
if (asked.has("keys")) {
  for (const figure of document.querySelectorAll("figure > div")) {
    figure.shadowRoot?.querySelector<HTMLElement>("[data-action=keys], [data-action=keypad]")?.click();
  }
}
