// docs/errors.md and the list of codes say the same.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorCodes, OffloadError, type OffloadErrorCode } from "../../src/base/errors.js";

const text = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const codes = Object.keys(errorCodes) as OffloadErrorCode[];

describe("docs/errors.md", () => {
  it("has a section for every code, and for no other", () => {
    const documented = [...text.matchAll(/^### `(AR_\w+)`$/gm)].map(([, code]) => code);
    expect(documented).toEqual(codes);
  });

  it("says of each code what happened and what to do", () => {
    const incomplete = sections().filter(({ body }) => !/^What happened: /m.test(body) || !/^What to do: /m.test(body));
    expect(incomplete.map(({ code }) => code)).toEqual([]);
  });

  it("gives each the status and Retry-After that its error carries", () => {
    const rows = Object.fromEntries(
      [...text.matchAll(/^\| \[`(AR_\w+)`\]\(#(\w+)\) \| [^|]+ \|([^|]*)\|/gm)].map(([, code, anchor, http]) => {
        return [code, { anchor, http: http?.trim() }];
      }),
    );
    const expected = codes.map((code) => {
      const { statusCode, headers } = new OffloadError(code, "");
      const retryAfter = headers?.["Retry-After"];
      const http = [statusCode ?? "", ...(retryAfter === undefined ? [] : [`${retryAfter} s`])].join(", ");
      return [code, { anchor: code.toLowerCase(), http }];
    });
    expect(rows).toEqual(Object.fromEntries(expected));
  });
});

function sections(): { code: string; body: string }[] {
  return text
    .split(/^### /m)
    .slice(1)
    .map((section) => ({ code: section.split("\n")[0] ?? "", body: section }));
}
