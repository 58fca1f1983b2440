// Before any test: dist/ is there and no older than the sources, so that one test file can be run on its own.
import { build, isStale } from "../../scripts/build.js";

/** Called once by vitest. Type errors stop no test, as vitest itself checks no types; `npm run check` does. */
export async function setup(): Promise<void> {
  if (isStale()) await build("report");
}
