// The Procfile and app.json of Heroku: node itself in the dyno, a shutdown that fits into Heroku's 30 s.
import { describe, expect, it } from "vitest";
import { detectPlatform } from "../../src/shutdown/process/platform.js";
import { example, expectOrderlyLife } from "./deployed.js";

const processes = Object.fromEntries(
  example("heroku/Procfile")
    .trim()
    .split("\n")
    .map((line) => line.split(/:\s+/)),
);
const settings: Record<string, { value: string }> = JSON.parse(example("heroku/app.json")).env;
const env = Object.fromEntries(Object.entries(settings).map(([name, { value }]) => [name, value]));
const platformEnv = { DYNO: "web.1" };

describe("the files of Heroku", () => {
  it("have a web process, and no other", () => {
    expect(Object.keys(processes)).toEqual(["web"]);
  });

  it("make for an orderly life", async () => {
    await expectOrderlyLife({
      env,
      platformEnv,
      command: processes.web?.split(" ") ?? [],
      signal: "SIGTERM",
      grace: detectPlatform(platformEnv, () => false)?.grace ?? 0,
      readinessPaths: [],
      livenessPaths: [],
    });
  });
});
