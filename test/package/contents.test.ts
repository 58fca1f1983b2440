// What is published: the files of the tarball, and the names that the modules export.
import { mkdtemp, rm } from "node:fs/promises";
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

beforeAll(async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "offload-after-response-pack-"));
  contents = (await pack(directory)).contents;
  await rm(directory, { recursive: true });
});

describe("the published package", () => {
  it("contains the build, the declarations, the documents, the examples without their photos, and nothing else", () => {
    // The names of chunks, declarations, documents and examples are no promise.
    const varying =
      /^(dist\/chunk-\w+\.js(\.map)?|dist\/(src|workers)\/.+\.d\.ts|docs\/.+\.(md|svg|json)|examples\/(?!photos).+)$/;
    expect(contents.filter((file) => !varying.test(file))).toEqual([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "dist/cli.js",
      "dist/cli.js.map",
      "dist/index.js",
      "dist/index.js.map",
      "dist/offload-after-response-runner.cjs",
      "dist/offload-after-response-runner.cjs.map",
      "dist/testing-jest.js",
      "dist/testing-jest.js.map",
      "dist/testing-vitest.js",
      "dist/testing-vitest.js.map",
      "dist/testing.js",
      "dist/testing.js.map",
      "dist/worker.js",
      "dist/worker.js.map",
      "package.json",
    ]);
    const declared = ["dist/src/index.d.ts", "dist/workers/runner.d.ts", "dist/workers/worker.d.ts"];
    expect(contents).toEqual(expect.arrayContaining(["docs/errors.md", "examples/deploy/app/server.js", ...declared]));
  });

  it("has what its documents link to, but for three places that are of use in a clone alone", () => {
    const missing = contents
      .filter((file) => file.endsWith(".md"))
      .flatMap((document) => linksOf(document).map((link) => targetOf(document, link)))
      .filter((target) => !contents.some((file) => file === target || file.startsWith(`${target}/`)));
    expect([...new Set(missing)].sort()).toEqual([
      "CONTRIBUTING.md",
      "bench/README.md",
      "test/deploy/npm-start.test.ts",
    ]);
  });

  it("exports these names", () => {
    expect(Object.keys(main).sort()).toEqual(["NonRetryableError", "OffloadError", "createOffloader", "errorCodes"]);
    expect(Object.keys(worker).sort()).toEqual(["NonRetryableError", "onTeardown"]);
    expect(Object.keys(testing).sort()).toEqual(["matchers", "testing"]);
    expect(Object.keys(vitest)).toEqual(["matchers"]);
    expect(Object.keys(jest)).toEqual(["matchers"]);
  });

  it("has nothing of the testing kit in a bundle of the main entry", async () => {
    const [ofMain, ofTesting] = await Promise.all(["index.js", "testing.js"].map(sourcesOf));
    expect(ofTesting).toContain("src/testing/kit.ts");
    expect(ofTesting).toContain("src/engine/inline/inline.ts");
    expect(ofMain).toContain("src/offloader.ts");
    expect(ofMain?.filter((file) => /^src\/(testing|engine\/inline)\//.test(file))).toEqual([]);
  });
});

/** The file or folder that a link leads to, from the root on. */
function targetOf(document: string, link: string): string {
  const [file = ""] = link.split("#");
  return file === "" ? document : path.join(path.dirname(document), decodeURI(file));
}

/** The source files whose code is in a bundle of an entry of dist/, by its source map. */
async function sourcesOf(entry: string): Promise<string[]> {
  const root = path.join(import.meta.dirname, "../..");
  const { outputFiles } = await build({
    entryPoints: [path.join(root, "dist", entry)],
    outfile: path.join(root, "dist", `bundled-${entry}`),
    bundle: true,
    write: false,
    sourcemap: "external",
    platform: "node",
    format: "esm",
    external: ["piscina"],
    logLevel: "silent",
  });
  const map = outputFiles.find(({ path }) => path.endsWith(".map"));
  const { sources }: { sources: string[] } = JSON.parse(map?.text ?? "{}");
  return sources.map((source) => path.posix.join("dist", source).replace(/^\.\.\//, ""));
}
