// A real Chromium for tests of pages. Without one they are skipped, loudly; OFFLOAD_REQUIRE_CHROMIUM=1 forbids that.
import { existsSync } from "node:fs";
import { type Browser, chromium, type Page } from "playwright-core";

const places = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const executablePath = places.find((path) => path !== undefined && existsSync(path));
const required = process.env.OFFLOAD_REQUIRE_CHROMIUM === "1";

const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

/**
 * Whether the tests have to be skipped.
 *
 * @param what is not tested then, for the one loud line
 */
export function skipWithoutChromium(what: string): boolean {
  const skip = executablePath === undefined && !required;
  if (skip) console.warn(`SKIPPED: the tests of ${what} found no Chromium; CHROMIUM_PATH says where it is`);
  return skip;
}

export function launchChromium(): Promise<Browser> {
  if (executablePath === undefined) throw new Error("no Chromium; CHROMIUM_PATH says where it is");
  return chromium.launch({ executablePath, args: [...args, "--disable-component-update", "--disable-sync"] });
}

export interface OpenedPage {
  readonly page: Page;
  /** Errors in its console, exceptions, and requests to anywhere but its server. */
  readonly problems: string[];
}

/** A new page whose problems are written down, at `url`. */
export async function openPage(
  browser: Browser,
  url: string,
  options: Parameters<Browser["newPage"]>[0] = {},
): Promise<OpenedPage> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  // The test's own bound decides.
  page.setDefaultTimeout(0);
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith("data:"))
      problems.push(request.url());
  });
  await page.goto(url);
  return { page, problems };
}
