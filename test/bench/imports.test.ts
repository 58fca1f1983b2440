// What every process pays at its start: counted and not timed, so that a slow machine does not matter.
import { describe, expect, it } from "vitest";
import { startProgram } from "../support/process.js";

describe("the import of the package, beyond express and piscina", () => {
  it("loads none of Node's large modules, and few files", async () => {
    const program = await startProgram("bench/imports.mjs", { execArgv: [], ready: /^loaded .+$/m });
    const { builtin, files, filesOfCreate }: Record<"files" | "filesOfCreate", number> & { builtin: string[] } =
      JSON.parse(/^loaded (.+)$/m.exec(program.output)?.[1] ?? "");
    await program.exited;
    // node:http2 alone takes 5 to 10 ms.
    for (const name of ["http2", "https", "tls", "_tls_wrap", "cluster", "child_process", "inspector"]) {
      expect(builtin).not.toContain(name);
    }
    expect(builtin).toEqual([]);
    // The names of the exports, and the errors. The core comes with the first offloader, and the journal only with its option.
    expect(files).toBe(2);
    expect(filesOfCreate).toBe(3);
  });
});
