/** Lets the user move the panel by its header, never out of the window. */

import type { Unsubscribe } from "../store";

const MARGIN = 8;

export function makeDraggable(place: HTMLElement): Unsubscribe {
  let right = 20;
  let bottom = 20;

  const panel = () => place.querySelector<HTMLElement>(".panel");
  const put = (element: HTMLElement) => {
    const { offsetWidth, offsetHeight } = element;
    right = Math.min(Math.max(right, MARGIN), Math.max(MARGIN, innerWidth - offsetWidth - MARGIN));
    bottom = Math.min(Math.max(bottom, MARGIN), Math.max(MARGIN, innerHeight - offsetHeight - MARGIN));
    element.style.right = `${right}px`;
    element.style.bottom = `${bottom}px`;
  };

  const down = (event: PointerEvent) => {
    const target = event.target as Element;
    const handle = target.closest<HTMLElement>("[data-role=handle]");
    const element = panel();
    if (handle === null || element === null || target.closest("button") !== null || event.button !== 0)
      return;
    const from = { x: event.clientX + right, y: event.clientY + bottom };
    handle.setPointerCapture(event.pointerId);
    handle.classList.add("dragging");
    const move = (moved: PointerEvent) => {
      right = from.x - moved.clientX;
      bottom = from.y - moved.clientY;
      put(element);
    };
    const up = () => {
      handle.classList.remove("dragging");
      handle.removeEventListener("pointermove", move);
    };
    handle.addEventListener("pointermove", move);
    handle.addEventListener("pointerup", up, { once: true });
    handle.addEventListener("pointercancel", up, { once: true });
  };
  const resized = () => {
    const element = panel();
    if (element !== null) put(element);
  };

  place.addEventListener("pointerdown", down);
  window.addEventListener("resize", resized);
  return () => {
    place.removeEventListener("pointerdown", down);
    window.removeEventListener("resize", resized);
  };
}
