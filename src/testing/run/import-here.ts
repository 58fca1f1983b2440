// How a test process gets the tasks module: by import, or by require in a test runner that has no import.
import { fileURLToPath } from "node:url";
import { OffloadError } from "../../base/errors.js";
import type { Namespace } from "../../engine/tasks/load-tasks.js";

/**
 * Imports the tasks module in the test process.
 *
 * Jest in CommonJS has no `import()`: it ends with the code ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING_FLAG, or without _FLAG before
 * Node.js 21. Its `require`, which is the one of this file, has the mocks and the transforms of the test.
 *
 * @param url of the module that the offloader names
 * @param given the option `tasks`, if it is a function
 * @throws what the module throws; OffloadError AR_TASKS_NOT_LOADABLE for an `import()` that the test runner has not compiled
 */
export async function importHere(
  url: string,
  given: (() => unknown) | undefined,
): Promise<{ readonly tasks: Namespace }> {
  try {
    return { tasks: (given === undefined ? await import(url) : await given()) as Namespace };
  } catch (error) {
    if (!hasNoImport(error)) throw error;
    if (given === undefined && url.startsWith("file:")) return { tasks: require(fileURLToPath(url)) };
    throw new OffloadError(
      "AR_TASKS_NOT_LOADABLE",
      'the test runner has no import() in CommonJS: write tasks: () => require("./tasks.js"), have import() compiled ' +
        "(by @swc/jest or babel-jest, with modules as CommonJS), or start jest with NODE_OPTIONS=--experimental-vm-modules",
      { cause: error },
    );
  }
}

function hasNoImport(error: unknown): boolean {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" && code.startsWith("ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING");
}
