// Renders the pictures that amoCRM wants (`amocrm.md` 1.1) from images/mark.svg and from the gallery, by a headless
// Chromium: CHROMIUM names it, else it is looked for on PATH. The results are kept in the repository.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));

const CHROMIUM = process.env.CHROMIUM ?? "chromium";
const work = mkdtempSync(join(tmpdir(), "trubka-images-"));
const mark = readFileSync("images/mark.svg", "utf8");

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--hide-scrollbars",
  "--virtual-time-budget=1500", // draw only when the page has come to rest: small windows were caught half drawn
  "--allow-file-access-from-files",
  "--default-background-color=00000000",
  `--user-data-dir=${join(work, "profile")}`,
];

function shoot(address, name, width, height) {
  const out = resolve("images", name);
  const run = spawnSync(
    CHROMIUM,
    [...FLAGS, `--window-size=${width},${height}`, `--screenshot=${out}`, address],
    {
      stdio: "ignore",
    },
  );
  if (run.status !== 0) throw new Error(`${CHROMIUM} did not draw ${name}`);
  const png = readFileSync(out);
  const [w, h] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  if (w !== width || h !== height) throw new Error(`${name} is ${w}×${h}, not ${width}×${height}`);
  console.log(`images/${name} ${w}×${h} ${png.length} bytes`);
}

/**
 * The mark, with the word beside or under it where there is room. Drawn on a canvas and handed back as text: a headless
 * window's small screenshots are cut off.
 */
function logo(name, width, height, { size, word = 0, column = false }) {
  const page = join(work, `${name}.html`);
  const left = word > 0 && !column ? (width - size - word * 3.9) / 2 : (width - size) / 2;
  const top = column ? (height - size - word * 1.3) / 2 : (height - size) / 2;
  const [x, y] = column ? [width / 2, top + size + word] : [left + size + word / 2, height / 2];
  writeFileSync(
    page,
    `<!doctype html><meta charset="utf-8"><body><script>
      const canvas = Object.assign(document.createElement("canvas"), { width: ${width}, height: ${height} });
      const pen = canvas.getContext("2d");
      const mark = new Image();
      mark.onload = () => {
        pen.drawImage(mark, ${left}, ${top}, ${size}, ${size});
        pen.font = '700 ${word}px "Noto Sans", system-ui, sans-serif';
        pen.fillStyle = "#12352a";
        pen.textBaseline = "middle";
        pen.textAlign = "${column ? "center" : "left"}";
        if (${word} > 0) pen.fillText("Трубка", ${x}, ${y});
        document.body.textContent = canvas.toDataURL("image/png");
      };
      mark.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(${JSON.stringify(mark)});
    </script>`,
  );
  const run = spawnSync(CHROMIUM, [...FLAGS, "--dump-dom", pathToFileURL(page).href], { encoding: "utf8" });
  const drawn = /data:image\/png;base64,([A-Za-z0-9+/=]+)/.exec(run.stdout);
  if (!drawn) throw new Error(`${CHROMIUM} did not draw ${name}`);
  const png = Buffer.from(drawn[1], "base64");
  writeFileSync(join("images", name), png);
  console.log(`images/${name} ${width}×${height} ${png.length} bytes`);
}

/** A page of the CRM with the panel in one of its states, for the tour. */
function tour(name, state, language) {
  const gallery = pathToFileURL(resolve("gallery/dist/index.html")).href;
  shoot(`${gallery}?tour&lang=${language}&only=${state}`, name, 800, 520);
}

logo("logo_main.png", 400, 272, { size: 116, word: 40, column: true });
logo("logo.png", 130, 100, { size: 76 });
logo("logo_small.png", 108, 108, { size: 92 });
logo("logo_medium.png", 240, 84, { size: 58, word: 30 });
logo("logo_min.png", 84, 84, { size: 72 });
for (const language of ["ru", "en"]) {
  tour(`tour_1_${language}.png`, "incoming", language);
  tour(`tour_2_${language}.png`, "talking", language);
  tour(`tour_3_${language}.png`, "idle", language);
}
rmSync(work, { recursive: true, force: true });
