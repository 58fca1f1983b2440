// docs/at-3-am.md: it quotes the log, the errors and the command line as they are, and has a place for each error code.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { errorCodes } from "../../src/base/errors.js";
import { describeRequests, describeTasks, seconds } from "../../src/shutdown/steps/words.js";
import { makeDirectory } from "../support/directory.js";
import { startProgram } from "../support/process.js";
import { codeOf, sources } from "../support/source.js";

const root = path.join(import.meta.dirname, "../..");
const page = readFileSync(path.join(root, "docs/at-3-am.md"), "utf8");
const section = (heading: string): string => page.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
const source = sources("src")
  .map((file) => codeOf(file))
  .join("\n");

it("every line of the log that the page quotes is written by the library", () => {
  const quoted = [...page.matchAll(/says `([^`]+)`|line `([^`]+)`|^`(journal: [^`]+)`|`(journal: [^`]+)`:/gm)].map(
    ([, a, b, c, d]) => a ?? b ?? c ?? d ?? "",
  );
  expect(quoted.length).toBeGreaterThan(6);
  const written = source.replaceAll("{kind}", "task");
  expect(quoted.filter((words) => !written.includes(words))).toEqual([]);
});

it("every code that the page names is one of the library, and every code of the library is named", () => {
  const codes = new Set([...page.matchAll(/`(AR_\w+)`/g)].map(([, code = ""]) => code));
  expect([...codes].toSorted()).toEqual(Object.keys(errorCodes).toSorted());
});

it("the line of a shutdown that does not end is the one that the library writes", () => {
  const tasks = describeTasks(2, [
    { id: "1", task: "sendReceipt", state: "running", attempt: 1 },
    { id: "2", task: "resize", state: "queued", attempt: 0 },
  ]);
  const requests = describeRequests([{ method: "GET", path: "/slow", forMs: 3_300 }]);
  const line = `shutdown closing: ${seconds(6_000)} left; ${requests} and ${tasks}`;
  expect(section("The process does not end")).toContain(`\`\`\`text\n${line}\n\`\`\``);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: this is how the code has it
  expect(source).toContain("`shutdown ${this.state}: ${left} left; ${pending.describe()}`");
});

describe("the commands of the section on dead letters", () => {
  const outputs = [...section("Dead letters").matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);
  const asked = [...section("Dead letters").matchAll(/^npx offload-after-response journal journal (.+)$/gm)];
  let dir = "";
  let ids: string[] = [];

  beforeAll(async () => {
    dir = makeDirectory();
    const program = await startProgram("test/docs/fixtures/dead-letters.js", {
      args: [dir],
      execArgv: [],
      ready: /^(ready)$/m,
    });
    program.kill("SIGKILL");
    await program.exited;
    const { deadLetters } = JSON.parse(journal("ls", "--json")) as { deadLetters: { id: string }[] };
    ids = deadLetters.map(({ id }) => id);
  });

  const journal = (...args: string[]): string =>
    execFileSync(process.execPath, [path.join(root, "dist/cli.cjs"), "journal", dir, ...args], { encoding: "utf8" });

  it("print what the page shows", () => {
    const printed = asked.map(([, words = ""]) => {
      const [command = "", id] = words.split(" ");
      return journal(command, ...(id === undefined ? [] : [ids[Number(id.at(-1))] ?? id]));
    });
    const [ls = "", show = "", verify = "", ...acts] = printed.map(shape);
    expect([ls, withoutStack(show), verify, acts.join("")]).toEqual(outputs.map(shape));
  });
});

/** What a command prints, without what differs from run to run: ids, times, sizes and the width of columns. */
function shape(text: string): string {
  return text
    .replace(/\b[\da-f]{16}-(\d)/g, "ID-$1")
    .replace(/owner-[\da-f]{12}/g, "OWNER")
    .replace(/At: \d{13}$/gm, "At: TIME")
    .replace(/\b\d+s\b/g, "AGE")
    .replace(/\b\d+ B\b|\bbyte \d+/g, "SIZE")
    .replace(/ {2,}/g, "  ");
}

function withoutStack(text: string): string {
  return text.replace(/(stack: .*\n)[\s\S]*?^ {2}\}/m, "$1  ...\n  }");
}
