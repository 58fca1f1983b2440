// Loading the tasks module: its exported functions are the tasks.

import { types } from "node:util";

/** What a module exports. */
export type Namespace = Readonly<Record<string, unknown>>;

/** A task as it stands in the module. */
export type TaskFunction = (payload: unknown, context: unknown) => unknown;

/**
 * Imports the tasks module, ESM or CommonJS.
 *
 * @param url where it is
 * @param importModule gets the module's namespace, within an object
 * @returns the tasks by name
 * @throws what the module throws; TypeError if it exports no function, or a generator function
 */
export async function loadTasks(
  url: string,
  importModule: (url: string) => Promise<{ readonly tasks: Namespace }> = importPlain,
): Promise<ReadonlyMap<string, TaskFunction>> {
  const { tasks: namespace } = await importModule(url);
  return tasksOf(namespace, url);
}

/**
 * The tasks of a module that is loaded, by name.
 *
 * @param url for the message
 * @throws TypeError if it exports no function, or a generator function
 */
export function tasksOf(namespace: Namespace, url: string): ReadonlyMap<string, TaskFunction> {
  const tasks = new Map<string, TaskFunction>();
  // A CommonJS module is the default export; what its named exports are is only guessed by Node, so both are looked at.
  for (const source of [namespace["module.exports"] ?? namespace.default, namespace]) {
    if ((typeof source !== "object" && typeof source !== "function") || source === null) continue;
    for (const name of Object.keys(source)) {
      const value: unknown = Reflect.get(source, name);
      if (typeof value !== "function" || name === "default" || name === "module.exports" || isClass(value)) continue;
      if (types.isGeneratorFunction(value)) throw generatorError(name);
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

async function importPlain(url: string): Promise<{ readonly tasks: Namespace }> {
  return { tasks: await import(url) };
}

/** A class needs `new`, so it is no task: a module may export its error classes. */
function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

/** Called as a task it would return at once, with nothing done, and succeed. */
function generatorError(name: string): TypeError {
  return new TypeError(
    `the tasks module exports the generator function ${name}, whose code does not run when it is called: ` +
      "write an async function, or move it to a module of its own",
  );
}
