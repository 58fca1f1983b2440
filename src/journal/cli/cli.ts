#!/usr/bin/env node
// The command line: `offload-after-response journal <dir> ls|show|retry|discard|verify`. Living processes can go on meanwhile:
// reading changes nothing, and each change is one rename or unlink.
import path from "node:path";
import { parseArgs } from "node:util";
import { consoleLogger } from "../../base/logger.js";
import { wallClock } from "../../base/time.js";
import { errorCode, nodeFileSystem } from "../files/file-system.js";
import type { CommandContext, CommandResult } from "./command.js";
import { discard, retry, type Selection } from "./dead-letters.js";
import { list } from "./list.js";
import { printable, printableJson } from "./printable.js";
import { show } from "./show.js";
import { verify } from "./verify.js";

const usage = `Usage: offload-after-response journal <dir> <command> [options]

  ls                        unfinished tasks and dead letters
  show <id>                 one of them, with its payload
  retry <id>... | --all     dead letters become tasks again
  discard <id>... | --all   dead letters are deleted
  verify                    reads every file to its end; exit 1 if one is damaged

  --json                    prints JSON
  --help                    prints this

Exit codes: 0 done, 1 not found or damaged, 2 used wrongly or not possible.
`;

class UsageError extends Error {}

async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parse(args);
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [subject, dir, command, ...ids] = positionals;
  if (subject !== "journal" || dir === undefined || command === undefined)
    throw new UsageError("expected: journal <dir> <command>");
  const root = path.resolve(dir);
  if (!isDirectory(root)) throw new UsageError(`${root} is no directory (expected: journal <dir> <command>)`);
  const context = { fs: nodeFileSystem, root, logger: consoleLogger, now: wallClock() };
  const result = await execute(context, command, { ids, all: values.all });
  process.stdout.write(`${values.json ? printableJson(result.json) : printable(result.text)}\n`);
  return result.code;
}

function isDirectory(file: string): boolean {
  try {
    return nodeFileSystem.stat(file).isDirectory();
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return false;
  }
}

function execute(context: CommandContext, command: string, selection: Selection): Promise<CommandResult> {
  const [id, ...others] = selection.ids;
  switch (command) {
    case "ls":
      return list(context);
    case "verify":
      return verify(context);
    case "show":
      if (id === undefined || others.length > 0) throw new UsageError("show takes one id");
      return show(context, id);
    case "retry":
    case "discard":
      if ((id === undefined) !== selection.all) throw new UsageError(`${command} takes ids or --all`);
      return command === "retry" ? retry(context, selection) : discard(context, selection);
    default:
      throw new UsageError(`unknown command ${command}`);
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        all: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

// `| head` closes the pipe before everything is written.
process.stdout.on("error", () => process.exit());

// No `await`, because the package is built as CommonJS.
run(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const message = error instanceof Error ? error.message : String(error);
    console.error(printable(error instanceof UsageError ? `${message}\n\n${usage}` : message));
    process.exitCode = 2;
  },
);
