/**
 * The composition root: the parts put together over a real browser. Whoever calls `begin` gets back what ends it.
 */

import { ServerClock } from "./clock";
import type { Host } from "./host/host";
import { LinkCore } from "./link/core";
import type { Credentials } from "./link/effects";
import { Link } from "./link/shell";
import { putMemory, rememberOpen, takeMemory, wasOpen } from "./memory";
import { Microphone } from "./phone/microphone";
import { Phone } from "./phone/phone";
import { newPicture } from "./picture";
import { play } from "./player";
import { Tones } from "./ring";
import { Softphone } from "./softphone";
import { Store } from "./store";
import { makeRoot, mount } from "./views/mount";

/** Seconds; the gateway waits 5 s for a hello, and the page should not be the slower one. */
const LINK_TIMES = {
  backOff: { base: 0.5, cap: 15 },
  ticketSeconds: 15,
  openSeconds: 8,
  helloSeconds: 5,
  answerSeconds: 20,
  steadySeconds: 5,
};

const GATHER_SECONDS = 1.5;

export interface Telephone {
  readonly softphone: Softphone;
  toggle(): void;
  end(): void;
}

export function begin(host: Host, hasToggle: boolean): Telephone {
  const clock = { now: () => Date.now() / 1000 };
  const serverClock = new ServerClock(clock);
  const { owner } = host;
  const memory = takeMemory(sessionStorage, owner, newId);
  let credentials: Credentials | null = memory.credentials;
  let beatTimer: ReturnType<typeof setInterval> | undefined;
  const later = (seconds: number, run: () => void) => void setTimeout(run, seconds * 1000);

  const picture = new Store(
    newPicture({
      language: host.language,
      theme: host.theme(),
      open: wasOpen(localStorage),
      hasToggle,
      tab: memory.tab,
      configured: host.backend !== "",
    }),
  );
  const changed = () => softphone.onPageChange();
  const microphone = new Microphone(navigator, changed);
  const tones = new Tones(() => ("AudioContext" in window ? new AudioContext() : null), changed);
  const phone = new Phone(
    {
      tab: memory.tab,
      gatherSeconds: GATHER_SECONDS,
      now: clock.now,
      newConnection: (servers) => {
        if (!tones.armed) void tones.arm(); // browsers are more generous with a page that captures
        return new RTCPeerConnection({
          iceServers: servers.map((one) => ({ ...one, urls: [...one.urls] })),
          bundlePolicy: "max-bundle",
        });
      },
      play: (stream) => play(stream, () => void tones.arm()),
      sleep: (seconds) => new Promise((done) => later(seconds, done)),
      execute: (command) => link.execute(command),
      later,
      changed,
      renew: () => link.networkLost(),
      complain: (_call, code) => softphone.refuse(code),
    },
    microphone,
  );
  const core = new LinkCore(
    { ...LINK_TIMES, tab: memory.tab, lang: host.language, commandPrefix: `${newId().slice(0, 8)}-` },
    { random: Math.random, alive: () => phone.alive() },
    credentials,
  );
  const link = new Link(core, {
    clock,
    openSocket: (url) => new WebSocket(url),
    askTicket: () => host.askTicket(),
    keep: (kept) => {
      credentials = kept;
    },
    onState: (state, failure) => softphone.onLink(state, failure),
    onMessage: (message, roundTrip) => softphone.onMessage(message, roundTrip),
    complain: (text) => console.warn(`trubka: ${text}`),
  });
  const softphone: Softphone = new Softphone({
    host,
    picture,
    phone,
    microphone,
    tones,
    link,
    learnTime: (serverNow, roundTrip) => serverClock.learn(serverNow, roundTrip),
    beatEvery: (seconds) => {
      clearInterval(beatTimer);
      beatTimer = setInterval(() => softphone.beat(), seconds * 1000);
    },
    later,
    keepOpen: (open) => rememberOpen(localStorage, open),
  });

  const { element, place } = makeRoot(document);
  document.body.append(element);
  const unmount = mount(place, picture, softphone, serverClock);
  const page = new AbortController();
  const on = (target: EventTarget, kind: string, run: (event: Event) => void) =>
    target.addEventListener(kind, run, { signal: page.signal, capture: true, passive: true });

  const leave = () => {
    link.leave();
    putMemory(sessionStorage, owner, { tab: memory.tab, credentials });
  };
  const start = () => {
    if (host.backend !== "") link.start();
  };
  on(window, "pagehide", leave);
  on(window, "pageshow", (event) => {
    if (!(event as PageTransitionEvent).persisted) return;
    takeMemory(sessionStorage, owner, newId); // back from the browser's page cache: this page is the living one again
    start();
  });
  on(window, "online", () => link.wake());
  on(window, "offline", () => link.networkLost());
  on(document, "visibilitychange", () => document.visibilityState === "visible" && link.wake());
  for (const touch of ["pointerdown", "keydown"])
    on(document, touch, () => void (tones.armed || tones.arm()));
  on(element, "trubka:debug", (event) => {
    Object.assign((event as CustomEvent<object>).detail, { peers: phone.list(), picture: picture.get() });
  });
  const untheme = host.onTheme((theme) => picture.set({ ...picture.get(), theme }));

  void tones.arm();
  void microphone.watch();
  start();

  return {
    softphone,
    toggle: () => {
      softphone.unfold(!picture.get().open);
      requestAnimationFrame(() => place.querySelector<HTMLInputElement>("input[name=number]")?.focus());
    },
    end: () => {
      leave();
      page.abort();
      clearInterval(beatTimer);
      untheme();
      unmount();
      element.remove();
      host.setCalling(false);
    },
  };
}

/** 128 bits that nobody guesses, in letters that the protocol's tokens allow. */
function newId(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
