// The servers of participants that have named none: taken in as they are found, let go when they close or are given.
import type { Server } from "node:net";
import { ServerDiscovery } from "../http/discovery.js";
import { ServerDrain } from "../http/server-drain.js";
import type { Participant } from "../steps/participant.js";

export class FoundServers {
  private readonly discovery: ServerDiscovery;
  private settled = false;

  /** @param onFound called with a participant that has one server more */
  constructor(
    private readonly participants: ReadonlySet<Participant>,
    private readonly onFound: (participant: Participant) => void,
  ) {
    this.discovery = new ServerDiscovery(
      (server) => this.takeIn(server),
      (server) => this.letGo(server),
    );
  }

  /** Looks for servers while one of the participants has named none. */
  watch(): void {
    if ([...this.participants].some(({ findsServers }) => findsServers)) this.discovery.start();
    else this.discovery.stop();
  }

  stop(): void {
    this.discovery.stop();
  }

  /** The shutdown begins: a server that closes stays from now on, because its connections may not be drained. */
  keep(): void {
    this.settled = true;
  }

  /** Takes servers away that were found and are now given: one drain for each is enough. */
  forget(given: readonly ServerDrain[]): void {
    for (const { server } of given) this.remove(server, given);
  }

  private takeIn(server: Server): void {
    const known = [...this.participants].some(({ servers }) => servers.some((each) => each.server === server));
    const finder = [...this.participants].find(({ findsServers }) => findsServers);
    if (known || finder === undefined) return;
    finder.servers.push(new ServerDrain(server));
    this.onFound(finder);
  }

  private letGo(server: Server): void {
    if (!this.settled) this.remove(server);
  }

  private remove(server: Server, given?: readonly ServerDrain[]): void {
    for (const { findsServers, servers } of this.participants) {
      if (!findsServers || servers === given) continue;
      const index = servers.findIndex((drain) => drain.server === server);
      for (const drain of index < 0 ? [] : servers.splice(index, 1)) drain.uninstall();
    }
  }
}
