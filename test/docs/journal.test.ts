// docs/journal.md: its program survives a kill as the page says, and its lists are those of the code.
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { reasonNumber, reasonOf } from "../../src/journal/format/format.js";
import { makeDirectory } from "../support/directory.js";
import { listen } from "../support/http.js";
import { startProgram } from "../support/process.js";
import { writeDocument } from "./documents.js";

let page = "";
let project: Awaited<ReturnType<typeof writeDocument>>;

beforeAll(async () => {
  project = await writeDocument("journal");
  page = project.page;
});
afterAll(() => project.remove());

describe("the program of docs/journal.md", () => {
  it("sends the receipt again after a kill -9, under the same key", { timeout: 30_000 }, async () => {
    const mail = createServer();
    const env = { PORT: "0", JOURNAL: makeDirectory(), MAIL_URL: `http://127.0.0.1:${await listen(mail)}` };
    const app = path.join(project.directory, "page/app.ts");

    const first = await startProgram(app, { env });
    const asked = once(mail, "request");
    const id = await (await fetch(first.url)).text();
    const [{ headers }] = (await asked) as [IncomingMessage];
    first.kill("SIGKILL");
    await first.exited;
    expect(headers["idempotency-key"]).toBe(id);

    const again = once(mail, "request");
    const second = await startProgram(app, { env });
    const [req, res] = (await again) as [IncomingMessage, ServerResponse];
    expect(req.headers["idempotency-key"]).toBe(id);
    res.end();
    second.kill("SIGTERM");
    expect((await second.exited).code).toBe(0);
  });
});

it("docs/journal.md shows the help of the command line", () => {
  const cli = path.join(import.meta.dirname, "../../dist/cli.cjs");
  const help = execFileSync(process.execPath, [cli, "--help"], { encoding: "utf8" });
  expect(page).toContain(`\`\`\`text\n${help}\`\`\``);
});

it("docs/journal.md has a row for every reason of a dead letter", () => {
  const section = page.split("\n## Dead letters\n")[1]?.split("\n## ")[0] ?? "";
  const documented = [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, reason]) => reason);
  const reasons = [];
  for (let number = reasonNumber("exhausted"); reasonOf(number) !== undefined; number++) reasons.push(reasonOf(number));
  // It is never written: that a file is damaged is found when it is read.
  expect(documented.toSorted()).toEqual([...reasons, "damaged"].toSorted());
});
