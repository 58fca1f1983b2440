// What the plugins of the bundlers share: the files that belong beside a bundle, and how Piscina finds its own among them.
import path from "node:path";

/** Options of the plugins. */
export interface PluginOptions {
  /** The source of the tasks module, or of each where there are several: an entry is added for it. */
  readonly tasks?: string | readonly string[] | undefined;
}

/** The file of the runner, and what Piscina's threads load. */
export const companions: readonly string[] = [
  "offload-after-response-runner.cjs",
  "offload-after-response-piscina.cjs",
];

/** Where they are in this package. */
export function companionFile(name: string): string {
  return path.join(__dirname, name);
}

/** The sources of the tasks, absolute. */
export function tasksOf(options: PluginOptions, folder: string): string[] {
  return [options.tasks ?? []].flat().map((file) => path.resolve(folder, file));
}

/** The name of the tasks' entry, from the folder of the program on: `workers/tasks`. */
export function entryName(tasks: string, program: string): string {
  const relative = path.relative(path.dirname(program), tasks).replace(/\.[cm]?[jt]sx?$/, "");
  return relative.startsWith("..") ? path.basename(relative) : relative.replaceAll(path.sep, "/");
}

/** Whether this is the file of Piscina's that starts threads. */
export function startsThreads(file: string): boolean {
  return /[\\/]piscina[\\/]dist[\\/]index\.js$/.test(file);
}

/** Its text, with the name that its thread file has beside a bundle. `worker.js` may be a file of the application. */
export function withThreadFile(text: string, folder = "__dirname"): string {
  return text.replace(/__dirname, (["'])worker\.js\1/, `${folder}, "offload-after-response-piscina.cjs"`);
}
