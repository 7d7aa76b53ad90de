// Builds the archive that is uploaded to amoCRM: dist/ (for a host page of our own) and dist/widget.zip.
//
// amoCRM wants one AMD module, `script.js`, whose value is the widget's constructor, and all files at the archive's root.
// The zip is the same, byte for byte, for the same sources: files in alphabetical order, one date for all.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { zipSync } from "fflate";
import { loaders } from "./bundle.mjs";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));

const OUT = "dist";
const LARGEST_IMAGE = 300 * 1024;

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });

await build({
  ...loaders,
  entryPoints: ["src/main.ts"],
  outfile: join(OUT, "script.js"),
  bundle: true,
  minify: true,
  charset: "utf8",
  format: "iife",
  globalName: "TrubkaWidget",
  banner: { js: "define([], function () {" },
  footer: { js: "return TrubkaWidget.CustomWidget;\n});" },
  target: ["chrome100", "firefox102", "safari15"],
  legalComments: "none",
  logLevel: "warning",
});

cpSync("src/host/settings.css", join(OUT, "style.css"));
cpSync("src/i18n", join(OUT, "i18n"), { recursive: true });
cpSync("src/manifest.json", join(OUT, "manifest.json"));
mkdirSync(join(OUT, "images"));
for (const name of readdirSync("images").filter((one) => one.endsWith(".png"))) {
  const from = join("images", name);
  if (statSync(from).size > LARGEST_IMAGE) throw new Error(`${from} is larger than amoCRM takes (300 KB)`);
  cpSync(from, join(OUT, "images", name));
}

const date = new Date(1980, 0, 1);
const files = readdirSync(OUT, { recursive: true, encoding: "utf8" })
  .filter((name) => statSync(join(OUT, name)).isFile())
  .sort();
const archive = {};
for (const name of files) {
  archive[relative(".", name).split(sep).join("/")] = [
    readFileSync(join(OUT, name)),
    { mtime: date, level: 9 },
  ];
}
writeFileSync(join(OUT, "widget.zip"), zipSync(archive));
console.log(`${OUT}/widget.zip: ${files.length} files`);
