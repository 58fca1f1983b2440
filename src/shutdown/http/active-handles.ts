// What keeps the event loop of this process busy, servers and sockets among it. Node has no public list of these objects;
// the one used here is the same on Node 20 to 26. Where it is missing, nothing is known.

export function activeHandles(): readonly unknown[] {
  const getHandles: unknown = Reflect.get(process, "_getActiveHandles");
  return typeof getHandles === "function" ? (Reflect.apply(getHandles, process, []) as unknown[]) : [];
}
