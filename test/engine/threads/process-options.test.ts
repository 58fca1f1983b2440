// The Node options of a process reach its threads, also where the tasks module is TypeScript. In real processes.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const library = pathToFileURL(path.join(import.meta.dirname, "../../../dist/index.js")).href;
// Within the project, where tsx is found.
const folder = mkdtempSync(path.join(import.meta.dirname, ".process-options-"));
const bare = mkdtempSync(path.join(tmpdir(), "offload-after-response-options-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(bare, { recursive: true });
});

const loader = `
import { register } from "node:module";
const hooks = \`export async function load(url, context, next) {
  if (!url.split("?")[0].endsWith(".ts")) return next(url, context);
  return { format: "module", source: "export const look = () => ({ own: true })", shortCircuit: true };
}\`;
register("data:text/javascript," + encodeURIComponent(hooks));
`;

beforeAll(() => {
  for (const place of [folder, bare]) {
    const write = (name: string, text: string) => writeFileSync(path.join(place, name), text);
    mkdirSync(path.join(place, "node_modules/conditional"), { recursive: true });
    const exports = { special: "./special.js", default: "./default.js" };
    write("package.json", '{ "type": "module" }');
    write("node_modules/conditional/package.json", JSON.stringify({ name: "conditional", type: "module", exports }));
    write("node_modules/conditional/special.js", 'export default "special";');
    write("node_modules/conditional/default.js", 'export default "default";');
    write("required.cjs", "globalThis.required = true;");
    write("imported.mjs", "globalThis.imported = true;");
    write("loader.mjs", loader);
    write(
      "tasks.ts",
      `import condition from "conditional";
const seen: object = { condition, required: globalThis.required, imported: globalThis.imported };
export const look = (): object => seen;`,
    );
    write(
      "app.mjs",
      `import { createOffloader } from ${JSON.stringify(library)};
const offloader = createOffloader({ tasks: new URL("./tasks.ts", import.meta.url), logger: false });
try {
  console.log(JSON.stringify(await offloader.run("look")));
} catch (error) {
  console.log(JSON.stringify({ message: error.message }));
}
await offloader.close();`,
    );
  }
});

async function look(place: string, ...options: string[]): Promise<Record<string, unknown>> {
  const { stdout } = await promisify(execFile)(process.execPath, [...options, "app.mjs"], { cwd: place });
  return JSON.parse(stdout);
}

describe("with a tasks module in TypeScript", { timeout: 30_000 }, () => {
  it("--conditions, --require and --import of the process reach the threads", async () => {
    const seen = await look(
      folder,
      "--conditions=special",
      "--require",
      "./required.cjs",
      "--import",
      "./imported.mjs",
    );
    expect(seen).toEqual({ condition: "special", required: true, imported: true });
  });

  it("a loader that the process has registered is kept", async () => {
    expect(await look(folder, "--import", "./loader.mjs")).toEqual({ own: true });
    expect(await look(bare, "--import", "./loader.mjs")).toEqual({ own: true });
  });

  it.runIf(!Reflect.get(process.features, "typescript"))(
    "the error says which options to give where nothing runs it",
    async () => {
      expect((await look(bare)).message).toMatch(/--import.*pool\.execArgv/);
      expect((await look(bare, "--import", "./imported.mjs")).message).toMatch(/--import.*pool\.execArgv/);
    },
  );
});
