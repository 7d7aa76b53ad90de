/** The panel's icons: our own strokes on a 24 × 24 field, drawn in the text's colour. Decoration only: names are on buttons. */

import type { JSX } from "preact";

const HANDSET =
  "M8.2 4.6 9.9 8c.3.6.2 1.2-.3 1.7L8.3 11a12 12 0 0 0 4.7 4.7l1.3-1.3c.5-.5 1.1-.6 1.7-.3l3.4 1.7c.6.3.9 1 .8 1.6-.4 1.8-1.8 2.9-3.5 2.7C10.4 19.4 4.6 13.6 3.9 7.3c-.2-1.7.9-3.1 2.7-3.5.6-.1 1.3.2 1.6.8Z";

const SHAPES = {
  handset: <path d={HANDSET} fill="currentColor" stroke="none" />,
  hang_up: (
    <g transform="rotate(135 12 12)">
      <path d={HANDSET} fill="currentColor" stroke="none" />
    </g>
  ),
  microphone: (
    <>
      <rect x="9" y="3.5" width="6" height="10.5" rx="3" />
      <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v2.8" />
    </>
  ),
  microphone_off: (
    <>
      <path d="M15 9.5V6.5a3 3 0 0 0-5.8-1M9 9v2a3 3 0 0 0 4.6 2.5M5.5 11.5a6.5 6.5 0 0 0 10.2 5.3M18.5 11.5c0 .9-.2 1.8-.5 2.6M12 18v2.8M4 3.5l16 17" />
    </>
  ),
  pause: <path d="M8.5 6v12M15.5 6v12" stroke-width="2.6" />,
  play: (
    <path
      d="M8 5.6v12.8a.6.6 0 0 0 .9.5l10-6.4a.6.6 0 0 0 0-1l-10-6.4a.6.6 0 0 0-.9.5Z"
      fill="currentColor"
      stroke="none"
    />
  ),
  keys: (
    <g fill="currentColor" stroke="none">
      {[6, 12, 18].flatMap((y) => [6, 12, 18].map((x) => <circle key={`${x}${y}`} cx={x} cy={y} r="1.7" />))}
    </g>
  ),
  close: <path d="m6.5 6.5 11 11m0-11-11 11" />,
  fold: <path d="m6 9.5 6 6 6-6" />,
  erase: <path d="M9 5.5h10a1.5 1.5 0 0 1 1.5 1.5v10a1.5 1.5 0 0 1-1.5 1.5H9L3.5 12ZM11 9.5l5 5m0-5-5 5" />,
  incoming: <path d="M18 6 7 17m0-7.5V17h7.5" />,
  outgoing: <path d="M6.5 17.5 17 7m-7.5 0H17v7.5" />,
  missed: <path d="m4 8 8 7.5 8-8M4 13.5V8h5.5" />,
  elsewhere: (
    <>
      <rect x="6" y="3.5" width="12" height="17" rx="2.5" />
      <path d="M10.5 17.5h3" />
    </>
  ),
  failed: <path d="M12 7.5v5.5m0 3.2v.1M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17Z" />,
  ended: <path d="m6 12.5 4 4 8-9" />,
  sound: <path d="M4.5 9.5v5h3.2L12 18V6L7.7 9.5ZM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11" />,
  tabs: (
    <>
      <rect x="3.5" y="7.5" width="13" height="12" rx="2" />
      <path d="M7.5 7.5V6a1.5 1.5 0 0 1 1.5-1.5h10A1.5 1.5 0 0 1 20.5 6v9a1.5 1.5 0 0 1-1.5 1.5h-2.5" />
    </>
  ),
  offline: (
    <path d="M3.5 9.5a13 13 0 0 1 4.5-2.8m3.5-.7a13 13 0 0 1 9 3.5M7 13.5a8 8 0 0 1 4-2.2m4 .6a8 8 0 0 1 2 1.6M12 18.3v.1M4 3.5l16 17" />
  ),
} satisfies Record<string, JSX.Element>;

export type IconName = keyof typeof SHAPES;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {SHAPES[name]}
    </svg>
  );
}
