import { describe, expect, it } from "vitest";
import { OffloadError } from "../../src/base/errors.js";
import { resolveShutdownOptions, type ShutdownOptions } from "../../src/shutdown/shutdown-options.js";

const here = { inKubernetes: false, onWindows: false, hasServer: true };
const resolve = (options: object, surroundings = here) => {
  return resolveShutdownOptions("shutdownOnSignals", options as ShutdownOptions, surroundings);
};

describe("the options of shutdownOnSignals", () => {
  it("have defaults", () => {
    expect(resolve({})).toMatchObject({
      signals: ["SIGTERM", "SIGINT"],
      timeout: 25_000,
      drainDelay: 0,
      hooks: [],
      uncaughtException: false,
    });
    expect(resolve({}, { ...here, inKubernetes: true }).drainDelay).toBe(5_000);
  });

  it("leave out signals that this system does not have", () => {
    const { signals } = resolve({ signals: ["SIGTERM", "SIGBREAK", "SIGHUP"] });
    expect(signals).toContain("SIGHUP");
    if (process.platform !== "win32") expect(signals).not.toContain("SIGBREAK");
  });

  it.each([
    [{ timout: 5 }, "unknown option timout (did you mean timeout?)"],
    [{ timeout: "5s" }, 'expected timeout to be a number of milliseconds from 1 to 2147483647, got "5s"'],
    [{ timeout: 0 }, "expected timeout to be a number of milliseconds from 1 to 2147483647, got 0"],
    [{ signals: ["SIGKILL"] }, "expected signals to be an array of SIGTERM, SIGINT, SIGHUP"],
    [{ signals: "SIGTERM" }, 'got "SIGTERM"'],
    [{ drainDelay: 25_000 }, "expected drainDelay to be less than the timeout (25000 ms), got 25000"],
    [{ hooks: [{ run() {} }] }, "expected hooks to be an array of functions or { name, run, timeout }, got an array"],
    [{ hooks: () => {} }, "got the function hooks"],
    [{ onAbandoned: true }, "expected onAbandoned to be a function, got true"],
    [{ exit: 1 }, "expected exit to be a boolean or a function, got 1"],
  ])("refuse %o", (options, message) => {
    let error: unknown;
    try {
      resolve(options);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(OffloadError);
    expect(error).toMatchObject({ code: "AR_INVALID_OPTIONS", message: expect.stringContaining(message) });
  });
});
