// How another listener ends the process is read from its source, in every way in which that is commonly written.
import { afterEach, describe, expect, it } from "vitest";
import { type Found, OtherListeners } from "../../../src/shutdown/process/other-listeners.js";

const signal = "SIGUSR2";
const added: (() => void)[] = [];
let watching: OtherListeners | undefined;

afterEach(() => {
  watching?.stop();
  for (const listener of added.splice(0)) process.off(signal, listener);
});

/** What is found when this code, as a program has it, is added as a listener. The test's own compiler would rewrite it. */
function found(code: string): Found | undefined {
  const whats: Found[] = [];
  watching = new OtherListeners((_, what) => whats.push(what));
  watching.watch(new Set([signal]), new Set());
  const listener: () => void = new Function(`const { exit, kill } = process; return ${code};`)();
  added.push(listener);
  process.on(signal, listener);
  return whats[0];
}

describe("another listener of a signal", () => {
  it.each([
    "() => process.exit()",
    "() => process . exit(1)",
    "process.exit",
    // As process.exit.bind(process, 0), which the test runner has replaced.
    "(function exit() {}).bind(process, 0)",
    "process.abort.bind(process)",
    "() => exit(0)",
    "() => exit?.(0)",
    "() => process?.exit?.()",
    '() => process["exit"]()',
    "() => process?.['exit']?.(1)",
    "() => globalThis.process.exit()",
    "() => process.exit.call(process, 0)",
    "() => setTimeout(process.exit, 100)",
    "async () => { await 0; process.reallyExit(0); }",
    "() => (0, node_process_1.exit)(0)",
    "() => (0, import_node_process.exit)(0)",
    "function () { server.close(() => process.exit(0)) }",
  ])("ends the process: %s", (code) => {
    expect(found(code)).toMatchObject({ ending: "exits" });
  });

  it.each([
    "() => process.kill(process.pid, 'SIGTERM')",
    "() => process?.kill?.(process.pid)",
    '() => process["kill"](process.pid)',
    "() => kill(process.pid, 'SIGTERM')",
    "() => (0, node_process_1.kill)(node_process_1.pid)",
  ])("raises the signal again: %s", (code) => {
    expect(found(code)).toMatchObject({ ending: "raises" });
  });

  it.each([
    "() => {}",
    "() => { process.exitCode = 1 }",
    "() => emitter.emit('exit')",
    "() => door.exit()",
    "function exit() {}",
    "() => { process.kill(child.pid) }",
    "(() => {}).bind(null)",
  ])("does neither: %s", (code) => {
    expect(found(code)).toBeUndefined();
  });
});
