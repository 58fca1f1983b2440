// Captured when the file is loaded, because a task may replace the functions of `Reflect` in its thread, and the payloads of all tasks
// after it are read there.
export const reflect: Pick<typeof Reflect, "apply" | "construct" | "get" | "set"> = {
  apply: Reflect.apply,
  construct: Reflect.construct,
  get: Reflect.get,
  set: Reflect.set,
};
