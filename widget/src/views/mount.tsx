/**
 * Puts the panel into the page: a shadow root of its own, drawn again when the picture changes, and each second while a
 * clock runs.
 */

import { render } from "preact";
import type { ServerClock } from "../clock";
import type { Deeds, Picture } from "../picture";
import type { Store, Unsubscribe } from "../store";
import { makeDraggable } from "./drag";
import { Panel } from "./panel";
import { STYLES } from "./styles";

export const HOST_ID = "trubka";

/** Makes the element that the panel lives in. */
export function makeRoot(document: Document): { element: HTMLElement; place: HTMLElement } {
  const element = document.createElement("div");
  element.id = HOST_ID;
  const shadow = element.attachShadow({ mode: "open" });
  const style = document.createElement("style");
  style.textContent = STYLES;
  const place = document.createElement("div");
  shadow.append(style, place);
  // Keys typed in the panel are the panel's: the host's shortcuts must not fire (and the other way round is the shadow's).
  for (const kind of ["keydown", "keypress", "keyup"]) {
    element.addEventListener(kind, (event) => event.stopPropagation());
  }
  return { element, place };
}

export function mount(
  place: HTMLElement,
  store: Store<Picture>,
  deeds: Deeds,
  clock: ServerClock,
): Unsubscribe {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    clearTimeout(timer);
    const picture = store.get();
    const now = clock.now();
    render(<Panel picture={picture} deeds={deeds} now={now} />, place);
    if (Object.values(picture.server.calls).some((call) => call.state !== "ended")) {
      timer = setTimeout(draw, 1000 - ((now * 1000) % 1000) + 5); // just after the server's second changes
    }
  };
  let due = false;
  const stop = store.subscribe(() => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      draw();
    });
  });
  draw();
  const still = makeDraggable(place);
  return () => {
    stop();
    still();
    clearTimeout(timer);
    render(null, place);
  };
}
