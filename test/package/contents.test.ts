// What is published: the files of the tarball, and the names that the modules export.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import * as main from "offload-after-response";
import * as bullmq from "offload-after-response/bullmq";
import * as page from "offload-after-response/dashboard";
import * as otel from "offload-after-response/otel";
import * as pgBoss from "offload-after-response/pg-boss";
import * as prometheus from "offload-after-response/prometheus";
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
  it("contains the build, the declarations, the documents, the alerts, and nothing else", () => {
    // The names of shared parts, documents and examples are no promise.
    const varying =
      /^(dist\/(?!(bullmq|pg-boss|cli|index|worker|esbuild|webpack|dashboard|otel|prometheus|testing|offload-)[a-z-]*\.)[a-z-]+(\.d)?\.c[jt]s|dist\/[a-z-]+-(core|link)\.cjs|docs\/.+\.(md|svg)|examples\/prometheus\/.+)$/;
    expect(contents.filter((file) => !varying.test(file))).toEqual([
      "AGENTS.md",
      "LICENSE",
      "README.md",
      "dist/bullmq.cjs",
      "dist/bullmq.d.cts",
      "dist/bullmq.d.ts",
      "dist/bullmq.js",
      "dist/cli.cjs",
      "dist/dashboard.cjs",
      "dist/dashboard.d.cts",
      "dist/dashboard.d.ts",
      "dist/dashboard.js",
      "dist/esbuild.cjs",
      "dist/esbuild.d.cts",
      "dist/esbuild.d.ts",
      "dist/esbuild.js",
      "dist/index.cjs",
      "dist/index.d.cts",
      "dist/index.d.ts",
      "dist/index.js",
      "dist/offload-after-response-bullmq.cjs",
      "dist/offload-after-response-engine.cjs",
      "dist/offload-after-response-pg-boss.cjs",
      "dist/offload-after-response-piscina.cjs",
      "dist/offload-after-response-runner.cjs",
      "dist/otel.cjs",
      "dist/otel.d.cts",
      "dist/otel.d.ts",
      "dist/otel.js",
      "dist/pg-boss.cjs",
      "dist/pg-boss.d.cts",
      "dist/pg-boss.d.ts",
      "dist/pg-boss.js",
      "dist/prometheus.cjs",
      "dist/prometheus.d.cts",
      "dist/prometheus.d.ts",
      "dist/prometheus.js",
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
    expect(contents).toEqual(expect.arrayContaining(["docs/errors.md", "examples/prometheus/alerts.yml"]));
  });

  it("has what its documents link to, but for what is of use in a clone alone", () => {
    const missing = contents
      .filter((file) => file.endsWith(".md"))
      .flatMap((document) => linksOf(document).map((link) => targetOf(document, link)))
      .filter((target) => !contents.some((file) => file === target || file.startsWith(`${target}/`)))
      // The examples are programs to be run in a clone, and the pages of the platforms explain them.
      .filter((target) => !/^(examples|docs\/deploy)(\/|$)/.test(target));
    expect([...new Set(missing)].sort()).toEqual([
      "CHANGELOG.md",
      "CONTRIBUTING.md",
      "docs/at-3-am.md",
      "docs/coming-from.md",
      "docs/events.md",
      "docs/glossary.md",
      "docs/images/dashboard.webp",
      "docs/images/problem-and-cure.svg",
      "docs/images/timeline.svg",
      "docs/is-it-worth-it.md",
      "docs/journal-format.md",
      "docs/life-of-a-task.md",
      "docs/performance.md",
      "docs/production-checklist.md",
      "docs/recipes.md",
      "docs/states.md",
    ]);
  });

  // Documents of the project itself, examples that a clone alone can run, and the names of local variables are left out: 60 kB.
  it("is at most 300 kB packed, and needs no source maps", () => {
    expect(size).toBeLessThanOrEqual(300_000);
    expect(contents.filter((file) => file.endsWith(".map"))).toEqual([]);
  });

  it("shows the names of its functions in stacks, and a line for each statement", () => {
    const options = { tasks: "tasks.js", unknown: true } as never;
    const stack = expect.stringMatching(/at resolveOptions \(.+core\.cjs:\d+:\d{1,2}\)/);
    expect(() => main.createOffloader(options)).toThrow(expect.objectContaining({ stack }));
    const code = readFileSync(path.join(import.meta.dirname, "../../dist/core.cjs"), "utf8");
    // A private method.
    expect(code).toMatch(/^#keepAside\(/m);
  });

  it("names the file of the threads in a form that tracers of files know", () => {
    // Next.js left it out of its standalone output where the form was another one: node:path has to come by require().
    const link = readFileSync(path.join(import.meta.dirname, "../../dist/index-link.cjs"), "utf8");
    expect(link).toContain('require("node:path").join(__dirname, "offload-after-response-runner.cjs")');
  });

  it("is one library for import and require", () => {
    const require = createRequire(import.meta.url);
    for (const [name, imported] of Object.entries({
      "offload-after-response": main,
      "offload-after-response/worker": worker,
      "offload-after-response/bullmq": bullmq,
      "offload-after-response/pg-boss": pgBoss,
      "offload-after-response/otel": otel,
      "offload-after-response/prometheus": prometheus,
      "offload-after-response/dashboard": page,
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
    expect(Object.keys(bullmq)).toEqual(["bullmq"]);
    expect(Object.keys(pgBoss)).toEqual(["pgBoss"]);
    expect(Object.keys(otel).sort()).toEqual(["OffloadInstrumentation", "offloadMetrics"]);
    expect(Object.keys(prometheus).sort()).toEqual(["prometheus", "prometheusMetrics"]);
    expect(Object.keys(testing).sort()).toEqual(["matchers", "testing"]);
    expect(Object.keys(page)).toEqual(["dashboard"]);
    expect(Object.keys(vitest)).toEqual(["matchers"]);
    expect(Object.keys(jest)).toEqual(["matchers"]);
  });

  it("has nothing of the testing kit and of the page in a bundle of the main entry", async () => {
    const [ofMain, ofTesting, ofPage] = await Promise.all(["index.js", "testing.js", "dashboard.js"].map(bundleOf));
    expect(ofPage).toContain("x-after-response");
    expect(ofMain).not.toContain("x-after-response");
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
