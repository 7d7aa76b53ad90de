// Builds gallery/dist/index.html: every state of the panel on one page, to be looked at (docs/widget.md says how).
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { loaders } from "./bundle.mjs";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));

const OUT = "gallery/dist";

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
await build({
  ...loaders,
  entryPoints: ["gallery/main.tsx"],
  outfile: join(OUT, "gallery.js"),
  bundle: true,
  charset: "utf8",
  format: "iife",
  target: "chrome100",
  logLevel: "warning",
});
cpSync("gallery/index.html", join(OUT, "index.html"));
console.log(`${OUT}/index.html`);
