// The table of the log's lines in docs/observability.md against the lines in the code.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { lines } from "../../src/core/log/lines.js";

const task = "`task`, `kind`, `id`, `attempt`, `thread`, `context`, `trace_id`, `span_id`";

it("docs/observability.md has every line of the log that speaks of tasks, with its level and its fields", () => {
  const text = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
  const [, section = ""] = text.split("## The log\n");
  const rows = [...section.matchAll(/^\| (debug|info|warn|error) \| (.*?) \| (.*?) \| .+ \|$/gm)];
  const documented = rows.map(([, level, message, fields]) => ({ level, message, fields }));
  const inCode = Object.values(lines).map(({ level, message, fields }) => ({
    level,
    message,
    fields: fields
      .map((field) => `\`${field}\``)
      .join(", ")
      .replace(task, "the task"),
  }));
  expect(documented).toEqual(inCode);
});
