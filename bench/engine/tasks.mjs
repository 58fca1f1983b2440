// The task of the engine's benchmark.
export function nothing() {}
