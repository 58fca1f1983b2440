// fly.toml: the signal and the time of a shutdown, and a check that the program answers.
import { existsSync } from "node:fs";
import path from "node:path";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { example, expectOrderlyLife } from "./deployed.js";

interface FlyConfig {
  readonly kill_signal: NodeJS.Signals;
  readonly kill_timeout: number;
  readonly build: { readonly dockerfile: string };
  readonly env: Readonly<Record<string, string>>;
  readonly http_service: { readonly internal_port: number; readonly checks: readonly { readonly path: string }[] };
  readonly processes?: unknown;
}

const config = parse(example("fly/fly.toml")) as unknown as FlyConfig;

describe("fly.toml", () => {
  it("builds the Dockerfile of the examples, and starts what it starts", () => {
    const folder = path.join(import.meta.dirname, "../../examples/deploy/fly");
    expect(existsSync(path.join(folder, config.build.dockerfile))).toBe(true);
    expect(config).not.toHaveProperty("processes");
  });

  it("has SIGTERM sent: SIGINT, its default, is a person's, and skips the drain delay", () => {
    expect(config.kill_signal).toBe("SIGTERM");
  });

  it("sends requests to the port that the program listens on, and tells it how long it has", () => {
    expect(config.env.PORT).toBe(String(config.http_service.internal_port));
    expect(config.env.PLATFORM_GRACE_MS).toBe(String(config.kill_timeout * 1_000));
    // The most that Fly gives on shared CPUs.
    expect(config.kill_timeout).toBeLessThanOrEqual(300);
  });

  it("makes for an orderly life", async () => {
    await expectOrderlyLife({
      env: config.env,
      platformEnv: { FLY_APP_NAME: "orders" },
      command: ["node", "server.js"],
      signal: config.kill_signal,
      grace: config.kill_timeout * 1_000,
      readinessPaths: config.http_service.checks.map(({ path: probe }) => probe),
      livenessPaths: [],
    });
  });
});
