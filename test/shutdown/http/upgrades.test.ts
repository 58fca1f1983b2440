// Sockets that were upgraded: the drain knows them, and a shutdown ends them.
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { silentLogger } from "../../../src/base/logger.js";
import { Deadline } from "../../../src/shutdown/steps/deadline.js";
import { endUpgraded } from "../../../src/shutdown/steps/end-upgraded.js";
import { connect, type RawClient } from "../../support/http.js";
import { HeldServer } from "./held-server.js";

describe("an upgraded socket", () => {
  const deadline = () => new Deadline(performance.now() + 60_000, 0);
  const upgrade = { Connection: "Upgrade", Upgrade: "test" };

  async function upgraded(): Promise<{ held: HeldServer; client: RawClient }> {
    const held = await HeldServer.start();
    held.server.on("upgrade", (_req, socket: Duplex) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    });
    const client = await connect(held.port);
    client.request("GET", "/socket", upgrade);
    await client.waitFor(/101/);
    return { held, client };
  }

  it("is handed to the user's hook, and ended when that has not closed it", async () => {
    const { held, client } = await upgraded();
    held.drain.announce();
    held.drain.close();
    const hook = (sockets: readonly Duplex[]) => {
      for (const socket of sockets) socket.write("bye");
    };
    await endUpgraded(held.drain, hook, deadline(), silentLogger);
    await Promise.all([held.drain.drained, client.closed]);
    expect(client.received).toMatch(/bye$/);
  });

  it("may close by itself after the hook", async () => {
    const { held, client } = await upgraded();
    client.socket.on("data", () => client.socket.end());
    held.drain.announce();
    held.drain.close();
    const hook = (sockets: readonly Duplex[]) => {
      for (const socket of sockets) socket.on("end", () => socket.end("your close is acknowledged")).write("bye");
    };
    await endUpgraded(held.drain, hook, deadline(), silentLogger);
    await Promise.all([held.drain.drained, client.closed]);
    expect(client.received).toMatch(/acknowledged$/);
  });

  it("is ended at once without a hook, and when the hook throws", async () => {
    const throwing = () => {
      throw new Error("no");
    };
    for (const hook of [undefined, throwing]) {
      const { held, client } = await upgraded();
      held.drain.announce();
      held.drain.close();
      await endUpgraded(held.drain, hook, deadline(), silentLogger);
      await Promise.all([held.drain.drained, client.closed]);
    }
  });

  it("is not made where the user does not listen for upgrades", async () => {
    const held = await HeldServer.start();
    const listener = (_req: IncomingMessage, socket: Duplex) => socket.end("HTTP/1.1 101 Switching Protocols\r\n\r\n");
    held.server.on("upgrade", listener);
    const client = await connect(held.port);
    client.request("GET", "/", upgrade);
    await client.waitFor(/101/);
    held.server.off("upgrade", listener);
    expect(held.server.listenerCount("upgrade")).toBe(0);
    const other = await connect(held.port);
    other.request("GET", "/", upgrade);
    (await held.next()).end("as usual");
    await other.waitFor(/as usual/);
  });
});
