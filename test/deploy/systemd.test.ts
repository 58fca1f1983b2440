// The systemd unit: what it starts, how it is ended, and, where there is systemd, whether that understands it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { example, expectOrderlyLife } from "./deployed.js";

const unit = sections(example("systemd/orders.service"));
const service = unit.Service ?? {};
const last = (name: string): string | undefined => service[name]?.at(-1);

/** Every value of every name, section by section: systemd lets a name stand more than once. */
function sections(text: string): Record<string, Record<string, string[]>> {
  const found: Record<string, Record<string, string[]>> = {};
  let section: Record<string, string[]> = {};
  for (const line of text.split("\n")) {
    const [, header] = line.match(/^\[(\w+)\]$/) ?? [];
    const [, name, value] = line.match(/^(\w+)=(.*)$/) ?? [];
    if (header !== undefined) {
      section = {};
      found[header] = section;
    } else if (name !== undefined && value !== undefined) {
      section[name] = [...(section[name] ?? []), value];
    } else {
      expect(line).toMatch(/^(#.*)?$/);
    }
  }
  return found;
}

describe("the systemd unit", () => {
  it("sends SIGTERM to node alone", () => {
    expect(last("KillMode")).toBe("mixed");
    expect(last("KillSignal")).toBe("SIGTERM");
  });

  it("does not forbid what V8 does all the time", () => {
    expect(service).not.toHaveProperty("MemoryDenyWriteExecute");
  });

  it("is started with the system, and again after a crash", () => {
    expect(unit.Install?.WantedBy).toEqual(["multi-user.target"]);
    expect(last("Restart")).toBe("on-failure");
  });

  it("makes for an orderly life", async () => {
    const pairs = (service.Environment ?? []).flatMap((line) => line.split(" ")).map((pair) => pair.split("="));
    const env: Record<string, string> = Object.fromEntries(pairs);
    const grace = Number(last("TimeoutStopSec")) * 1_000;
    expect(Number(env.PLATFORM_GRACE_MS)).toBe(grace);
    await expectOrderlyLife({
      env,
      command: last("ExecStart")?.split(" ") ?? [],
      signal: "SIGTERM",
      grace,
      readinessPaths: [],
      livenessPaths: [],
    });
  });

  it("is understood by systemd", ({ skip }) => {
    const complaints = complaintsOf(example("systemd/orders.service"));
    if (complaints === undefined) skip("there is no systemd here");
    expect(complaints).toEqual([]);
    const misspelt = example("systemd/orders.service").replace("TimeoutStopSec=", "TimeoutStop=");
    expect(complaintsOf(misspelt)).toEqual([expect.stringContaining("TimeoutStop")]);
  });
});

/** What systemd says of a unit, a line each; undefined where there is no systemd. */
function complaintsOf(text: string): string[] | undefined {
  const folder = mkdtempSync(path.join(tmpdir(), "offload-after-response-unit-"));
  const file = path.join(folder, "orders.service");
  // Node.js may be elsewhere on this machine, and systemd looks for it.
  writeFileSync(file, text.replaceAll("/usr/bin/node", process.execPath));
  const { error, stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], { encoding: "utf8" });
  rmSync(folder, { recursive: true });
  return error === undefined ? stderr.split("\n").filter((line) => line !== "") : undefined;
}
