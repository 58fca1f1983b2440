// The page in a real browser. Without Chromium the tests are skipped; OFFLOAD_REQUIRE_CHROMIUM=1 forbids that.
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchChromium, openPage, skipWithoutChromium } from "../support/chromium.js";
import { astronaut, expectWholePhotos, newDataDir, photosDir, startImageServer } from "./image-server.js";

const skip = skipWithoutChromium("the image server's page");

// A busy machine takes long over a photo; what is shown is that it is waited for.
describe.skipIf(skip)("the page of the image server", { timeout: 180_000 }, () => {
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
    await page
      .getByLabel("Choose photos")
      .setInputFiles([{ name, mimeType: "image/png", buffer: astronaut.subarray(0, 300_000) }]);

    const row = page.locator(".failure");
    expect(await row.locator(".title").textContent()).toBe(name);
    expect(await row.locator(".reason").textContent()).toBe("The file is damaged or incomplete.");
    expect(await page.locator(".photo").count()).toBe(0);
    await row.getByRole("button", { name: `Dismiss ${name}` }).click();
    await page.reload();
    await page.locator("#connection[data-state=live]").waitFor();
    expect(await page.locator("#count-failed").textContent()).toBe("1");
    expect(await row.count()).toBe(0);
    await page.getByLabel("Choose photos").setInputFiles([
      { name: "notes.png", mimeType: "image/png", buffer: Buffer.from("no picture at all") },
      { name: "large.png", mimeType: "image/png", buffer: Buffer.concat([astronaut, astronaut]) },
    ]);
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
    const first = await startImageServer({ DATA_DIR: dataDir, SHUTDOWN_TIMEOUT_MS: "150000" });
    const { page } = await open(browser, first.url);
    await page.getByLabel("Choose photos").setInputFiles(Array(6).fill(join(photosDir, "astronaut.png")));
    await page.locator(".photo.done").first().waitFor();
    await page.locator(".upload").first().waitFor({ state: "hidden" });
    first.kill("SIGTERM");
    const banner = page.locator("#banner");
    await page.getByText(/^The server finishes its work and stops, in \d+ s at the latest$/).waitFor();
    await page.getByText("Not connected", { exact: true }).waitFor();
    await banner.getByText("Photos that you add are sent when the server is back.").waitFor();
    // It stays in sight where the photos are.
    await page.evaluate("scrollTo(0, document.body.scrollHeight)");
    expect(await page.evaluate("document.getElementById('banner').getBoundingClientRect().top")).toBeGreaterThanOrEqual(
      0,
    );
    expect(await page.locator(".photo.done").count()).toBe(6);
    expect(await page.getByRole("button", { name: "Two samples" }).isDisabled()).toBe(true);
    // What was done last could not be loaded any more, and says so.
    const later = page.getByText("Done. It can be seen when the server is back.");
    expect((await later.count()) + (await page.locator(".photo img.loaded").count())).toBe(6);
    expect(await first.exited).toMatchObject({ code: 0 });
    await expectWholePhotos(dataDir, 6);

    await page.getByLabel("Choose photos").setInputFiles(join(photosDir, "chelsea.png"));
    await page.locator(".upload-state", { hasText: "Sent when the server is back" }).waitFor();
    await startImageServer({ DATA_DIR: dataDir, PORT: String(first.port) });
    await page.getByText("Live", { exact: true }).waitFor();
    await page.locator(".photo.done img.loaded").nth(6).waitFor();
    expect(await banner.isVisible()).toBe(false);
    // Those of the earlier process count too.
    await page.locator("#count-done", { hasText: "7" }).waitFor();
  });

  it("compares a photo before and after", async () => {
    const { url } = await startImageServer({ DATA_DIR: newDataDir() });
    const { page, problems } = await open(browser, url);
    await page.getByLabel("Choose photos").setInputFiles(join(photosDir, "chelsea.png"));
    await page.getByRole("button", { name: "Compare chelsea.png before and after" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("img", { name: "chelsea.png, as it was sent" }).waitFor();
    await dialog.getByText(/^Original, \d+/).waitFor();
    const slider = dialog.getByRole("slider");
    await slider.focus();
    await page.keyboard.press("Home");
    expect(await page.locator(".pair").getAttribute("style")).toContain("--at: 0%");
    await page.keyboard.press("End");
    expect(await page.locator(".pair").getAttribute("style")).toContain("--at: 100%");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
    expect(problems).toEqual([]);
  });

  it("leads to the page of the offloader", async () => {
    const { url } = await startImageServer({ DATA_DIR: newDataDir() });
    const { page, problems } = await open(browser, url);
    await page.getByRole("link", { name: "What waits, runs and fails" }).click();
    await page.locator('body[data-status="live"]').waitFor();
    await page.getByRole("heading", { name: "offloader" }).waitFor();
    expect(problems).toEqual([]);
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
    // The table of files folds, and what is pressed is large enough.
    expect(await page.locator(".photo table:visible").count()).toBe(0);
    await page.locator(".photo summary").first().click();
    const heights: number[] = await page.evaluate(
      "[...document.querySelectorAll('main a, main button, summary')].map((one) => one.getBoundingClientRect().height).filter(Boolean)",
    );
    expect(Math.min(...heights)).toBeGreaterThanOrEqual(24);
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
