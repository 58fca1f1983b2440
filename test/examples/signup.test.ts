// The sign-up server: the answer comes first, the mails, the statistics and the projects after it.
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startProgram } from "../support/process.js";

const dataDir = await mkdtemp(join(tmpdir(), "signup-"));
vi.stubEnv("DATA_DIR", dataDir);
const { app } = await import("../../examples/signup/app.js");
const { offloader } = await import("../../examples/signup/offloader.js");

const order: string[] = [];
const server = createServer((req, res) => {
  res.once("finish", () => order.push(`${req.method} ${req.url} answered ${res.statusCode}`));
  app(req, res);
});
let url = "";

beforeAll(async () => {
  await offloader.ready();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await offloader.close();
  await rm(dataDir, { recursive: true });
});

it("answers before anything else begins, then does all of it", async () => {
  offloader.on("started", ({ task }) => order.push(task));
  const answer = await signUp({ email: "ada@example.org" });
  expect(answer.status).toBe(201);
  const user = (await answer.json()) as { id: string };
  await offloader.idle();

  expect(order[0]).toBe("POST /signup answered 201");
  expect(order.slice(1)).toEqual(
    expect.arrayContaining(["welcomeMail", "signupStatistics", "startDripCampaign", "createExampleProjects"]),
  );
  expect(await mailsTo("ada@example.org")).toEqual([
    "How is it going?",
    "Three things to try first",
    "Welcome",
    "What others build",
  ]);
  expect(await readdir(join(dataDir, "projects", user.id))).toHaveLength(3);
  // The request for the statistics is counted after its own answer.
  expect(await (await fetch(`${url}/statistics`)).json()).toEqual({ signups: 1, requests: 1 });
});

it("does nothing after a refusal but count the request", async () => {
  expect((await signUp({ email: "nobody" })).status).toBe(400);
  expect((await signUp({ email: "ada@example.org" })).status).toBe(400);
  await offloader.idle();
  expect(offloader.stats().tasks.startDripCampaign).toMatchObject({ succeeded: 1, skipped: 0 });
  expect(await (await fetch(`${url}/statistics`)).json()).toEqual({ signups: 1, requests: 4 });
});

it("finishes what it has accepted when it is told to end", async () => {
  const program = await startProgram("examples/signup/main.ts", {
    env: { PORT: "0", DATA_DIR: dataDir },
    ready: /^Sign-up server on http:\/\/127\.0\.0\.1:(\d+)$/m,
  });
  url = program.url;
  expect((await signUp({ email: "grace@example.org" })).status).toBe(201);
  program.kill("SIGTERM");
  expect(await program.exited).toMatchObject({ code: 0 });
  expect(await mailsTo("grace@example.org")).toHaveLength(4);
});

function signUp(body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(`${url}/signup`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** The subjects of the mails in the outbox, sorted. */
async function mailsTo(address: string): Promise<string[]> {
  const outbox = join(dataDir, "outbox");
  const files = await readdir(outbox);
  const mails = await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(outbox, file), "utf8"))));
  return mails
    .filter(({ to }) => to === address)
    .map(({ subject }) => subject)
    .sort();
}
