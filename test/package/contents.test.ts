// What is published: the files of the tarball, and the names that the modules export.
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import * as main from "offload-after-response";
import * as testing from "offload-after-response/testing";
import * as jest from "offload-after-response/testing/jest";
import * as vitest from "offload-after-response/testing/vitest";
import * as worker from "offload-after-response/worker";
import { beforeAll, describe, expect, it } from "vitest";
import { linksOf } from "../docs/links.js";
import { pack } from "./project.js";

let contents: readonly string[] = [];
let size = Number.NaN;

beforeAll(async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "offload-after-response-pack-"));
  ({ contents, size } = await pack(directory));
  await rm(directory, { recursive: true });
});

describe("the published package", () => {
  it("contains the build, the declarations, the documents, the examples without their photos, and nothing else", () => {
    // The names of shared parts, documents and examples are no promise.
    const varying =
      /^(dist\/(content|contract|files|journal|matchers|no-store|non-retryable|option-rules|rolldown-runtime|shared|task|task-context|to-wire|wire-form|[a-z-]+-(core|link))(\.d)?\.c[jt]s|docs\/.+\.(md|svg)|examples\/(?!photos).+)$/;
    expect(contents.filter((file) => !varying.test(file))).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist/cli.cjs",
      "dist/esbuild.cjs",
      "dist/esbuild.d.cts",
      "dist/esbuild.d.ts",
      "dist/esbuild.js",
      "dist/index.cjs",
      "dist/index.d.cts",
      "dist/index.d.ts",
      "dist/index.js",
      "dist/offload-after-response-engine.cjs",
      "dist/offload-after-response-piscina.cjs",
      "dist/offload-after-response-runner.cjs",
      "dist/testing-jest.cjs",
      "dist/testing-jest.d.cts",
      "dist/testing-jest.d.ts",
      "dist/testing-jest.js",
      "dist/testing-vitest.cjs",
      "dist/testing-vitest.d.cts",
      "dist/testing-vitest.d.ts",
      "dist/testing-vitest.js",
      "dist/testing.cjs",
      "dist/testing.d.cts",
      "dist/testing.d.ts",
      "dist/testing.js",
      "dist/webpack.cjs",
      "dist/webpack.d.cts",
      "dist/webpack.d.ts",
      "dist/webpack.js",
      "dist/worker.cjs",
      "dist/worker.d.cts",
      "dist/worker.d.ts",
      "dist/worker.js",
      "package.json",
    ]);
    expect(contents).toEqual(expect.arrayContaining(["docs/errors.md", "examples/deploy/app/server.js"]));
  });

  it("has what its documents link to, but for what is of use in a clone alone", () => {
    const missing = contents
      .filter((file) => file.endsWith(".md"))
      .flatMap((document) => linksOf(document).map((link) => targetOf(document, link)))
      .filter((target) => !contents.some((file) => file === target || file.startsWith(`${target}/`)));
    expect([...new Set(missing)].sort()).toEqual([
      "CONTRIBUTING.md",
      "docs/coming-from.md",
      "docs/glossary.md",
      "docs/journal-format.md",
      "docs/life-of-a-task.md",
      "docs/performance.md",
      "docs/performance/latency.svg",
      "docs/performance/pool-throughput.svg",
      "test/deploy/npm-start.test.ts",
    ]);
  });

  it("is at most 300 kB packed, and needs no source maps", () => {
    expect(size).toBeLessThanOrEqual(300_000);
    expect(contents.filter((file) => file.endsWith(".map"))).toEqual([]);
  });

  it("is one library for import and require", () => {
    const require = createRequire(import.meta.url);
    for (const [name, imported] of Object.entries({
      "offload-after-response": main,
      "offload-after-response/worker": worker,
      "offload-after-response/testing": testing,
      "offload-after-response/testing/vitest": vitest,
      "offload-after-response/testing/jest": jest,
    })) {
      expect({ ...require(name) }).toEqual({ ...imported });
    }
  });

  it("exports these names", () => {
    expect(Object.keys(main).sort()).toEqual(["NonRetryableError", "OffloadError", "createOffloader", "errorCodes"]);
    expect(Object.keys(worker).sort()).toEqual(["NonRetryableError", "aroundTask", "onTeardown"]);
    expect(Object.keys(testing).sort()).toEqual(["matchers", "testing"]);
    expect(Object.keys(vitest)).toEqual(["matchers"]);
    expect(Object.keys(jest)).toEqual(["matchers"]);
  });

  it("has nothing of the testing kit in a bundle of the main entry", async () => {
    const [ofMain, ofTesting] = await Promise.all(["index.js", "testing.js"].map(bundleOf));
    for (const name of ["ThreadsEngine", "Ledger"]) expect(ofMain).toContain(name);
    for (const name of ["KitEngine", "InlineTasks"]) {
      expect(ofTesting).toContain(name);
      expect(ofMain).not.toContain(name);
    }
  });
});

/** The file or folder that a link leads to, from the root on. */
function targetOf(document: string, link: string): string {
  const [file = ""] = link.split("#");
  return file === "" ? document : path.join(path.dirname(document), decodeURI(file));
}

/** The code of a bundle of an entry of dist/. */
async function bundleOf(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(import.meta.dirname, "../../dist", entry)],
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    external: ["piscina"],
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
