// What is published: the files of the tarball, and the names that the modules export.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import * as main from "after-response";
import * as worker from "after-response/worker";
import { describe, expect, it } from "vitest";
import { pack } from "./project.js";

describe("the published package", () => {
  it("contains the build, the declarations, the documents, and nothing else", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "after-response-pack-"));
    try {
      const { contents } = await pack(directory);
      // The names of the chunks and of the declarations are the build's affair.
      const stable = contents.filter((file) => !/^dist\/(chunk-\w+\.js(\.map)?|(src|workers)\/.+\.d\.ts)$/.test(file));
      expect(stable).toMatchSnapshot();
      expect(contents).toEqual(expect.arrayContaining(["dist/src/index.d.ts", "dist/workers/worker.d.ts"]));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("exports these names", () => {
    expect(Object.keys(main).sort()).toMatchSnapshot();
    expect(Object.keys(worker).sort()).toMatchSnapshot();
  });
});
