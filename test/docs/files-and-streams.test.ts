// docs/files-and-streams.md: each of its servers is given 20 uploads over real sockets, and each file is there for its task.
import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startProgram } from "../support/process.js";
import { writeDocument } from "./documents.js";

const uploads = 20;
const size = 200_000;

// The page's servers are modules that export `app`. This program starts one and prints how its tasks ended.
const program = `
import { offloader } from "./offloader.js";
const { app } = await import(process.argv[2]);
offloader.on("succeeded", ({ id }) => console.log("succeeded", id));
offloader.on("failed", ({ id, error }) => console.log("failed", id, error.message));
const server = app.server ?? (await import("node:http")).createServer(app);
await app.ready?.();
offloader.shutdownOnSignals(server);
server.listen(0, "127.0.0.1", () => console.log("listening", server.address().port));
`;

describe("docs/files-and-streams.md", () => {
  let project: { directory: string; remove(): Promise<void> };

  beforeAll(async () => {
    project = await writeDocument("files-and-streams");
    await writeFile(path.join(project.directory, "page/start.ts"), program);
  });
  afterAll(() => project.remove());

  for (const name of ["multer", "formidable", "busboy", "fastify", "memory"]) {
    it(`${name}: all of ${uploads} uploaded files are there for their tasks, and none is left`, async () => {
      const server = await startProgram(path.join(project.directory, "page/start.ts"), { args: [`./${name}.js`] });
      const answers = await Promise.all(
        Array.from({ length: uploads }, async (_, index) => {
          const form = new FormData();
          form.append("photo", new Blob([new Uint8Array(size).fill(index)]), `photo-${index}.jpg`);
          return (await fetch(server.url, { method: "POST", body: form })).status;
        }),
      );
      expect(answers).toEqual(Array.from({ length: uploads }, () => 202));
      server.kill("SIGTERM");
      const { code, stdout, stderr } = await server.exited;
      expect(code, stderr).toBe(0);
      expect(stdout).not.toContain("failed");
      expect(stdout.match(/^succeeded /gm)).toHaveLength(uploads);
      expect(await readdir(path.join(project.directory, "page/uploads"))).toEqual([]);
    });
  }

  it("a file that is too large is refused, dispatches nothing, and leaves no file", async () => {
    const tooLarge = new Blob([new Uint8Array(20_000_001)]);
    for (const name of ["multer", "formidable", "busboy", "fastify"]) {
      const server = await startProgram(path.join(project.directory, "page/start.ts"), { args: [`./${name}.js`] });
      const form = new FormData();
      form.append("photo", tooLarge, "photo.jpg");
      const { status } = await fetch(server.url, { method: "POST", body: form });
      expect([name, status >= 400]).toEqual([name, true]);
      server.kill("SIGTERM");
      const { code, stdout } = await server.exited;
      expect([name, code, stdout.includes("succeeded")]).toEqual([name, 0, false]);
      expect([name, await readdir(path.join(project.directory, "page/uploads"))]).toEqual([name, []]);
    }
  });

  it("a form without a file is answered with 400, and leaves no file", async () => {
    for (const name of ["multer", "formidable", "busboy", "fastify", "memory"]) {
      const server = await startProgram(path.join(project.directory, "page/start.ts"), { args: [`./${name}.js`] });
      const form = new FormData();
      form.append("name", "no photo");
      expect([name, (await fetch(server.url, { method: "POST", body: form })).status]).toEqual([name, 400]);
      server.kill("SIGTERM");
      expect((await server.exited).code).toBe(0);
    }
    expect(await readdir(path.join(project.directory, "page/uploads"))).toEqual([]);
  });
});
