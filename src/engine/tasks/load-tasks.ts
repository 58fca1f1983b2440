// Loading the tasks module: its exported functions are the tasks.

/** A task as it stands in the module. */
export type TaskFunction = (payload: unknown, context: unknown) => unknown;

/**
 * Imports the tasks module, ESM or CommonJS.
 *
 * @param url where it is
 * @returns the tasks by name
 * @throws what the module throws; TypeError if it exports no function
 */
export async function loadTasks(url: string): Promise<ReadonlyMap<string, TaskFunction>> {
  const namespace: Record<string, unknown> = await import(url);
  const tasks = new Map<string, TaskFunction>();
  // A CommonJS module is the default export; what its named exports are is only guessed by Node, so both are looked at.
  for (const source of [namespace["module.exports"] ?? namespace.default, namespace]) {
    if ((typeof source !== "object" && typeof source !== "function") || source === null) continue;
    for (const name of Object.keys(source)) {
      const value: unknown = Reflect.get(source, name);
      if (typeof value === "function" && name !== "default" && name !== "module.exports")
        tasks.set(name, value as TaskFunction);
    }
  }
  if (tasks.size === 0) {
    const names = Object.keys(namespace);
    throw new TypeError(
      `the tasks module exports no function by name (${names.length > 0 ? `it exports ${names.join(", ")}` : "it exports nothing"}): ${url}`,
    );
  }
  return tasks;
}
