// What stands between a signal and the program: npm and its shell, or nothing; and what PID 1 of a container does of its own.
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Program, type ProgramOptions, startProgram } from "../support/process.js";
import { appFolder } from "./deployed.js";

const onLinux = process.platform === "linux";
const asRoot = onLinux && process.getuid?.() === 0;
const namespace = ["unshare", "--pid", "--fork", "--kill-child"];
const programs = path.join(import.meta.dirname, "programs");

/** Starts `npm start` in the folder of the program, with this shell between npm and node. */
function startByNpm(shell: string, options: ProgramOptions = {}): Promise<Program> {
  const npm = realpathSync(execFileSync("which", ["npm"], { encoding: "utf8" }).trim());
  return startProgram(npm, {
    ...options,
    args: ["start"],
    execArgv: [],
    cwd: appFolder,
    env: { PORT: "0", DRAIN_DELAY_MS: "0", PLATFORM_GRACE_MS: "60000", npm_config_script_shell: shell },
  });
}

/** The only child of a process. */
function childOf(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  expect(children).toEqual([expect.stringMatching(/^\d+$/)]);
  return Number(children[0]);
}

async function order(program: Program): Promise<void> {
  const { status } = await fetch(`${program.url}/orders/4711`, { method: "POST" });
  expect(status).toBe(202);
}

const shells = spawnSync("which", ["-a", "dash", "bash"], { encoding: "utf8" }).stdout ?? "";

describe.runIf(onLinux && shells.includes("dash"))("npm start with the shell of Debian's images", () => {
  it("passes SIGTERM to the shell and leaves; the program is never told", async () => {
    const npm = await startByNpm("dash");
    const program = childOf(childOf(npm.pid));
    onTestFinished(() => void process.kill(program, "SIGKILL"));
    await order(npm);
    npm.kill("SIGTERM");
    expect(await once(npm.child, "exit")).toEqual([null, "SIGTERM"]);
    // An orphan by now, and none the wiser: it still calls itself ready.
    expect((await fetch(`${npm.url}/readyz`)).status).toBe(200);
    expect(npm.output).not.toContain("shutdown");
  });

  it.runIf(asRoot)("as PID 1 takes the program down with it, and the accepted task is lost", async () => {
    const npm = await startByNpm("dash", { wrapper: namespace });
    await order(npm);
    process.kill(childOf(npm.pid), "SIGTERM");
    const { code, stdout, stderr } = await npm.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/npm (error|ERR!) signal SIGTERM/);
    expect(stdout).not.toContain("receipt written");
    expect(stderr).not.toContain("shutdown leaving");
  });
});

describe.runIf(onLinux && shells.includes("bash"))("npm start with bash", () => {
  it("is no hindrance, for bash makes itself the program: which of the two it is depends on the image", async () => {
    const npm = await startByNpm("bash");
    await order(npm);
    npm.kill("SIGTERM");
    const { code, stdout } = await npm.exited;
    expect(code).toBe(0);
    expect(stdout).toContain("receipt written: 4711");
  });
});

describe.runIf(asRoot)("node as PID 1", () => {
  it("does not hear SIGTERM at all without a listener", async () => {
    const program = await startProgram(path.join(programs, "deaf.ts"), { wrapper: namespace });
    const node = childOf(program.pid);
    process.kill(node, "SIGTERM");
    process.kill(node, "SIGINT");
    // Had they been delivered, the process would be gone before it could answer.
    expect(await (await fetch(program.url)).text()).toBe("still here");
    process.kill(node, "SIGKILL");
    await program.exited;
  });
});
