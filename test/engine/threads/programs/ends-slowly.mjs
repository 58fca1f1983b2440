// The teardown of a thread takes 5 s.
import { setTimeout as sleep } from "node:timers/promises";
import { onTeardown } from "offload-after-response/worker";

onTeardown(() => sleep(5_000));

export function nothing() {}
