// Which runtimes are refused.
import { describe, expect, it } from "vitest";
import { checkRuntime } from "../../src/wiring/runtime.js";

describe("the runtime", () => {
  it("may be Node.js or Deno", () => {
    expect(() => checkRuntime()).not.toThrow();
    expect(() => checkRuntime({ node: "24.2.0", deno: "2.9.6" })).not.toThrow();
  });

  it("is refused by name and with the reason if it is Bun", () => {
    expect(() => checkRuntime({ node: "24.3.0", bun: "1.4.5" })).toThrow(
      /^Bun is not supported \(this is 1\.4\.5\): its servers of node:http are no net\.Server/,
    );
  });
});
