// The page in a real browser. Without Chromium the tests are skipped; OFFLOAD_REQUIRE_CHROMIUM=1 forbids that.
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, openPage, skipWithoutChromium } from "../support/chromium.js";
import { astronaut, expectWholePhotos, newDataDir, photosDir, startImageServer } from "./image-server.js";

const skip = skipWithoutChromium("the image server's page");

describe.skipIf(skip)("the page of the image server", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  it("shows an uploaded photo from its placeholder to its last file", async () => {
    const dataDir = newDataDir();
    const { url } = await startImageServer({ DATA_DIR: dataDir });
    const { page, problems } = await open(browser, url);

    await page
      .getByLabel("Choose photos")
      .setInputFiles(["astronaut.png", "chelsea.png"].map((name) => join(photosDir, name)));
    await page.locator(".photo.done img.loaded").nth(1).waitFor();

    for (const [name, width] of [
      ["astronaut.png", 512],
      ["chelsea.png", 451],
    ] as const) {
      const card = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name }) });
      expect(await card.getByRole("rowheader").allTextContents()).toEqual(["160 px", "320 px", `${width} px`]);
      expect(await card.getByRole("cell").getByRole("link").count()).toBe(9);
      expect(await card.locator(".saved").textContent()).toMatch(/^−9\d\s%\d+\skB → \d+\skB as AVIF$/);
      expect(await card.locator(".frame").getAttribute("style")).toContain('url("data:image/png;base64,');
    }
    expect(await page.locator("#count-done").textContent()).toBe("2");
    expect(await page.locator(".upload").count()).toBe(0);
    expect(await page.locator("#announcements").textContent()).toContain("astronaut.png is done.");
    expect(problems).toEqual([]);
    await expectWholePhotos(dataDir, 2);

    // A second look shows the same, from the disk.
    await page.reload();
    await page.locator(".photo.done img.loaded").nth(1).waitFor();
  });

  it("says what was wrong with a bad file, and takes its name for text", async () => {
    const dataDir = newDataDir();
    const { url } = await startImageServer({ DATA_DIR: dataDir, MAX_UPLOAD_MB: "1" });
    const { page } = await open(browser, url);
    const name = "<img src=x onerror=document.title='hacked'>.png";
    await page.getByLabel("Choose photos").setInputFiles([
      { name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") },
      { name: "large.png", mimeType: "image/png", buffer: Buffer.concat([astronaut, astronaut]) },
      { name, mimeType: "image/png", buffer: astronaut.subarray(0, 300_000) },
    ]);

    const card = page.locator(".photo.failed");
    expect(await card.locator(".title").textContent()).toBe(name);
    expect(await card.locator(".saved").textContent()).toBe("The file is damaged or incomplete.");
    expect(await card.locator("img, table:visible").count()).toBe(0);
    await page.locator(".upload.refused").nth(1).waitFor();
    const refusals = (await page.locator(".upload.refused .upload-state").allTextContents()).sort();
    expect(refusals).toEqual([
      "1.6\u00a0MB is too large: the limit is 1.0\u00a0MB.",
      "This is not an image: JPEG, PNG, WebP, GIF or AVIF is expected.",
    ]);
    await page.getByRole("button", { name: "Dismiss notes.png" }).click();
    expect(await page.locator(".upload.refused").count()).toBe(1);
    expect(await page.title()).not.toContain("hacked");
    await expectWholePhotos(dataDir, 0);
  });

  it("tries again when the server is busy", async () => {
    const dataDir = newDataDir();
    const { url } = await startImageServer({ DATA_DIR: dataDir, QUEUE_MAX: "1" });
    const { page } = await open(browser, url);
    await page.getByLabel("Choose photos").setInputFiles(Array(3).fill(join(photosDir, "chelsea.png")));
    await page.getByText("The server is busy, trying again in 1 s").first().waitFor();
    await page.locator(".photo.done").nth(2).waitFor();
    await expectWholePhotos(dataDir, 3);
  });

  it("says that the server stops, finishes what it shows, and comes back with the server", async () => {
    const dataDir = newDataDir();
    const first = await startImageServer({ DATA_DIR: dataDir });
    const { page } = await open(browser, first.url);
    await page.getByLabel("Choose photos").setInputFiles(Array(10).fill(join(photosDir, "astronaut.png")));
    await page.locator(".photo.done").first().waitFor();
    await page.locator(".upload").first().waitFor({ state: "hidden" });
    first.kill("SIGTERM");
    await page.getByText("The server finishes its work and stops").waitFor();
    await page.getByText("Not connected").waitFor();
    expect(await page.locator(".photo.done").count()).toBe(10);
    expect(await first.exited).toMatchObject({ code: 0 });
    await expectWholePhotos(dataDir, 10);

    await startImageServer({ DATA_DIR: dataDir, PORT: String(first.port) });
    await page.getByText("Live", { exact: true }).waitFor();
    expect(await page.locator(".photo.done").count()).toBe(10);
  });

  it("can be used by keyboard, and fits a phone", async () => {
    const { url } = await startImageServer({ DATA_DIR: newDataDir() });
    const { page } = await open(browser, url, { width: 390, height: 844 });
    await page.keyboard.press("Tab");
    expect(await page.locator("#files:focus").count()).toBe(1);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator(".photo.done img.loaded").nth(1).waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  });
});

/** A page that is connected. `problems`: errors in its console, and requests to anywhere but the server. */
async function open(
  browser: Browser,
  url: string,
  viewport = { width: 1280, height: 900 },
): Promise<{ page: Page; problems: string[] }> {
  const opened = await openPage(browser, url, { viewport });
  await opened.page.locator("#connection[data-state=live]").waitFor();
  return opened;
}
