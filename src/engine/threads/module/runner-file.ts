// Finds the file that the threads load.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The file of the runner: beside this one, or, when this one has been bundled into an application, in the installed
 * package.
 */
export function runnerFile(): string {
  const name = "offload-after-response-runner.cjs";
  const here: string | undefined = import.meta.url;
  if (here !== undefined && here !== "") {
    const beside = fileURLToPath(new URL(name, here));
    if (existsSync(beside)) return beside;
  }
  // A bundle in CommonJS has no import.meta.url. The file of the program is as good a place to search from.
  const from = here || pathToFileURL(process.argv[1] ?? process.cwd()).href;
  try {
    return createRequire(from).resolve(`offload-after-response/${name}`);
  } catch (cause) {
    throw new Error(
      `offload-after-response: ${name} is neither beside the bundle nor in node_modules; mark "offload-after-response" as external in your bundler, or copy the file there`,
      { cause },
    );
  }
}
