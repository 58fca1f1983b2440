// docs/at-3-am.md quotes the log and the errors as they are.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { errorCodes } from "../../src/base/errors.js";
import { codeOf, sources } from "../support/source.js";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/at-3-am.md"), "utf8");

it("every line of the log that the page quotes is written by the library", () => {
  const source = sources("src")
    .map((file) => codeOf(file))
    .join("\n")
    .replaceAll("{kind}", "task");
  const quoted = [...page.matchAll(/says `([^`]+)`|line `([^`]+)`|^`(journal: [^`]+)`|`(journal: [^`]+)`:/gm)].map(
    ([, a, b, c, d]) => a ?? b ?? c ?? d ?? "",
  );
  expect(quoted.length).toBeGreaterThan(6);
  expect(quoted.filter((words) => !source.includes(words))).toEqual([]);
});

it("every code that the page names is one of the library", () => {
  const codes = [...page.matchAll(/`(AR_\w+)`/g)].map(([, code = ""]) => code);
  expect(codes.length).toBeGreaterThan(6);
  expect(codes.filter((code) => !(code in errorCodes))).toEqual([]);
});
