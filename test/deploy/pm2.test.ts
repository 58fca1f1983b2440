// The ecosystem file of PM2: as PM2 loads it, with the signal, the environment and the channel that PM2 gives.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { expectOrderlyLife, startDeployed } from "./deployed.js";

interface App {
  readonly script: string;
  readonly cwd: string;
  readonly exec_mode: string;
  readonly wait_ready: boolean;
  readonly listen_timeout: number;
  readonly kill_timeout: number;
  readonly env: Readonly<Record<string, string>>;
  readonly interpreter?: string;
}

const load = createRequire(import.meta.url);
const { apps }: { apps: App[] } = load("../../examples/deploy/pm2/ecosystem.config.cjs");
const [app] = apps;

describe("ecosystem.config.cjs", () => {
  it("names one program that exists, and lets PM2 start it with node", () => {
    expect(apps).toHaveLength(1);
    expect(existsSync(path.join(app?.cwd ?? "", app?.script ?? ""))).toBe(true);
    expect(app?.interpreter ?? "node").toBe("node");
    expect(app?.exec_mode).toBe("cluster");
  });

  it("waits for the word that the program says when it listens", async () => {
    expect(app?.wait_ready).toBe(true);
    const program = await startDeployed(app?.env ?? {}, { ipc: true, ready: /^(listening)/m });
    await expect(new Promise((resolve) => program.child.once("message", resolve))).resolves.toBe("ready");
    program.kill("SIGKILL");
  });

  it("makes for an orderly life", async () => {
    await expectOrderlyLife({
      env: app?.env ?? {},
      // PM2 hands its configuration on, so the program knows how long it has.
      platformEnv: { pm_id: "0", kill_timeout: String(app?.kill_timeout) },
      command: ["node", app?.script ?? ""],
      // PM2 sends this one unless PM2_KILL_SIGNAL says otherwise.
      signal: "SIGINT",
      grace: app?.kill_timeout ?? 0,
      readinessPaths: [],
      livenessPaths: [],
      ipc: true,
    });
  });
});
