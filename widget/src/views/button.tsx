/** One button of the panel: its name, what it would do, and, when it may not, why. */

import type { JSX } from "preact";
import { Icon, type IconName } from "./icons";

export interface ButtonProps {
  /** For tests and styles: `data-action`. */
  readonly action: string;
  /** What a screen reader says. */
  readonly name: string;
  /** What stands under or beside the icon; absent: the icon alone. */
  readonly label?: string;
  readonly icon?: IconName;
  /** Why it cannot be pressed now, as a sentence; null when it can. */
  readonly reason?: string | null;
  /** For switches: whether it is on. */
  readonly pressed?: boolean;
  readonly busy?: boolean;
  readonly look?: "round" | "wide" | "plain" | "key" | "link";
  readonly tone?: "go" | "stop" | "calm" | "warn";
  readonly onPress: () => void;
}

/**
 * A button that may not be pressed stays reachable (`aria-disabled`, not `disabled`), so that its reason can be read with
 * the keyboard and by a screen reader, too.
 */
export function Button(props: ButtonProps): JSX.Element {
  const {
    action,
    name,
    label,
    icon,
    reason = null,
    pressed,
    busy = false,
    look = "plain",
    tone = "calm",
  } = props;
  const off = reason !== null;
  return (
    <button
      type="button"
      class={`button ${look} ${tone}`}
      data-action={action}
      data-busy={busy ? "" : undefined}
      aria-label={name}
      aria-disabled={off}
      aria-pressed={pressed}
      title={reason ?? name}
      onClick={(event) => {
        event.stopPropagation();
        if (!off) props.onPress();
      }}
    >
      {icon && (
        <span class="face">
          <Icon name={icon} />
        </span>
      )}
      {label && <span class="label">{label}</span>}
    </button>
  );
}
