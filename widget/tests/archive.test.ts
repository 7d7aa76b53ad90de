import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

interface Manifest {
  widget: {
    version: string;
    interface_version: number;
    init_once: boolean;
    locale: string[];
    installation: boolean;
  };
  locations: string[];
  tour: { tour_images: Record<string, string[]> };
  settings: Record<string, { type: string; required: boolean }>;
}

const manifest = JSON.parse(readFileSync("src/manifest.json", "utf8")) as Manifest;

/** Width and height of a PNG: the first chunk is IHDR (PNG §11.2.2). */
function sizeOf(name: string): [number, number] {
  const png = readFileSync(join("images", name));
  assert.equal(png.subarray(1, 4).toString("latin1"), "PNG", name);
  return [png.readUInt32BE(16), png.readUInt32BE(20)];
}

test("the manifest is that of a telephony widget", () => {
  assert.equal(manifest.widget.interface_version, 2);
  assert.equal(manifest.widget.init_once, true);
  assert.equal(manifest.widget.installation, true);
  assert.match(manifest.widget.version, /^\d+\.\d+\.\d+$/);
  assert.ok(manifest.locations.includes("everywhere"));
  assert.deepEqual(manifest.settings["backend_url"]?.type, "text");
  assert.equal(manifest.settings["backend_url"]?.required, true);
  assert.equal(manifest.settings["extensions"]?.type, "users");
});

test("every language of the manifest has its file", () => {
  const files = readdirSync("src/i18n").map((name) => name.replace(".json", ""));
  assert.deepEqual(files.sort(), [...manifest.widget.locale].sort());
});

for (const [name, width, height] of [
  ["logo_main.png", 400, 272],
  ["logo.png", 130, 100],
  ["logo_small.png", 108, 108],
  ["logo_medium.png", 240, 84],
  ["logo_min.png", 84, 84],
] as const) {
  test(`${name} is ${width}×${height}, as amoCRM wants it`, () =>
    assert.deepEqual(sizeOf(name), [width, height]));
}

test("no picture is larger than amoCRM takes", () => {
  for (const name of readdirSync("images").filter((one) => one.endsWith(".png"))) {
    assert.ok(statSync(join("images", name)).size <= 300 * 1024, name);
  }
});

test("the tour's pictures are there", () => {
  for (const names of Object.values(manifest.tour.tour_images)) {
    for (const name of names) assert.ok(sizeOf(name.replace("/images/", ""))[0] > 0, name);
  }
});

test("only the host's file and the composition touch globals of the page", () => {
  const allowed = new Set([
    "host/amocrm.ts",
    "compose.ts",
    "player.ts",
    "views/drag.ts",
    "link/shell.ts",
    "protocol.ts",
  ]);
  for (const name of readdirSync("src", { recursive: true, encoding: "utf8" })) {
    if (!/\.tsx?$/.test(name)) continue;
    const code = readFileSync(join("src", name), "utf8").replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    assert.doesNotMatch(
      code,
      name === "host/amocrm.ts" ? /$^/ : /\b(APP|AMOCRM|jQuery|\$authorizedAjax)\b/,
      name,
    );
    if (allowed.has(name)) continue;
    assert.doesNotMatch(code, /\b(window|localStorage|sessionStorage|WebSocket|location)\./, name);
  }
});
