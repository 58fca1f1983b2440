// Clients that order work: each request is answered with 202 and the id of a task that runs after the response. Some keep
// their connections, some open one for each request, some ask for a slow answer.
import { randomUUID } from "node:crypto";
import { Agent, request } from "node:http";

export interface LoadResult {
  requests: number;
  /** What went wrong, by error code or status. */
  readonly failures: Map<string, number>;
  /** The ids of the tasks whose request was answered with 202. */
  readonly accepted: string[];
}

export class Load {
  readonly result: LoadResult = { requests: 0, failures: new Map(), accepted: [] };
  private readonly clients: Promise<void>[] = [];
  private readonly agents: Agent[] = [];
  private stopped = false;

  constructor(private readonly port: number) {}

  /** Starts clients, `count` of each of three kinds. */
  start(count: number): void {
    for (let i = 0; i < count; i += 1) {
      this.clients.push(
        this.run(this.agent(true), "/orders", 50),
        this.run(this.agent(false), "/orders", 50),
        this.run(this.agent(true), "/orders?slow=300", 50),
      );
    }
  }

  /** Lets every client finish the request it has open. */
  async stop(): Promise<LoadResult> {
    this.stopped = true;
    await Promise.all(this.clients);
    for (const agent of this.agents) agent.destroy();
    return this.result;
  }

  private agent(keepAlive: boolean): Agent {
    const agent = new Agent({ keepAlive, maxSockets: 1 });
    this.agents.push(agent);
    return agent;
  }

  private async run(agent: Agent, path: string, think: number): Promise<void> {
    while (!this.stopped) {
      const id = randomUUID();
      const outcome = await this.order(agent, path, id);
      this.result.requests += 1;
      if (outcome === "202") this.result.accepted.push(id);
      else this.result.failures.set(outcome, (this.result.failures.get(outcome) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 2 * think));
    }
  }

  /** The status, or the code of the error. */
  private order(agent: Agent, path: string, id: string): Promise<string> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
      const req = request({ port: this.port, host: "127.0.0.1", method: "POST", path, agent }, (res) => {
        res.on("error", failed);
        res.on("end", () => resolve(res.complete ? String(res.statusCode) : "incomplete answer"));
        res.resume();
      });
      req.on("error", failed);
      req.end(id);
    });
  }
}
