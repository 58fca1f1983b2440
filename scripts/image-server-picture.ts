// npx tsx scripts/image-server-picture.ts: photographs the page of the image server while it makes photos, for its README. Needs Chromium.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { root } from "./run.js";

const file = path.join(root, "examples/image-server/page.webp");

const data = mkdtempSync(path.join(tmpdir(), "offload-after-response-picture-"));
const server = spawn(process.execPath, ["--import", "tsx", "examples/image-server/main.ts"], {
  cwd: root,
  env: { ...process.env, PORT: "0", DATA_DIR: data },
  stdio: ["ignore", "pipe", "inherit"],
});
const ended = once(server, "exit");
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
});
try {
  const page = await browser.newPage({ viewport: { width: 1180, height: 860 }, deviceScaleFactor: 1.3 });
  await page.goto(await address());
  // Some photos are done, and others wait.
  await page.getByRole("button", { name: "Two samples" }).click();
  await page.locator(".photo.done img.loaded").nth(1).waitFor();
  await page.getByRole("button", { name: "Twenty at once" }).click();
  await page.locator(".photo.done img.loaded").nth(3).waitFor();
  const { size, width, height } = await sharp(await page.screenshot())
    .webp({ quality: 70, effort: 6 })
    .toFile(file);
  console.log(`${path.relative(root, file)}: ${width} x ${height}, ${Math.round(size / 1_000)} kB`);
} finally {
  await browser.close();
  server.kill("SIGKILL");
  await ended;
  rmSync(data, { recursive: true, force: true });
}

/** Where the server listens, once it says so. */
async function address(): Promise<string> {
  let output = "";
  for await (const chunk of server.stdout.setEncoding("utf8")) {
    output += chunk;
    const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
    if (url !== undefined) return url;
  }
  throw new Error(`the image server ended: ${output}`);
}
