// The tasks of the contract tests.

let calls = 0;

/** Returns what it was given. */
export function echo(payload) {
  return payload;
}

export async function echoLater(payload) {
  await new Promise((resolve) => setImmediate(resolve));
  return payload;
}

/** The how manieth call of this thread it is. */
export function count() {
  return ++calls;
}

/** Occupies its thread until the gate is opened. */
export function hold({ gate }) {
  Atomics.wait(gate, 0, 0);
  return "released";
}
