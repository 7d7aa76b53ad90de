// Writes package-lock.json anew, without the addresses of any registry in it: the file must be good wherever npm is
// pointed at. (npm's own `omit-lockfile-registry-resolved` also loses the packages of other platforms when it writes.)
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";

const FILE = "package-lock.json";

rmSync(FILE, { force: true });
const made = spawnSync("npm", ["install", "--package-lock-only", "--omit-lockfile-registry-resolved=false"], {
  stdio: "inherit",
});
if (made.status !== 0) process.exit(made.status ?? 1);
const lock = JSON.parse(readFileSync(FILE, "utf8"));
for (const entry of Object.values(lock.packages)) {
  delete entry.resolved;
  delete entry.funding;
}
writeFileSync(FILE, `${JSON.stringify(lock, null, 2)}\n`);
