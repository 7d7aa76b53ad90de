/** Plays a call's remote sound. One audio element for each stream; a browser that refuses is tried again after a touch. */

import type { Player } from "./phone/peer";

/**
 * @param refused the browser wants a touch of the user first
 */
export function play(stream: MediaStream, refused: () => void): Player {
  const audio = new Audio();
  audio.autoplay = true;
  audio.srcObject = stream;
  const again = () => void audio.play().then(stopWaiting, () => undefined);
  const stopWaiting = () => {
    document.removeEventListener("pointerdown", again, true);
    document.removeEventListener("keydown", again, true);
  };
  audio.play().catch((error: unknown) => {
    // AbortError: the call ended before the sound began. Only a refusal is worth a touch.
    if (!(error instanceof DOMException) || error.name !== "NotAllowedError") return;
    document.addEventListener("pointerdown", again, true);
    document.addEventListener("keydown", again, true);
    refused();
  });
  return {
    setMuted: (muted) => {
      audio.muted = muted;
    },
    stop: () => {
      stopWaiting();
      audio.pause();
      audio.srcObject = null;
    },
  };
}
