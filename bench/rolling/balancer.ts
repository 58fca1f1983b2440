// A small layer-4 load balancer: it asks each backend's readiness, and learns of a change as late as real ones do. It never
// tries a second backend, so that every mistake of a backend reaches a client.
import { once } from "node:events";
import { get } from "node:http";
import net, { type AddressInfo } from "node:net";

const probeInterval = 50;

interface Backend {
  readonly port: number;
  inService: boolean;
  removal: NodeJS.Timeout | undefined;
}

export class Balancer {
  private readonly backends: Backend[];
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();
  private readonly prober: NodeJS.Timeout;
  private next = 0;

  /**
   * @param ports of the backends
   * @param lag from a backend's first "not ready" to the moment when it gets no more connections, in ms
   */
  constructor(
    ports: readonly number[],
    private readonly lag: number,
  ) {
    this.backends = ports.map((port) => ({ port, inService: false, removal: undefined }));
    this.server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.forward(client));
    this.prober = setInterval(() => this.probeAll(), probeInterval);
  }

  /** Starts to listen and returns the port. */
  async listen(): Promise<number> {
    this.server.listen(0, "127.0.0.1");
    await once(this.server, "listening");
    return (this.server.address() as AddressInfo).port;
  }

  /** Resolves when the backend gets connections. */
  async inService(port: number): Promise<void> {
    const backend = this.backends.find((candidate) => candidate.port === port);
    while (backend !== undefined && !backend.inService) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  close(): void {
    clearInterval(this.prober);
    this.server.close();
    for (const { removal } of this.backends) clearTimeout(removal);
    for (const socket of this.sockets) socket.destroy();
  }

  private probeAll(): void {
    for (const backend of this.backends) {
      void isReady(backend.port).then((ready) => this.note(backend, ready));
    }
  }

  private note(backend: Backend, ready: boolean): void {
    if (ready) {
      clearTimeout(backend.removal);
      backend.removal = undefined;
      backend.inService = true;
    } else if (backend.inService) {
      backend.removal ??= setTimeout(() => {
        backend.inService = false;
        backend.removal = undefined;
      }, this.lag);
    }
  }

  private forward(client: net.Socket): void {
    const candidates = this.backends.filter(({ inService }) => inService);
    this.next += 1;
    const backend = candidates[this.next % candidates.length];
    if (backend === undefined) {
      client.destroy();
      return;
    }
    const upstream = net.connect({ port: backend.port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
    client.pipe(upstream);
    upstream.pipe(client);
    this.bind(client, upstream);
    this.bind(upstream, client);
  }

  /** What breaks on one side breaks on the other. */
  private bind(socket: net.Socket, other: net.Socket): void {
    this.sockets.add(socket);
    socket.on("error", () => other.resetAndDestroy());
    socket.on("close", () => {
      this.sockets.delete(socket);
      // Both directions have ended, or there was an error.
      other.end();
    });
  }
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    get({ port, host: "127.0.0.1", path: "/readyz", agent: false, timeout: 1_000 }, (res) => {
      res.resume();
      resolve(res.statusCode === 200);
    })
      .on("timeout", () => resolve(false))
      .on("error", () => resolve(false));
  });
}
