// What the minifier of the package must not leave out: code that matters only because it throws.
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { silentLogger } from "../../src/base/logger.js";
import type * as library from "../../src/index.js";

const dist = path.resolve(import.meta.dirname, "../../dist");

it.each(readdirSync(dist).filter((name) => name.endsWith(".cjs") && !name.endsWith(".d.cts")))(
  "%s has no try whose body cannot throw",
  (name) => {
    const code = readFileSync(path.join(dist, name), "utf8");
    expect(code).not.toMatch(/\btry\s*\{\s*(return\s+(!?\d+|void 0)?;?\s*)?\}/);
  },
);

it("the package as it is built refuses a revoked proxy by its path", async () => {
  const { createOffloader } = (await import(pathToFileURL(path.join(dist, "index.js")).href)) as typeof library;
  const offloader = createOffloader({ tasks: new URL("../fixtures/tasks.mjs", import.meta.url), logger: silentLogger });
  onTestFinished(async () => void (await offloader.close()));
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(() => offloader.offload("echo", { list: [proxy] } as never)).toThrow(
    expect.objectContaining({
      code: "AR_PAYLOAD_NOT_CLONEABLE",
      message: "payload.list[0] is a revoked proxy, which cannot be copied to a thread",
    }),
  );
});
