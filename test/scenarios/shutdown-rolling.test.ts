// Rolling restarts of two servers behind a balancer, under load.
import { expect, it } from "vitest";
import { rollingRestarts } from "../../bench/rolling/restarts.js";

const failureBound = { timeout: 120_000 };

it(
  "three restarts fail no request and lose no task when the servers serve on for longer than the balancer's lag",
  failureBound,
  async () => {
    const result = await rollingRestarts({
      method: "offload-after-response",
      restarts: 3,
      drainDelay: 1_500,
      lag: 300,
      clients: 5,
    });
    expect(result).toMatchObject({ failures: {}, lost: 0, exits: [0, 0, 0, 0, 0] });
    expect(result.accepted).toBe(result.requests);
    // That was load, in every phase of three restarts.
    expect(result.requests).toBeGreaterThan(100);
  },
);

it(
  "a restart that the balancer notices too late fails requests, which are seen as such, and still loses no task",
  failureBound,
  async () => {
    const result = await rollingRestarts({
      method: "offload-after-response",
      restarts: 2,
      drainDelay: 0,
      lag: 1_500,
      clients: 5,
    });
    expect(result.failed).toBeGreaterThan(0);
    expect(result).toMatchObject({ lost: 0, exits: [0, 0, 0, 0] });
  },
);
