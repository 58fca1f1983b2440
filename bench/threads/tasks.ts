// The tasks that every contender runs. For offload-after-response this file is the tasks module as it stands.
import { pbkdf2Sync } from "node:crypto";

/** As small as a task gets: what is measured is the way there and back. */
export function tiny({ n }: { n: number; key: string }): number {
  return n + 1;
}

/** Takes bytes and looks at the last one. */
export function touch(bytes: Uint8Array): number {
  return bytes.at(-1) ?? 0;
}

/** A row as a form, a spreadsheet or a database gives it. */
export interface Row {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly active: boolean;
  readonly score: number;
  readonly tags: readonly string[];
  readonly address: { readonly street: string; readonly city: string; readonly zip: string };
}

/** Looks at each row; returns how many are not valid. */
export function validate(rows: readonly Row[]): number {
  let invalid = 0;
  for (const { id, email, score, tags, address } of rows) {
    if (id < 0 || !email.includes("@") || score > 1_000 || tags.length === 0 || address.zip.length !== 5) invalid++;
  }
  return invalid;
}

/** Looks at the first field of an object. */
export function look(fields: Readonly<Record<string, string | number>>): number {
  for (const name in fields) return name.length;
  return 0;
}

/** Fails as most tasks do: with a plain error. */
export function fail({ n }: { n: number; key: string }): void {
  throw new Error(`no photo ${n}`);
}

/** Takes its thread as long as `fail` does, and succeeds: it makes the same error, with its stack, and catches it. */
export function caught(payload: { n: number; key: string }): number {
  try {
    fail(payload);
  } catch (error) {
    if (error instanceof Error && error.stack === undefined) return 0;
  }
  return payload.n + 1;
}

/** Fails on its first attempt, with a plain error. */
export function failOnce({ n }: { n: number; key: string }, { attempt }: { readonly attempt: number }): number {
  if (attempt === 1) throw new Error(`no photo ${n} yet`);
  return n + 1;
}

/** Takes the CPU for as long as the iterations need, without a pause; see bench/harness/calibrate.ts. */
export function work({ iterations }: { key: string; iterations: number }): void {
  if (iterations > 0) pbkdf2Sync("after", "response", iterations, 32, "sha256");
}

/** Takes its thread, but no CPU, for so many ms: for questions in which the number of cores must not matter. */
/** As a task that waits for a disk or a network: its thread is free meanwhile. */
export async function wait({ ms }: { ms: number }): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

export function sleep({ ms }: { ms: number }): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Takes its thread until the first element is no longer 0. */
export function block(gate: Int32Array): void {
  Atomics.wait(gate, 0, 0);
}
