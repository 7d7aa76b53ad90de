// Bundles every test with esbuild and gives the bundles to Node's own test runner, so that the tests need neither
// a TypeScript loader (Node 20 has none) nor a framework. Arguments are file names to run alone.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { loaders } from "./bundle.mjs";

// Not below node_modules: from version 22 on, Node looks for no tests there.
const out = join("build", "tests");
const wanted = process.argv.slice(2);

const found = readdirSync("tests", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.test\.tsx?$/.test(name))
  .filter((name) => wanted.length === 0 || wanted.some((word) => name.includes(word)))
  .map((name) => join("tests", name));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const made = await build({
  ...loaders,
  entryPoints: found,
  outdir: out,
  outbase: "tests",
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20",
  sourcemap: "inline",
  sourcesContent: false,
  metafile: true,
  logLevel: "warning",
});

const bundles = Object.keys(made.metafile.outputs).filter((name) => name.endsWith(".test.mjs"));
const run = spawnSync(process.execPath, ["--enable-source-maps", "--test", ...bundles], { stdio: "inherit" });
process.exit(run.status ?? 1);
