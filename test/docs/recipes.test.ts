// docs/recipes.md: its recipes are one program. Each is asked over a real socket, and its work is there after SIGTERM.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startProgram } from "../support/process.js";
import { writeDocument } from "./documents.js";

const photo = path.join(import.meta.dirname, "../../examples/photos/chelsea.png");
const board = readFileSync(path.join(import.meta.dirname, "../../examples/grafana/dashboard.json"), "utf8");

describe("docs/recipes.md", () => {
  let project: { directory: string; remove(): Promise<void> };

  beforeAll(async () => {
    project = await writeDocument("recipes");
    appendFileSync(path.join(project.directory, "page/app.ts"), countsWritten);
  });
  afterAll(() => project.remove());

  it("does what each of its recipes says", async () => {
    const calls: (string | undefined)[] = [];
    const webhook = createServer((req, res) => {
      if (req.url === "/gone") return void res.writeHead(410).end();
      calls.push(req.headers["idempotency-key"] as string | undefined);
      // The first call fails, so that it is tried again.
      res.writeHead(calls.length === 1 ? 503 : 204).end();
    }).listen(0, "127.0.0.1");
    onTestFinished(() => void webhook.close());
    await new Promise((resolve) => webhook.once("listening", resolve));
    const hook = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/`;
    const out = path.join(project.directory, "out");
    mkdirSync(out);

    const server = await startProgram(path.join(project.directory, "page/app.ts"), { env: { OUT: out, PORT: "0" } });
    const post = async (to: string, body?: object): Promise<Response> =>
      await fetch(`${server.url}${to}`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify(body ?? {}),
      });
    const form = new FormData();
    form.append("photo", new Blob([readFileSync(photo)]), "chelsea.png");
    const statuses = [
      (await post("/sign-up", { email: "ada@example.com" })).status,
      (await post("/sign-up", {})).status,
      (await fetch(`${server.url}/photos`, { method: "POST", body: form })).status,
      (await post("/invoices/7")).status,
      (await post("/archives/all")).status,
      (await post("/orders", { webhook: hook })).status,
      (await post("/orders", { webhook: `${hook}gone` })).status,
    ];
    expect(statuses).toEqual([201, 400, 202, 202, 202, 201, 201]);
    const csv = await (await fetch(`${server.url}/orders.csv?year=2026`)).text();
    expect(csv.split("\n")).toHaveLength(1_001);
    expect(csv).toContain('"2026-1","Customer ""0""","0"');
    const { hash } = (await (await post("/passwords", { password: "secret" })).json()) as { hash: string };
    expect(hash).toMatch(/^[\w-]{22}\.[\w-]{43}$/);

    const scraped = await (await fetch(`${server.url}/metrics`)).text();
    const names = [...scraped.matchAll(/^# TYPE (\S+)/gm)].map(([, name = ""]) => name);
    const shown = [...board.matchAll(/after_response_\w+/g)].map(([name]) => name.replace(/_bucket$/, ""));
    expect(new Set(shown).size).toBeGreaterThan(7);
    expect(shown.filter((name) => !names.includes(name) && !name.startsWith("after_response_dead_letters"))).toEqual(
      [],
    );

    server.kill("SIGTERM");
    const { code, stdout, stderr } = await server.exited;
    expect(code, stderr + stdout).toBe(0);
    expect(stdout.match(/mail sent/g)).toHaveLength(1);
    const counts = JSON.parse(readFileSync(path.join(out, "counts.json"), "utf8"));
    expect(counts).toMatchObject({ "POST 201": 4, "POST 202": 3, "POST 400": 1 });
    // pino writes each line as JSON; the failure for good is one of them.
    const logged = [...stdout.matchAll(/^\{"level":50.*$/gm)].map(([line]) => JSON.parse(line));
    expect(logged).toContainEqual(
      expect.objectContaining({ task: "callWebhook", id: expect.any(String), pid: expect.any(Number) }),
    );
    // The first attempt of one webhook, and the only one of the other. Both threw in the thread, so the main thread is silent.
    const captured = [...stdout.matchAll(/^sentry (.*)$/gm)].map(([, event = ""]) => JSON.parse(event));
    const event = { onMain: false, tags: { task: "callWebhook" } };
    expect(captured).toHaveLength(2);
    expect(captured).toContainEqual(expect.objectContaining({ ...event, message: "the webhook answered 503" }));
    expect(captured).toContainEqual(expect.objectContaining({ ...event, message: "the webhook answered 410" }));
    const [id] = calls;
    expect(captured.map(({ contexts }) => contexts.offload)).toContainEqual({ id, attempt: 1 });
    expect(calls).toHaveLength(2);
    expect(new Set(calls).size).toBe(1);
    expect(readFileSync(path.join(out, "invoice-7.pdf"), "latin1")).toMatch(/^%PDF-/);
    expect(readFileSync(path.join(out, "all.zip"), "latin1")).toMatch(/^PK/);
    expect(readdirSync(out).filter((name) => name.endsWith(".webp"))).toHaveLength(2);
    expect(readdirSync(path.join(out, "uploads"))).toEqual([]);
  });

  it("reports to Sentry on the main thread what a thread cannot report", async () => {
    const file = path.join(project.directory, "page/timeout.ts");
    writeFileSync(file, timedOut);
    const { exited } = await startProgram(file, { ready: /^(started)$/m });
    const { stdout, stderr } = await exited;
    const [, event = ""] = /^sentry (.*)$/m.exec(stdout) ?? [];
    expect(JSON.parse(event), stderr).toMatchObject({
      onMain: true,
      code: "AR_TIMEOUT",
      tags: { task: "hashPassword" },
      contexts: { offload: { attempt: 1 } },
    });
  });
});

const countsWritten = `
import { writeFileSync } from "node:fs";
import { counts } from "./statistics.js";
process.on("exit", () => writeFileSync(process.env.OUT + "/counts.json", JSON.stringify(Object.fromEntries(counts))));
`;

const timedOut = `
import * as Sentry from "@sentry/node";
import { offloader } from "./offloader.js";
import { reportFailures } from "./report-failures.js";

reportFailures(offloader);
await offloader.ready();
console.log("started");
await offloader.run("hashPassword", { password: "secret" }, { timeout: 1 }).catch(() => undefined);
await Sentry.close();
await offloader.close();
`;
