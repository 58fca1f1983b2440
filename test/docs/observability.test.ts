// docs/observability.md: the file that sets up OpenTelemetry, loaded as the page says.
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { startProgram } from "../support/process.js";
import { documents, filesOf, writeDocuments } from "./documents.js";

const app = `
import { createOffloader } from "offload-after-response";

const offloader = createOffloader({ tasks: "./tasks.js" });
console.log("answer", await offloader.run("double", 21));
await offloader.close();
`;

it("the recipe of OpenTelemetry makes a span of the dispatch and one of the attempt", async () => {
  const setUp = filesOf((await documents()).get("observability") ?? "", "js");
  const files = [
    ...setUp,
    { name: "app.js", text: app },
    { name: "tasks.js", text: "export const double = (n) => 2 * n;\n" },
  ];
  const { directory, remove } = await writeDocuments(new Map([["page", files]]));
  try {
    const cwd = path.join(directory, "page");
    const spans = path.join(cwd, "spans");
    const program = await startProgram(path.join(cwd, "app.js"), {
      cwd,
      env: { SPANS: spans },
      execArgv: ["--import", "./tracing.js"],
      ready: /^answer (42)$/m,
    });
    expect((await program.exited).code, program.output).toBe(0);
    const made = readFileSync(spans, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const send = made.find(({ name }) => name === "send double");
    expect(made).toHaveLength(2);
    expect(made).toContainEqual(expect.objectContaining({ name: "process double", parent: send?.spanId }));
  } finally {
    await remove();
  }
});
