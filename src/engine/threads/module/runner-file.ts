// Finds the file that the threads load.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";

const name = "offload-after-response-runner.cjs";

/**
 * The file of the runner: beside this one, or, when this one has been bundled into an application, beside the application's
 * program or in the installed package.
 */
export function runnerFile(): string {
  const places = [thisFile(), process.argv[1], path.join(process.cwd(), "package.json")].filter(
    (place) => place !== undefined,
  );
  const beside = places.map((place) => path.join(path.dirname(place), name)).find((file) => existsSync(file));
  const found = beside ?? places.map(installed).find((file) => file !== undefined);
  if (found !== undefined) return found;
  throw new Error(
    `offload-after-response: ${name} is neither beside the bundle nor in node_modules; mark "offload-after-response" as external in your bundler, or copy the file there`,
  );
}

/** Where this code is. Within a bundle that is an ES module neither name may be known. */
function thisFile(): string | undefined {
  if (typeof __filename === "string") return __filename;
  const url: string | undefined = import.meta.url;
  return url?.startsWith("file:") ? fileURLToPath(url) : undefined;
}

function installed(from: string): string | undefined {
  try {
    return createRequire(from).resolve(`offload-after-response/${name}`);
  } catch {
    return undefined;
  }
}
