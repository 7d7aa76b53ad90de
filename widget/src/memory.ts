/**
 * What a tab keeps over a reload: its id, and the credentials that open the next socket without asking the CRM.
 *
 * Browsers copy sessionStorage into a duplicated tab and into windows that a page opens, and two tabs with one id would
 * throw each other out. So the memory is taken out of the storage when the page begins and put back when it goes: while a
 * page lives, there is nothing to copy.
 */

import type { Credentials } from "./link/effects";

const KEY = "trubka:tab";
const OPEN_KEY = "trubka:open";

export interface TabMemory {
  readonly tab: string;
  readonly credentials: Credentials | null;
}

function isMemory(value: unknown): value is TabMemory {
  if (typeof value !== "object" || value === null) return false;
  const { tab, credentials } = value as Partial<TabMemory>;
  if (typeof tab !== "string" || tab === "") return false;
  return (
    credentials === null || (typeof credentials?.secret === "string" && typeof credentials.url === "string")
  );
}

/**
 * Takes the memory of the page before this one out of the storage.
 *
 * @param newId makes an id for a tab that has none
 * @param owner of whom the memory must be: another user or gateway in the same tab begins anew
 */
export function takeMemory(storage: Storage, owner: string, newId: () => string): TabMemory {
  try {
    const text = storage.getItem(KEY);
    storage.removeItem(KEY);
    const kept: unknown = JSON.parse(text ?? "null");
    if (isMemory(kept) && (kept as { owner?: unknown }).owner === owner) {
      return { tab: kept.tab, credentials: kept.credentials };
    }
  } catch {
    // Storage may be forbidden, or hold another program's text: then this tab is a new one.
  }
  return { tab: newId(), credentials: null };
}

export function putMemory(storage: Storage, owner: string, memory: TabMemory): void {
  try {
    storage.setItem(KEY, JSON.stringify({ ...memory, owner }));
  } catch {
    // A full or forbidden storage costs the next page one question to the CRM, nothing else.
  }
}

export function wasOpen(storage: Storage): boolean {
  try {
    return storage.getItem(OPEN_KEY) !== "no";
  } catch {
    return true; // forbidden storage: the panel shows itself
  }
}

export function rememberOpen(storage: Storage, open: boolean): void {
  try {
    storage.setItem(OPEN_KEY, open ? "yes" : "no");
  } catch {
    // only a comfort
  }
}
