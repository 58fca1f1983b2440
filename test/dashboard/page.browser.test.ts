// The page in a real browser: what it shows, what can be done on it, with a keyboard, on a phone, light and dark.
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { launchChromium, type OpenedPage, openPage, skipWithoutChromium } from "../support/chromium.js";
import { makeDirectory } from "../support/directory.js";
import { Gate } from "../support/gate.js";
import type { WatchedOptions } from "../support/offloader.js";
import { startProgram } from "../support/process.js";
import { type Mounted, mounted, Reader } from "./mounted.js";

const skip = skipWithoutChromium("the page of the offloader");

/** What breaks out where a page takes text for markup. */
const hostile = "<img src=x onerror=document.title='hacked'>";

describe.skipIf(skip)("the page", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchChromium();
  });

  afterAll(() => browser?.close());

  async function open(mount: Mounted, options: Parameters<Browser["newPage"]>[0] = {}): Promise<OpenedPage> {
    const opened = await openPage(browser, mount.url, options);
    onTestFinished(() => opened.page.close());
    await opened.page.locator('body[data-status="live"], body[data-status="paused"]').waitFor();
    return opened;
  }

  async function open1(options: WatchedOptions = {}, access: "full" | "read" = "full") {
    const mount = await mounted({ access: () => access }, { pool: { minThreads: 1, maxThreads: 1 }, ...options });
    await mount.offloader.ready();
    return { mount, ...mount, ...(await open(mount)) };
  }

  it("says that nothing has been dispatched, and then shows what is", async () => {
    const { page, offloader, problems } = await open1();
    await page.getByText("Nothing has been dispatched yet.").waitFor();
    await page.getByText("No task has failed.").waitFor();
    await page.getByText("Nothing waits.").waitFor();
    const gate = new Gate();
    offloader.offload("waiting", { gate: gate.memory });
    for (let n = 0; n < 3; n++) offloader.offload("add", { a: n, b: 1 });
    await page.locator("#threads .busy").getByText("waiting").waitFor();
    const row = page.getByRole("row").filter({ has: page.getByRole("rowheader", { name: "add" }) });
    await row.getByText("3", { exact: true }).first().waitFor();
    expect(await page.locator("#lines li, #waiting").first().textContent()).toBe("3");
    gate.open();
    await page.locator("#ok", { hasText: "4" }).waitFor();
    expect(problems).toEqual([]);
  });

  it("takes every name, message and id for text", async () => {
    const { page, offloader, watched } = await open1();
    offloader.offload("fails", { message: hostile, code: hostile });
    await watched.event("failed");
    const callback = Object.defineProperty(() => {}, "name", { value: hostile });
    const { makeResponse } = await import("../support/responses.js");
    const { response, over } = makeResponse();
    offloader.runAfterResponse(response, callback);
    await page.locator("#failures").getByText(hostile.replace(/\d+/g, "#")).first().waitFor();
    await page.locator("#tasks").getByText(hostile).waitFor();
    await page.locator("#id").fill(hostile);
    await page.getByRole("button", { name: "Find" }).click();
    await page.getByRole("dialog").getByText("The parameter id is not of the expected form").waitFor();
    expect(await page.title()).not.toContain("hacked");
    expect(await page.locator("img").count()).toBe(0);
    over();
  });

  it("groups failures, and shows the stack of one by its id", async () => {
    const { page, offloader } = await open1();
    for (let n = 0; n < 7; n++)
      offloader.offload("fails", { message: `order ${n} of 0a1b2c3d4e is gone`, code: "E_GONE" });
    const group = page.locator("#failures li");
    await group.getByText("7 ×").waitFor();
    expect(await group.count()).toBe(1);
    expect(await group.textContent()).toContain("E_GONE in fails");
    await group.getByText("order # of # is gone").waitFor();
    await group.getByText("fails fixtures/tasks.mjs:").waitFor();
    await group.getByRole("button").first().click();
    await page.getByRole("dialog").getByText("at fails").waitFor();
  });

  it("pauses and resumes, cancels one and all, asks before it does what cannot be undone", async () => {
    const { page, offloader, watched } = await open1();
    await page.getByRole("button", { name: "Pause", exact: true }).click();
    await page.locator('body[data-status="paused"]').waitFor();
    const handles = Array.from({ length: 5 }, (_, n) => offloader.offload("add", { a: n, b: 1 }));
    await page.locator("#lines li").nth(4).waitFor();
    await page.locator("#lines li button").first().click();
    await page.getByRole("button", { name: "Cancel this task" }).click();
    await watched.event("cancelled", ({ id }) => id === handles[0]?.id);

    const all = page.getByRole("button", { name: "Cancel all add that wait" });
    await page.locator('button[data-do="cancel-all"][data-count="4"]').waitFor();
    await all.click();
    await page.getByRole("heading", { name: "Cancel 4 tasks?" }).waitFor();
    await page.keyboard.press("Escape");
    expect(handles.slice(1).map(({ state }) => state)).toEqual(Array(4).fill("queued"));
    await all.click();
    await page.getByRole("button", { name: "Cancel them" }).click();
    await watched.events("cancelled", 5);
    await page.getByText("cancel all: 4 done").waitFor();

    await page.getByRole("button", { name: "Resume", exact: true }).click();
    await page.locator('body[data-status="live"]').waitFor();
    await page.getByRole("button", { name: "Pause add" }).click();
    await page.locator("#tasks").getByText("Paused").waitFor();
    await page.getByRole("button", { name: "Resume add" }).click();
    await page.getByRole("button", { name: "Pause add" }).waitFor();
    await offloader.run("add", { a: 1, b: 2 });
  });

  it("renews the threads", async () => {
    const { page, watched } = await open1();
    await page.getByRole("button", { name: "Renew threads" }).click();
    expect(await watched.event("threadEnded")).toMatchObject({ cause: "renewed" });
    await watched.events("threadStarted", 2);
    await page.getByText("renew: 1 done").waitFor();
  });

  it("retries and discards dead letters, all of them only with their number", async () => {
    const { page, mount, offloader, watched } = await open1({ journal: { dir: makeDirectory("letters") } });
    const reader = await Reader.open(mount.port);
    onTestFinished(() => reader.close());
    for (let n = 0; n < 4; n++) offloader.offload("fails", {});
    await watched.events("failed", 4);
    // The list is made again when somebody acts.
    await page.getByRole("button", { name: "Renew threads" }).click();
    await page.locator("#letters li").nth(3).waitFor();
    await page
      .getByRole("button", { name: /^Retry fails/ })
      .first()
      .click();
    await watched.events("failed", 5);
    await page
      .getByRole("button", { name: /^Discard fails/ })
      .first()
      .click();
    await page.getByRole("heading", { name: "Discard this dead letter?" }).waitFor();
    await page.getByRole("button", { name: "Discard this task" }).click();
    await page.locator("#letter-count", { hasText: "3" }).waitFor();

    await page.getByRole("button", { name: "Discard all" }).click();
    await page.getByRole("heading", { name: "Discard 3 dead letters?" }).waitFor();
    // One more comes before the answer: what was confirmed is not what there is.
    offloader.offload("fails", {});
    await watched.events("failed", 6);
    await page.getByRole("button", { name: "Discard 3" }).click();
    await page.getByText("There are 4 now, and 3 were confirmed; nothing was done").waitFor();
    expect(await offloader.deadLetters.list()).toHaveLength(4);
  });

  it("offers no act to somebody who may only look", async () => {
    const { page, offloader } = await open1({}, "read");
    await offloader.run("add", { a: 1, b: 2 });
    await page.getByRole("rowheader", { name: "add" }).waitFor();
    expect(await page.locator(".act:visible, [data-do]:visible").count()).toBe(0);
  });

  it("closes its stream while nobody can see it", async () => {
    const { page, mount } = await open1();
    const closed = page.waitForEvent("requestfinished", (request) => request.url().endsWith("/events")).catch(() => {});
    const failed = page.waitForEvent("requestfailed", (request) => request.url().endsWith("/events")).catch(() => {});
    await setHidden(page, true);
    await Promise.race([closed, failed]);
    const again = page.waitForRequest((request) => request.url().endsWith("/events"));
    await setHidden(page, false);
    await again;
    await mount.offloader.run("add", { a: 1, b: 2 });
    await page.locator("#ok", { hasText: "1" }).waitFor();
  });

  it.each([
    ["wide", 1280, "light"],
    ["wide", 1280, "dark"],
    ["on a phone", 360, "light"],
    ["on a phone", 360, "dark"],
  ] as const)("%s, %i px, %s: fits, and axe finds nothing", async (_, width, colorScheme) => {
    const mount = await mounted(
      { access: () => "full" },
      { pool: { minThreads: 2, maxThreads: 2 }, journal: { dir: makeDirectory("axe") } },
    );
    const { offloader } = mount;
    await offloader.ready();
    await Promise.allSettled([
      offloader.run("fails", { message: "a ".repeat(200) }),
      offloader.run("add", { a: 1, b: 2 }),
    ]);
    const running = offloader.offload("listens", {});
    offloader.pause("echo");
    for (let n = 0; n < 20; n++) offloader.offload("echo", {});
    const { page, problems } = await open(mount, { viewport: { width, height: 780 }, colorScheme });
    await page.locator("#lines li").nth(11).waitFor();
    await page.locator("#letters li").waitFor();
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    expect(await findings(page)).toEqual([]);
    await page.locator("#failures button").first().click();
    await page.getByRole("dialog").waitFor();
    expect(await findings(page)).toEqual([]);
    expect(problems).toEqual([]);
    running.cancel();
    offloader.resume("echo");
  });

  it("can be used by keyboard, and a button keeps the focus while the page changes", async () => {
    const { page, offloader, mount } = await open1();
    const reader = await Reader.open(mount.port);
    onTestFinished(() => reader.close());
    await offloader.run("add", { a: 1, b: 2 });
    await page.getByRole("rowheader", { name: "add" }).waitFor();
    const labels: string[] = [];
    for (let n = 0; n < 6; n++) {
      await page.keyboard.press("Tab");
      labels.push(
        await page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"),
      );
    }
    expect(labels).toEqual(["Id of a task", "Find", "Pause", "Renew threads", "Pause add", expect.any(String)]);
    await page.getByRole("button", { name: "Pause add" }).focus();
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Resume add" }).waitFor();
    await reader.event("state", ({ tasks }) => (tasks as unknown[][])[0]?.[8] === true);
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe("Resume add");
  });

  it("shows the drain as it goes, its end, and the process after it", async () => {
    const { url, program } = await startShop();
    const { page, problems } = await openPage(browser, url);
    onTestFinished(() => page.close());
    await page.locator('body[data-status="live"]').waitFor();
    await page.locator("#threads .busy").first().waitFor();
    program.kill("SIGTERM");
    await page.getByRole("heading", { name: /^Waiting for \d+ tasks?$/ }).waitFor();
    await page.getByText(/^SIGTERM: It ends with the last of them, or at the deadline\.$/).waitFor();
    expect(await page.locator("#drain-left").textContent()).toMatch(/^\d+\.\d s$/);
    expect(await page.locator("#drain-tasks li").count()).toBeGreaterThan(0);
    expect(await findings(page)).toEqual([]);
    await page.getByRole("heading", { name: "Everything that was accepted has ended" }).waitFor();
    expect(await program.exited).toMatchObject({ code: 0 });
    await page.locator('body[data-status="bye"]').waitFor();
    expect(problems.filter((problem) => !problem.includes("ERR_"))).toEqual([]);

    const next = await startShop(new URL(url).port);
    expect(next.url).toBe(url);
    await page.locator('body[data-status="live"]').waitFor();
    expect(await page.locator("#drain").isVisible()).toBe(false);
  });
});

async function startShop(port = "0") {
  const program = await startProgram("scripts/picture/shop.ts", { args: ["2", "0", "12"], env: { PORT: port } });
  return { program, url: `${program.url}/` };
}

/** What axe finds, by rule and element. */
async function findings(page: Page): Promise<string[]> {
  // Through the protocol, because the page's own policy allows no script from elsewhere.
  await page.evaluate(axe.source);
  return page.evaluate(`axe.run({ resultTypes: ["violations"] }).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html)))`);
}

/** Chromium without a window is always visible. */
function setHidden(page: Page, hidden: boolean): Promise<unknown> {
  return page.evaluate(`
    Object.defineProperty(document, "hidden", { value: ${hidden}, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  `);
}
