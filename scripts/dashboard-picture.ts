// npx tsx scripts/dashboard-picture.ts: photographs the page of a shop that shuts down, for the README. Needs Chromium.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { root } from "./run.js";

const file = path.join(root, "docs/images/dashboard.webp");
/** So long the shop works before it is told to stop, in ms: the curves have to have a shape. */
const works = 62_000;
const stops = 1_700;

const journal = mkdtempSync(path.join(tmpdir(), "offload-after-response-picture-"));
const shop = spawn(process.execPath, ["--import", "tsx", "scripts/picture/shop.ts", "8", "42", "30"], {
  cwd: root,
  env: { ...process.env, JOURNAL: journal },
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = once(shop, "exit");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
});
try {
  const [line] = await once(shop.stdout.setEncoding("utf8"), "data");
  const page = await browser.newPage({ viewport: { width: 1180, height: 908 }, deviceScaleFactor: 1.3 });
  await page.goto(`http://127.0.0.1:${/listening (\d+)/.exec(line)?.[1]}/`);
  await sleep(works);
  shop.kill("SIGTERM");
  await page.getByRole("heading", { name: /^Waiting for/ }).waitFor();
  await sleep(stops);
  const picture = await page.screenshot();
  const { size, width, height } = await sharp(picture).webp({ quality: 70, effort: 6 }).toFile(file);
  console.log(`${path.relative(root, file)}: ${width} x ${height}, ${Math.round(size / 1_000)} kB`);
} finally {
  await browser.close();
  shop.kill("SIGKILL");
  await ended;
  rmSync(journal, { recursive: true, force: true });
}
