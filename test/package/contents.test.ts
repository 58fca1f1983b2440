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
      // The names of chunks, declarations and documents are no promise.
      const varying = /^(dist\/chunk-\w+\.js(\.map)?|dist\/(src|workers)\/.+\.d\.ts|docs\/.+\.(md|svg|json))$/;
      expect(contents.filter((file) => !varying.test(file))).toEqual([
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "dist/after-response-runner.cjs",
        "dist/after-response-runner.cjs.map",
        "dist/cli.js",
        "dist/cli.js.map",
        "dist/index.js",
        "dist/index.js.map",
        "dist/worker.js",
        "dist/worker.js.map",
        "package.json",
      ]);
      const declared = ["dist/src/index.d.ts", "dist/workers/runner.d.ts", "dist/workers/worker.d.ts"];
      expect(contents).toEqual(expect.arrayContaining(["docs/errors.md", ...declared]));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("exports these names", () => {
    expect(Object.keys(main).sort()).toEqual(["NonRetryableError", "OffloadError", "createOffloader", "errorCodes"]);
    expect(Object.keys(worker).sort()).toEqual(["NonRetryableError", "onTeardown"]);
  });
});
