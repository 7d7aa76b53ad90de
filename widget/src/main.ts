/**
 * The AMD module's value: the constructor that amoCRM's loader makes its widget of (`amocrm.md` 1.4). Only wiring: the
 * callbacks, and when the telephone begins and ends.
 *
 * `init_once` keeps one instance over area changes: `render` is called again on each, `init` once for a load. The loader
 * calls `bind_actions` right after `render` without waiting for it.
 */

import { begin, type Telephone } from "./compose";
import { AmoHost, type WidgetInstance } from "./host/amocrm";
import { explainSettings, isGoodAddress } from "./host/settings";

export function CustomWidget(this: WidgetInstance): WidgetInstance {
  const host = new AmoHost(this);
  let telephone: Telephone | null = null;
  let listening = false;

  const start = (): Telephone => {
    telephone ??= begin(
      host,
      host.showToggle(() => telephone?.toggle()),
    );
    return telephone;
  };

  this.callbacks = {
    render: () => true,
    bind_actions: () => {
      if (listening) return true;
      listening = true;
      host.onNumberClick((number) => start().softphone.dial(number));
      return true;
    },
    init: () => {
      start();
      return true;
    },
    settings: (body: unknown) => {
      host.addStyles();
      explainSettings(body, host.text("settings.backend_hint"));
      return true;
    },
    onSave: (saved: unknown) => {
      const good = isGoodAddress(saved);
      if (!good) host.tellError(host.text("settings.backend_wrong"));
      return good;
    },
    destroy: () => {
      host.hideToggle();
      telephone?.end();
      telephone = null;
    },
    onInstall: () => true,
  };
  return this;
}
