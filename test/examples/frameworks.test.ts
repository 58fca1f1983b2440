// One example for each framework, each a process: its task begins after its answer, and SIGTERM ends it well.
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:http2";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { type Program, startProgram } from "../support/process.js";

const folder = "examples/frameworks";
const heldAnswers = pathToFileURL(path.join(import.meta.dirname, "fixtures/held-answers.mjs")).href;
const examples = readdirSync(path.join(import.meta.dirname, "../..", folder)).filter((name) => name.endsWith(".ts"));

it("there is one for each framework that the library names", () => {
  expect(examples.map((name) => path.basename(name, ".ts"))).toEqual([
    "express-4",
    "express-5",
    "fastify",
    "hono",
    "koa",
    "nestjs",
    "node-http",
    "node-http2",
  ]);
});

describe.each(examples)("the example %s", (name) => {
  const file = `${folder}/${name}`;

  it("has less than 40 lines", () => {
    const text = readFileSync(path.join(import.meta.dirname, "../..", file), "utf8");
    expect(text.trimEnd().split("\n").length).toBeLessThan(40);
  });

  it("answers, then runs its tasks, with `res` and deep in a service, and ends on SIGTERM", async () => {
    const program = await startProgram(file, {
      env: { PORT: "0" },
      execArgv: ["--import", "tsx", "--import", heldAnswers],
      ipc: true,
    });
    const post = name === "node-http2.ts" ? postOverHttp2 : postOverHttp1;

    const held = post(program, "/photos/held");
    await program.waitFor(/^holding the answer to \/photos\/held$/m);
    // Dispatched later, answered sooner: its task runs while the other one waits for its answer.
    expect(await post(program, "/albums/trees")).toBe(202);
    await program.waitFor(/^made the thumbnail of the cover of trees$/m);
    expect(program.output).not.toContain("made the thumbnail of held");

    program.send("go on");
    expect(await held).toBe(202);
    await program.waitFor(/^made the thumbnail of held$/m);
    program.kill("SIGTERM");

    const { code, stdout, stderr } = await program.exited;
    expect(stderr).not.toMatch(/\] error: /);
    expect(code, stderr).toBe(0);
    const lines = stdout.split("\n");
    for (const [url, photo] of [
      ["/photos/held", "held"],
      ["/albums/trees", "the cover of trees"],
    ] as const) {
      // What comes after each response comes after it, in whatever order among themselves.
      const answered = lines.indexOf(`answered ${url}`);
      expect(answered).toBeGreaterThan(-1);
      expect(lines.indexOf(`made the thumbnail of ${photo}`)).toBeGreaterThan(answered);
      expect(lines.indexOf(`POST ${url} completed 202`)).toBeGreaterThan(answered);
    }
  });
});

async function postOverHttp1(program: Program, pathname: string): Promise<number> {
  const { status } = await fetch(program.url + pathname, { method: "POST" });
  return status;
}

async function postOverHttp2(program: Program, pathname: string): Promise<number> {
  const session = connect(program.url);
  try {
    const stream = session.request({ ":method": "POST", ":path": pathname });
    stream.end();
    const [headers] = await once(stream, "response");
    stream.resume();
    await once(stream, "close");
    return Number(headers[":status"]);
  } finally {
    session.close();
  }
}
