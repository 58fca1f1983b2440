// The quick start of the README is a program: its files compile, and its request is answered, its task done.
//
// Files are the code blocks of "Install" and "Quick start" that begin with a comment with their path; the last one is
// the program. The request is the line there that begins with `curl`.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pack } from "../package/project.js";
import { startProgram } from "../support/process.js";

const root = path.join(import.meta.dirname, "../..");

describe("the quick start of the README", () => {
  let section: string;
  let files: { name: string; text: string }[];
  let project: string;

  beforeAll(async () => {
    const readme = await readFile(path.join(root, "README.md"), "utf8");
    section = sectionsOf(readme);
    files = [...section.matchAll(/^```[tj]s\n\/\/ (\S+)[^\n]*\n([\s\S]*?)^```$/gm)].map(([, name = "", text = ""]) => {
      return { name, text };
    });
    project = await realpath(await mkdtemp(path.join(tmpdir(), "offload-after-response-quick-start-")));
    await writeProject(project, files);
  });
  afterAll(() => rm(project, { recursive: true, force: true }));

  it("installs the tarball that npm pack makes", async () => {
    const { name, version } = JSON.parse(await readFile(path.join(root, "package.json"), "utf8"));
    expect(/^npm install (\S+)/m.exec(section)?.[1]).toBe(`../${name}/${name}-${version}.tgz`);
  });

  it("has about 20 lines of code", () => {
    const lines = files.flatMap(({ text }) => text.split("\n")).filter((line) => line.trim() !== "");
    expect(files.length).toBeGreaterThan(1);
    expect(lines.length).toBeLessThanOrEqual(30);
  });

  it("compiles", async () => {
    const compiled = await promisify(execFile)(process.execPath, [path.join(root, "node_modules/typescript/bin/tsc")], {
      cwd: project,
    }).catch((error: { stdout: string }) => error);
    expect(compiled.stdout).toBe("");
  });

  it("answers its request, runs its task, and ends on SIGTERM", async () => {
    const main = path.join(project, files.at(-1)?.name ?? "");
    const preload = pathToFileURL(path.join(import.meta.dirname, "fixtures/any-port.mjs")).href;
    const program = await startProgram(main, { cwd: project, execArgv: ["--import", "tsx", "--import", preload] });
    const { url, init } = await request(section, program.port);
    const response = await fetch(url, init);
    expect(response.status, program.output).toBe(202);
    program.kill("SIGTERM");
    const { code, stdout, stderr } = await program.exited;
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringMatching(/\] error: |[1-9] failed/) });
    // The task of the quick start writes a line, so that whoever tries it sees it work.
    expect(stdout + stderr).toMatch(/optimi[sz]ed/);
  });
});

describe("the quick start of the README, line by line in an empty folder", () => {
  it("compiles with what tsc --init writes, on the packed package", { timeout: 120_000 }, async () => {
    const readme = await readFile(path.join(root, "README.md"), "utf8");
    const section = sectionsOf(readme);
    const [, script = ""] = /^```sh\n([\s\S]*?)^```$/m.exec(section) ?? [];
    const folder = await realpath(await mkdtemp(path.join(tmpdir(), "offload-after-response-literally-")));
    const bin = path.join(root, "node_modules/.bin");
    const shell = (line: string) =>
      promisify(execFile)("sh", ["-c", line], {
        cwd: folder,
        env: { ...process.env, PATH: `${bin}${path.delimiter}${process.env.PATH}` },
      });
    try {
      const { file } = await pack(folder);
      // All but the clone's own line, and the folder itself.
      for (const line of script.split("\n").filter((text) => /^np[mx] /.test(text) && !text.includes("npm pack"))) {
        if (line.startsWith("npm install -D")) await link(folder, line.split(" ").slice(3));
        else if (line.startsWith("npm install")) {
          await shell(`npm install --prefer-offline --no-audit --no-fund ${file}`);
          await link(folder, line.split(" ").slice(3));
        } else await shell(line.replace("npx tsc", "tsc"));
      }
      for (const [, name = "", text = ""] of section.matchAll(/^```[tj]s\n\/\/ (\S+)[^\n]*\n([\s\S]*?)^```$/gm)) {
        await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
        await writeFile(path.join(folder, name), text);
      }
      const { stdout } = await shell("tsc --noEmit").catch((error: { stdout: string }) => error);
      expect(stdout).toBe("");
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** The sections "Install" and "Quick start". */
function sectionsOf(readme: string): string {
  return /^## Install$([\s\S]*?)(?=^## Dispatching$)/m.exec(readme)?.[1] ?? "";
}

/** What `npm install` would bring of these packages: the installed ones, with the types that they use. */
async function link(folder: string, names: readonly string[]): Promise<void> {
  const modules = path.join(folder, "node_modules");
  await mkdir(path.join(modules, "@types"), { recursive: true });
  for (const name of names) {
    const target = path.join(modules, name);
    if (!existsSync(target)) await symlink(path.join(root, "node_modules", name), target);
  }
}

/** Writes the files, and makes every package they may import reachable. */
async function writeProject(project: string, files: readonly { name: string; text: string }[]): Promise<void> {
  for (const { name, text } of files) {
    await mkdir(path.dirname(path.join(project, name)), { recursive: true });
    await writeFile(path.join(project, name), text);
  }
  const packages = files.flatMap(({ text }) =>
    [...text.matchAll(/from "([^.":][^":]*)"/g)].map(([, name = ""]) => name),
  );
  await mkdir(path.join(project, "node_modules"));
  await symlink(root, path.join(project, "node_modules/offload-after-response"));
  for (const name of new Set(["tsx", "@types", ...packages])) {
    const target = path.join(root, "node_modules", name);
    const link = path.join(project, "node_modules", name);
    if (existsSync(target) && !existsSync(link)) await symlink(target, link);
  }
  const compilerOptions = { module: "NodeNext", target: "ES2022", strict: true, noEmit: true, types: ["node"] };
  await writeFile(
    path.join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...compilerOptions, skipLibCheck: true } }),
  );
  await writeFile(path.join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
}

/** The request that the section's curl line makes, sent to another port; file names in it count from the root on. */
async function request(section: string, port: number): Promise<{ url: string; init: RequestInit }> {
  const line = /^\$? ?curl (.+)$/m.exec(section)?.[1] ?? "";
  const pathname = /http:\/\/localhost:\d+(\/\S*)/.exec(line)?.[1] ?? "/";
  const method = /-X (\w+)/.exec(line)?.[1];
  const file = /--data-binary @(\S+)/.exec(line)?.[1];
  const data = /(?:--json|-d) '([^']*)'/.exec(line)?.[1];
  const body = file === undefined ? data : await readFile(path.join(root, file));
  const headers = line.includes("--json") ? { "content-type": "application/json" } : undefined;
  return {
    url: `http://127.0.0.1:${port}${pathname}`,
    init: {
      method: method ?? (body === undefined ? "GET" : "POST"),
      ...(body && { body }),
      ...(headers && { headers }),
    },
  };
}
