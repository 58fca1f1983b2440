// The sign-up server: the answer comes first, then the mails, the statistics and the projects.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { startProgram } from "../support/process.js";

let dataDir: string;

beforeEach(() => {
  dataDir = makeDirectory("signup");
});

it("answers before anything else begins, and does all of it before it ends", async () => {
  const program = await startProgram("test/examples/programs/signup.ts", { env: { DATA_DIR: dataDir } });
  const answer = await signUp(program.url, { email: "ada@example.org" });
  expect(answer.status).toBe(201);
  const user = (await answer.json()) as { id: string };
  program.kill("SIGTERM");

  const { code, stdout } = await program.exited;
  expect(code).toBe(0);
  const [listening, answered, ...begun] = stdout.trim().split("\n");
  expect([listening, answered]).toEqual([expect.stringMatching(/^listening /), "answered 201"]);
  expect(begun).toEqual(
    expect.arrayContaining([
      "began welcomeMail",
      "began signupStatistics",
      "began startDripCampaign",
      "began createExampleProjects",
    ]),
  );
  expect(await mailsIn(dataDir)).toEqual([
    ["ada@example.org", "How is it going?"],
    ["ada@example.org", "Three things to try first"],
    ["ada@example.org", "Welcome"],
    ["ada@example.org", "What others build"],
  ]);
  expect(await readdir(join(dataDir, "projects", user.id))).toHaveLength(3);
});

it("does nothing after a refusal but count the request", async () => {
  const program = await startProgram("examples/signup/main.ts", {
    env: { PORT: "0", DATA_DIR: dataDir },
    ready: /^Sign-up server on http:\/\/127\.0\.0\.1:(\d+)$/m,
  });
  expect((await signUp(program.url, { email: "nobody" })).status).toBe(400);
  expect((await signUp(program.url, {})).status).toBe(400);
  expect(await (await fetch(`${program.url}/statistics`)).json()).toEqual({ signups: 0, requests: 2 });
  program.kill("SIGTERM");
  expect(await program.exited).toMatchObject({ code: 0 });
  expect(await readdir(dataDir)).toEqual([]);
});

function signUp(url: string, body: object): Promise<Response> {
  const headers = { "Content-Type": "application/json" };
  return fetch(`${url}/signup`, { method: "POST", headers, body: JSON.stringify(body) });
}

/** To whom and about what, sorted. */
async function mailsIn(folder: string): Promise<string[][]> {
  const outbox = join(folder, "outbox");
  const files = await readdir(outbox);
  const mails = await Promise.all(files.map(async (file) => JSON.parse(await readFile(join(outbox, file), "utf8"))));
  return mails.map(({ to, subject }) => [to, subject]).sort();
}
