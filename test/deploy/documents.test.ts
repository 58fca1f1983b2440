// docs/deploy: its tables say what the library and the files say, its excerpts are those of the files, its log lines exist.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import type { PodSpec } from "kubernetes-models/v1";
import { parse as parseToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { parse as parseYaml } from "yaml";
import { detectPlatform } from "../../src/shutdown/process/platform.js";
import { example, startDeployed } from "./deployed.js";
import { typeErrors } from "./literal-types.js";

const root = path.join(import.meta.dirname, "../..");
const folder = path.join(root, "docs/deploy");
const readme = readFileSync(path.join(folder, "README.md"), "utf8");
const platforms = readdirSync(path.join(root, "examples/deploy"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== "app")
  .map(({ name }) => name);

/** The rows of the table that has this head cell first. */
function table(head: string): string[][] {
  const [, rows = ""] = readme.split(new RegExp(`^\\| ${head} \\|.*\n\\|[ |-]+\\|\n`, "m"));
  const [block = ""] = rows.split(/^(?!\|)/m);
  return block
    .trim()
    .split("\n")
    .map((row) =>
      row
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
}

const seconds = (cell = ""): number => Number(cell.replace(" s", "")) * 1_000;
const milliseconds = (cell = ""): number | undefined => (cell === "" ? undefined : Number(cell.replace(",", "")));

/** The code blocks of a page in a language that the examples have, and whether they are meant to be in them. */
function excerpts(platform: string): { code: string; alternative: boolean }[] {
  const page = readFileSync(path.join(folder, `${platform}.md`), "utf8");
  const blocks = page.matchAll(/^```(yaml|toml|ini|js|dockerfile|procfile)( alternative)?\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, , alternative, code = ""]) => ({ code, alternative: alternative !== undefined }));
}

const meaningful = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !/^(#|\/\/)/.test(line));

/** Whether the lines stand in the text in this order, others between them or not. */
function standIn(lines: readonly string[], text: readonly string[]): boolean {
  let from = 0;
  return lines.every((line) => {
    from = text.indexOf(line, from) + 1;
    return from > 0;
  });
}

describe("docs/deploy", () => {
  it("has a page for every platform of the examples, and lists it", () => {
    const pages = readdirSync(folder).filter((name) => name !== "README.md");
    expect(pages.sort()).toEqual(platforms.map((name) => `${name}.md`).sort());
    expect(pages.filter((page) => !readme.includes(`](${page})`))).toEqual([]);
  });

  it.each(platforms)("quotes of %s what is in its files", (platform) => {
    const files = readdirSync(path.join(root, "examples/deploy", platform));
    const texts = files.map((file) => meaningful(example(`${platform}/${file}`)));
    const quoted = excerpts(platform).filter(({ alternative }) => !alternative);
    expect(quoted.length).toBeGreaterThan(0);
    for (const { code } of quoted) {
      expect([code, texts.some((text) => standIn(meaningful(code), text))]).toEqual([code, true]);
    }
  });

  it("shows a preStop hook that Kubernetes takes and that leaves the shutdown its time", {
    timeout: 60_000,
  }, async () => {
    const [alternative] = excerpts("kubernetes").filter((excerpt) => excerpt.alternative);
    const { spec }: { spec: PodSpec } = parseYaml(alternative?.code ?? "");
    expect(await typeErrors([{ document: spec, type: "IPodSpec", from: "kubernetes-models/v1" }])).toBe("");
    const [container] = spec.containers;
    const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, Number(value)]));
    const sleep = (container?.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000;
    const grace = (spec.terminationGracePeriodSeconds ?? 0) * 1_000;
    expect(env.PLATFORM_GRACE_MS).toBe(grace - sleep);
    expect(env.SHUTDOWN_TIMEOUT_MS).toBeLessThan(grace - sleep);
    expect(env.DRAIN_DELAY_MS).toBe(0);
  });

  it("says how long each platform waits, and by what it is recognised", () => {
    const rows = table("Platform").filter((row) => row.length > 2);
    expect(rows).toHaveLength(8);
    for (const [name = "", kills, setting = "", , marks = ""] of rows) {
      if (marks === "not recognised") continue;
      const [file] = marks.match(/\/[.\w]+/) ?? [];
      const env = Object.fromEntries([...marks.matchAll(/`(\w+)`/g)].map(([, variable = ""]) => [variable, "x"]));
      const found = detectPlatform(env, (candidate) => candidate === file);
      expect(found).toMatchObject({ name, grace: seconds(kills) });
      const [documented] = setting.match(/\w{8,}/) ?? [];
      if (documented !== undefined && setting !== "nothing") expect(found?.setting).toContain(documented);
      else expect(found?.setting).toBe("fixed");
    }
  });

  it("says what the examples set", () => {
    const documented = table("Example").map(([name, kills, timeout, delay]) => {
      return { name, grace: seconds(kills), timeout: milliseconds(timeout), drainDelay: milliseconds(delay) };
    });
    expect(documented).toEqual(settings());
  });

  it("explains only log lines that exist", () => {
    const sources = readdirSync(path.join(root, "src/shutdown"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(path.join(root, "src/shutdown", file), "utf8"))
      .concat(readFileSync(path.join(root, "src/core/log/lines.ts"), "utf8"))
      .join("\n")
      // A sentence over two lines is one sentence, and what is put in has no name in it.
      .replace(/["`] \+\n\s*["`]/g, "")
      .replace(/\$\{this\.state\}|\$\{state\}/g, "…")
      .replace(/\$\{[^}]*\}/g, "…");
    const lines = table("Line").map(([cell = ""]) => cell.replaceAll("`", ""));
    expect(lines.length).toBeGreaterThan(15);
    const fragments = (line: string): string[] => {
      const [, state, rest = ""] = line.match(/^shutdown (leaving|closing|draining|aborting|ending): (.*)$/) ?? [];
      return (state === undefined ? line : rest).split("…").filter((part) => part.trim().length > 2);
    };
    const unknown = lines.flatMap(fragments).filter((part) => !sources.includes(part.trim()));
    expect(unknown).toEqual([]);
  });

  it("explains every line that a shutdown writes", async () => {
    const program = await startDeployed({ PLATFORM_GRACE_MS: "60000" });
    await fetch(`${program.url}/orders/4711`, { method: "POST" });
    program.kill("SIGTERM");
    const { stderr } = await program.exited;
    const written = [...stderr.matchAll(/^\[offload-after-response\] \w+: (.*)$/gm)].map(([, line = ""]) => line);
    expect(written.length).toBeGreaterThan(4);
    const patterns = table("Line").map(([cell = ""]) => patternOf(cell.replaceAll("`", "")));
    expect(written.filter((line) => !patterns.some((pattern) => pattern.test(line)))).toEqual([]);
  });
});

/** A line of the table as a pattern: anything may stand where it has an ellipsis. */
function patternOf(line: string): RegExp {
  const parts = line.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}`);
}

/** Of each example: its time until SIGKILL and what it sets for the program, in ms. */
function settings(): { name: string; grace: number; timeout: number | undefined; drainDelay: number | undefined }[] {
  const entries = (env: readonly { name: string; value?: string }[]) =>
    env.map(({ name, value = "" }) => [name, value]);
  const pod = parseYaml(example("kubernetes/deployment.yaml")).spec.template.spec;
  const compose = parseYaml(example("docker/compose.yaml")).services.orders;
  const unit = example("systemd/orders.service");
  const [, stop] = unit.match(/^TimeoutStopSec=(\d+)$/m) ?? [];
  const [pm2] = createRequire(import.meta.url)("../../examples/deploy/pm2/ecosystem.config.cjs").apps;
  const run = parseYaml(example("cloud-run/service.yaml")).spec.template.spec.containers[0];
  const heroku: Record<string, { value: string }> = JSON.parse(example("heroku/app.json")).env;
  const fly = parseToml(example("fly/fly.toml")) as { kill_timeout: number; env: Record<string, string> };
  const all: [name: string, grace: number, env: Record<string, string>][] = [
    ["kubernetes", pod.terminationGracePeriodSeconds * 1_000, Object.fromEntries(entries(pod.containers[0].env))],
    ["docker", seconds(compose.stop_grace_period.replace("s", "")), compose.environment],
    ["systemd", seconds(stop), Object.fromEntries([...unit.matchAll(/(\w+)=(\d+)/g)].map(([, a, b]) => [a, b]))],
    ["pm2", pm2.kill_timeout, pm2.env],
    ["cloud-run", 10_000, Object.fromEntries(entries(run.env))],
    ["heroku", 30_000, Object.fromEntries(Object.entries(heroku).map(([name, { value }]) => [name, value]))],
    ["fly", fly.kill_timeout * 1_000, fly.env],
  ];
  return all.map(([name, grace, env]) => ({
    name,
    grace,
    timeout: milliseconds(env.SHUTDOWN_TIMEOUT_MS),
    drainDelay: milliseconds(env.DRAIN_DELAY_MS),
  }));
}
