// Tasks modules that cannot be loaded, and the kinds that can.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { Offloader } from "offload-after-response";
import { describe, expect, it } from "vitest";
import { rejection, thrownBy, watch } from "../../support/offloader.js";

/** Modules that cannot be loaded, and the error of `ready()`. */
const unloadable = [
  {
    how: "is missing",
    file: "missing.mjs",
    error: { code: "AR_TASKS_NOT_LOADABLE" },
    says: /does not exist: .*missing\.mjs/,
  },
  {
    how: "throws",
    file: "throws.mjs",
    error: { name: "TypeError", code: "E_DATABASE", host: "db1" },
    says: /^no database$/,
  },
  {
    how: "imports what is missing",
    file: "broken.mjs",
    error: { code: "ERR_MODULE_NOT_FOUND" },
    says: /a-package-that-is-not/,
  },
  {
    how: "exports no function",
    file: "nothing.mjs",
    error: { name: "TypeError" },
    says: /exports no function .*it exports version/,
  },
  { how: "exits", file: "exits.mjs", error: {}, says: /exited with code:? 3/ },
  { how: "leaves a rejection unhandled", file: "rejects.mjs", error: {}, says: /^nobody listens$/ },
  {
    how: "blocks at its top level",
    file: "blocks.mjs",
    error: {},
    says: /within pool\.startTimeout \(500 ms\)/,
    startTimeout: 500,
  },
  {
    how: "waits at its top level for ever",
    file: "waits.mjs",
    error: {},
    says: /within pool\.startTimeout \(500 ms\)/,
    startTimeout: 500,
  },
];

/** ES modules in a package of CommonJS. */
const takenForCommonJs = [
  { file: "tasks.js", code: "export const one = () => 1;", renamed: "tasks.mjs" },
  { file: "tasks.js", code: 'import "node:fs"; exports.one = () => 1;', renamed: "tasks.mjs" },
  { file: "tasks.js", code: "const one = await 1; exports.one = () => one;", renamed: "tasks.mjs" },
  { file: "tasks.js", code: "exports.one = () => import.meta.url;", renamed: "tasks.mjs" },
  { file: "tasks.cjs", code: "export const one = () => 1;", renamed: "tasks.mjs", by: "its name ends with .cjs" },
  { file: "tasks.ts", code: "export const one = (): number => 1;", renamed: "tasks.mts" },
];

describe("a tasks module", () => {
  for (const { how, file, error, says, startTimeout } of unloadable) {
    it(`that ${how} is recorded of by ready(), by every call, and by the end of what was accepted before`, async () => {
      const watched = started(file, { pool: { minThreads: 2, maxThreads: 2, startTimeout } });
      const { offloader } = watched;
      const before = offloader.offload("anything");

      const reason = await rejection(offloader.ready());
      expect(reason).toMatchObject(error);
      expect(reason.message).toMatch(says);

      const failure = await rejection(before.result());
      expect(failure).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
      expect(before.state).toBe("failed");
      expect(watched.ends(before.id)).toEqual(["failed"]);

      const refusal = thrownBy(() => offloader.offload("anything"));
      expect(refusal).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE", statusCode: 503, cause: reason });
      expect(refusal.message).toContain(reason.message);
      expect(await rejection(offloader.ready())).toBe(reason);
      await offloader.idle();
      expect(await offloader.close()).toMatchObject({ abandoned: [] });
    });
  }

  it.runIf(Boolean(Reflect.get(process.features, "typescript")))(
    "with TypeScript that Node does not run says how to run it",
    async () => {
      const folder = await mkdtemp(path.join(tmpdir(), "offload-after-response-enum-"));
      await writeFile(
        path.join(folder, "tasks.mts"),
        "export enum Size { Small }\nexport const one = () => Size.Small;\n",
      );
      const error = await rejection(watch(pathToFileURL(path.join(folder, "tasks.mts"))).offloader.ready());
      expect(error).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
      expect(error.message).toContain("pool: { execArgv: ['--import', 'tsx'] }");
      await rm(folder, { recursive: true });
    },
  );

  for (const { file, code, renamed, by } of takenForCommonJs) {
    // Older versions run TypeScript through tsx, which takes both.
    const runs = !file.endsWith(".ts") || Boolean(Reflect.get(process.features, "typescript"));
    it.runIf(runs)(
      `that is an ES module and taken for CommonJS is recorded of with what to do: ${file}, ${code}`,
      async () => {
        const folder = await mkdtemp(path.join(tmpdir(), "offload-after-response-commonjs-"));
        const description = path.join(folder, "package.json");
        await writeFile(description, JSON.stringify({ type: "commonjs" }));
        await writeFile(path.join(folder, file), code);
        const { offloader } = watch(pathToFileURL(path.join(folder, file)));
        const error = await rejection(offloader.ready());
        expect(error).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE", cause: { name: "SyntaxError" } });
        expect(error.message).toContain(`${path.join(folder, file)} is written as an ES module (`);
        expect(error.message).toContain(
          `Node reads it as CommonJS, because ${by ?? `${description} has "type": "commonjs"`}: `,
        );
        expect(error.message).toContain(`rename the file to ${renamed}`);
        expect(error.message.includes('set "type": "module" there')).toBe(by === undefined);
        expect(error.message.includes("tsx")).toBe(file.endsWith(".ts"));
        await rm(folder, { recursive: true });
      },
    );
  }

  it("that imports such a file is told of by the name of that file", async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "offload-after-response-commonjs-"));
    await writeFile(path.join(folder, "package.json"), JSON.stringify({ type: "commonjs" }));
    await writeFile(path.join(folder, "part.js"), "export const part = 1;\n");
    await writeFile(path.join(folder, "tasks.mjs"), 'import "./part.js";\nexport const one = () => 1;\n');
    const { offloader } = watch(pathToFileURL(path.join(folder, "tasks.mjs")));
    expect((await rejection(offloader.ready())).message).toContain(`${path.join(folder, "part.js")} is written as`);
    await rm(folder, { recursive: true });
  });

  it("with an error of syntax of another kind is told of in Node's own words", async () => {
    const { offloader } = watch(new URL("data:text/javascript,export const one = ;"));
    expect(await rejection(offloader.ready())).toMatchObject({ name: "SyntaxError", message: "Unexpected token ';'" });
  });

  it("that cannot be loaded fails the task that its first thread was started for", async () => {
    const { offloader } = started("throws.mjs", { pool: { minThreads: 0 } });
    expect(await rejection(offloader.run("anything"))).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
  });

  it("that cannot be loaded is tried once by each of the first threads, and not again", async () => {
    const { offloader, recorded } = started("throws.mjs", { pool: { minThreads: 1, maxThreads: 4 } });
    await rejection(offloader.ready());
    for (let i = 0; i < 5; i++) thrownBy(() => offloader.offload("anything"));
    expect(recorded.filter(({ event }) => event === "threadStarted")).toEqual([]);
    expect(offloader.stats().threads.total).toBe(0);
  });

  it("that exits fails what was accepted before, however many threads are tried for it", async () => {
    const watched = started("exits.mjs", { pool: { minThreads: 1, maxThreads: 2 } });
    const accepted = Array.from({ length: 20 }, () => watched.offloader.offload("anything"));
    for (const handle of accepted) {
      expect(await rejection(handle.result())).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
    }
    expect((await rejection(watched.offloader.ready())).message).toMatch(/exited with code 3/);
  });

  it("that could not be loaded for a reason that has passed is taken up again, by itself", async () => {
    const flag = path.join(await mkdtemp(path.join(tmpdir(), "offload-after-response-flag-")), "busy");
    await writeFile(flag, "");
    const module = `import fs from "node:fs"; if (fs.existsSync(${JSON.stringify(flag)})) process.exit(3); export const one = () => 1;`;
    const watched = watch(new URL(`data:text/javascript,${encodeURIComponent(module)}`), { pool: { maxThreads: 1 } });
    const { offloader } = watched;
    expect((await rejection(offloader.ready())).message).toMatch(/exited with code 3/);
    expect(thrownBy(() => offloader.offload("one"))).toMatchObject({ code: "AR_TASKS_NOT_LOADABLE" });
    await rm(path.dirname(flag), { recursive: true });
    await watched.event("threadStarted");
    expect(await offloader.run("one")).toBe(1);
    await offloader.ready();
  });

  it("that one of the first threads cannot load is loadable when another one can", async () => {
    const workerData = { starts: new Int32Array(new SharedArrayBuffer(8)) };
    const { offloader } = started("fails-first.mjs", { pool: { minThreads: 2, maxThreads: 2, workerData } });
    const accepted = offloader.offload("echo", 1);
    await offloader.ready();
    expect(await accepted.result()).toBe(1);
    expect(await offloader.run("echo", 2)).toBe(2);
    expect(offloader.stats().threads.total).toBe(2);
  });

  it("may be CommonJS, with exports that Node cannot foresee", async () => {
    const { offloader } = started("common.cjs");
    expect(await offloader.run("double", 4)).toBe(8);
    expect(await offloader.run("computed")).toBe("computed");
    expect(await rejection(offloader.run("failing"))).toBeInstanceOf(RangeError);
  });

  it("may be TypeScript, of which no JavaScript exists yet", async () => {
    const { offloader } = started("typed.js");
    expect(await offloader.run("total", { price: 3, count: 4 })).toBe(12);
  });

  it("may be TypeScript that needs tsx, by execArgv", async () => {
    const { offloader } = started("typed-parts.js", { pool: { execArgv: ["--import", "tsx"] } });
    expect(await offloader.run("halfOf", 8)).toBe(4);
  });

  it("may be a data URL", async () => {
    const { offloader } = watch(new URL("data:text/javascript,export const one = () => 1"));
    expect(await offloader.run("one")).toBe(1);
  });

  it("has as its tasks the functions that it exports by name, and no others", async () => {
    const { offloader } = started("mixed.mjs");
    await offloader.ready();
    expect(await offloader.run("later")).toBe("later");
    expect(await offloader.run("arrow")).toBe("arrow");
    for (const name of ["limit", "default", "unnamed", "toString", "constructor", "__proto__"]) {
      expect(thrownBy(() => offloader.offload(name))).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    }
  });
});

describe("the name of a task that does not exist", () => {
  it("is refused at the call, with the nearest one that does", async () => {
    const { offloader } = watch();
    await offloader.ready();
    expect(thrownBy(() => offloader.offload("ad")).message).toMatch(/no function "ad" \(did you mean add\?\)/);
  });

  it("fails its task with the same code where it was accepted before the names were known", async () => {
    const watched = watch();
    const handle = watched.offloader.offload("ad");
    const right = watched.offloader.run("add", { a: 1, b: 2 });
    expect(await rejection(handle.result())).toMatchObject({ code: "AR_UNKNOWN_TASK" });
    expect(watched.story(handle.id)).toEqual(["accepted", "queued", "failed"]);
    expect(await right).toBe(3);
  });

  it("is warned of in policies", async () => {
    const watched = watch("tasks.mjs", { policies: { ad: { attempts: 2 } } });
    await rejection(watched.offloader.ready());
    expect((await watched.line(/policies\.ad/)).message).toContain("did you mean add?");
  });
});

function started(file: string, options: Parameters<typeof watch>[1] = {}): ReturnType<typeof watch> {
  return watch(`modules/${file}`, options);
}

describe("what a tasks module exports", () => {
  it("may be a function named then: it is loaded like any other", async () => {
    const watched = watch("modules/thenable.mjs");
    expect(await watched.offloader.run("echo", 1)).toBe(1);
  });

  it("may be no generator function: it is refused by name", async () => {
    const watched = watch("modules/generator.mjs");
    const error = await rejection(watched.offloader.ready());
    expect(error.message).toMatch(/generator function walks/);
  });

  it("may be a class, which is no task", async () => {
    const watched = watch("modules/classy.mjs");
    await watched.offloader.ready();
    expect(thrownBy(() => watched.offloader.offload("NotFound"))).toMatchObject({ code: "AR_UNKNOWN_TASK" });
  });
});

describe("a module that cannot be loaded", () => {
  it("is logged once, although nobody awaits ready()", async () => {
    const watched = watch("missing.mjs", { pool: { minThreads: 2, maxThreads: 2 } });
    const line = await watched.line(/no task can run/);
    expect(line.level).toBe("error");
    expect(String(line.fields.err)).toContain("missing.mjs");
    await rejection(watched.offloader.ready());
    expect(watched.lines).toHaveLength(1);
  });

  it("makes the readiness probe answer 503 until it is loaded", async () => {
    const status = (offloader: Offloader): number => {
      let code = 200;
      const response = {
        writeHead(given: number) {
          code = given;
          return response;
        },
        setHeader: () => response,
        end: () => response,
        set statusCode(given: number) {
          code = given;
        },
      };
      const shutdown = offloader.shutdownOnSignals();
      shutdown.readiness({} as never, response as never);
      shutdown.uninstall();
      return code;
    };
    const { offloader } = watch("modules/classy.mjs");
    expect(status(offloader)).toBe(503);
    await offloader.ready();
    expect(status(offloader)).toBe(200);
    const missing = watch("missing.mjs");
    await rejection(missing.offloader.ready());
    expect(status(missing.offloader)).toBe(503);
    expect(status(watch("modules/classy.mjs", { pool: { minThreads: 0 } }).offloader)).toBe(200);
  });
});

describe("a policy for no task", () => {
  it("is refused by ready() outside of production, with the name that was meant", async () => {
    const watched = watch("modules/classy.mjs", { policies: { ecko: { timeout: 5 } } });
    const error = await rejection(watched.offloader.ready());
    expect(error).toMatchObject({ code: "AR_INVALID_OPTIONS", message: expect.stringContaining("did you mean echo?") });
    expect(await watched.offloader.run("echo", 1)).toBe(1);
  });
});

describe("an unknown name of a megabyte", () => {
  it("is refused at once, in a short message", async () => {
    const watched = watch("modules/classy.mjs");
    await watched.offloader.ready();
    const name = "x".repeat(2 ** 20);
    const begin = performance.now();
    const { message } = thrownBy(() => watched.offloader.offload(name));
    expect(performance.now() - begin).toBeLessThan(50);
    expect(message.length).toBeLessThan(300);
  });
});
