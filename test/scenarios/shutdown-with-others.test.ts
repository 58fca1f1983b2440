// The examples of close() as a part of somebody else's shutdown: each is run, and loses nothing.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { makeDirectory } from "../support/directory.js";
import { connect } from "../support/http.js";
import { startProgram } from "../support/process.js";

const examples = ["nestjs", "fastify", "terminus", "close-with-grace"];
const folder = makeDirectory("with");

it("there is a test for every example", () => {
  const files = readdirSync(path.join(import.meta.dirname, "../../examples/shutdown-with"));
  const programs = files.filter((file) => !["tasks.ts", "offloader.ts", "README.md"].includes(file));
  expect(programs.sort()).toEqual(examples.map((name) => `${name}.ts`).sort());
});

it.each(examples)("with %s every task is finished before the process exits", async (name) => {
  const notes = path.join(folder, name);
  const program = await startProgram(`examples/shutdown-with/${name}.ts`, { env: { NOTES: notes, PORT: "0" } });
  const client = await connect(program.port);
  const texts = Array.from({ length: 5 }, (_, i) => `note ${i}`);
  for (const text of texts) {
    client.received = "";
    client.request("POST", `/notes/${encodeURIComponent(text)}`, { "Content-Length": "0" });
    await client.waitFor(/202 Accepted.*\r\n\r\n/s);
  }
  client.socket.end();
  program.kill("SIGTERM");
  const { stderr } = await program.exited;
  expect(stderr).not.toMatch(/^\[offload-after-response\] (warn|error)/m);
  expect(readFileSync(notes, "utf8").trim().split("\n").sort()).toEqual(texts);
});
