// What an editor offers while a dispatch is being typed.
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LanguageServer } from "./language-server.js";

const names = [
  "isAnArrow",
  "isGeneric",
  "optimizeImage",
  "reexported",
  "renamed",
  "takesAnOptionalPayload",
  "takesContextAlone",
  "takesNoContext",
  "takesNothing",
];
const head = `
  import type { ServerResponse } from "node:http";
  import { offloader } from "./accepted.js";
  declare const res: ServerResponse;
`;

describe("in an editor", () => {
  const server = new LanguageServer(path.join(import.meta.dirname, "fixtures"));
  beforeAll(() => server.start());
  afterAll(() => server.stop());

  it.each([
    'offloader.offload("|");',
    'offloader.run("|");',
    'offloader.offloadAfterResponse(res, "|");',
    'offloader.offloadAfterResponse("|");',
  ])("the names of the tasks complete in %s", async (line) => {
    const offered = await server.complete("typing.ts", head + line);
    expect(offered.sort()).toEqual(names);
  });

  it.each([
    'offloader.offload("optimizeImage", { | });',
    'offloader.offloadAfterResponse(res, "optimizeImage", { | });',
  ])("the fields of the payload complete in %s", async (line) => {
    const offered = await server.complete("typing.ts", head + line);
    expect(offered).toEqual(expect.arrayContaining(["key", "widths"]));
  });

  it("the options of a dispatch complete", async () => {
    const offered = await server.complete("typing.ts", `${head} offloader.offload("takesNothing", undefined, { | });`);
    expect(offered).toEqual(
      expect.arrayContaining(["priority", "timeout", "attempts", "backoff", "runIf", "key", "signal"]),
    );
  });
});
