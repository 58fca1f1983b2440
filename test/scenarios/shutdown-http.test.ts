// How the clients of a server fare when it shuts down: every kind of connection, in a real process with a real signal.
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { describe, expect, it } from "vitest";
import { afterThisTest, connect } from "../support/http.js";
import { startProgram } from "../support/process.js";
import { startApp } from "./shutdown-app.js";

interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
  readonly text: string;
}

function ask(port: number, route: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ port, host: "127.0.0.1", path: route, agent }, (res) => {
      let text = "";
      res.setEncoding("utf8");
      res.on("data", (chunk) => {
        text += chunk;
      });
      res.on("end", () => resolve({ status: res.statusCode, connection: res.headers.connection, text }));
      res.on("error", reject);
    })
      .on("error", reject)
      .end();
  });
}

/** An agent with one keep-alive connection. */
function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  afterThisTest(() => agent.destroy());
  return agent;
}

describe("connections", () => {
  it("of every kind keep no process from its exit, and the answers that can be given are given", async () => {
    const app = await startApp({});
    const idle = await connect(app.port);
    idle.request("GET", "/");
    await idle.waitFor(/hello/);
    const silent = await connect(app.port);
    const halfHead = await connect(app.port);
    halfHead.socket.write("GET / HTTP/1.1\r\nHost: te");
    const late = await connect(app.port);
    late.socket.write("GET / HTTP/1.1\r\nHost: te");
    const slow = await connect(app.port);
    slow.request("GET", "/slow?ms=1500");
    await slow.waitFor(/\r\n\r\n/);

    app.kill("SIGTERM");
    await app.waitFor(/^step closing$/m);
    late.socket.write("st\r\n\r\n");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report.forcedSockets).toBe(0);
    expect(report.durationMs).toBeLessThan(5_000);
    await Promise.all([idle, silent, halfHead, late, slow].map(({ closed }) => closed));
    expect(slow.received).toContain("slow");
    expect(late.received).toMatch(/connection: close.*hello/is);
  });

  it("that are busy see no request fail while the server serves on, and move elsewhere", async () => {
    const app = await startApp({ shutdown: { drainDelay: 1_000 } });
    const answers: Answer[] = [];
    const busy = async (): Promise<void> => {
      const agent = keepAlive();
      for (;;) {
        const answer = await ask(app.port, "/", agent);
        answers.push(answer);
        // The balancer would send the next one to another server.
        if (answer.connection === "close") return;
      }
    };
    const clients = [busy(), busy(), busy()];
    app.kill("SIGTERM");
    await Promise.all(clients);
    expect(answers.every(({ status, text }) => status === 200 && text === "hello")).toBe(true);
    expect(answers.filter(({ connection }) => connection === "close")).toHaveLength(3);
    expect((await app.end()).code).toBe(0);
  });

  it("that have a request open too long are cut off before the deadline, and counted", async () => {
    const app = await startApp({ shutdown: { timeout: 1_500 } });
    const slow = await connect(app.port);
    slow.request("GET", "/slow?ms=60000");
    await slow.waitFor(/\r\n\r\n/);
    app.kill("SIGTERM");
    const { code, report, stderr } = await app.end();
    expect(code).toBe(0);
    expect(report.forcedSockets).toBe(1);
    expect(report.durationMs).toBeLessThan(1_500);
    expect(stderr).toContain("no time left for 1 open request (GET /slow for");
    await slow.closed;
  });

  it("that were upgraded get the user's goodbye, then end", async () => {
    const app = await startApp({});
    const socket = await connect(app.port);
    socket.request("GET", "/", { Connection: "Upgrade", Upgrade: "test" });
    await socket.waitFor(/101/);
    app.kill("SIGTERM");
    expect((await app.end()).code).toBe(0);
    await socket.closed;
    expect(socket.received).toMatch(/the server says goodbye$/);
  });

  it("of HTTP/2 finish their streams and are told to go", async () => {
    const app = await startApp({ server: "http2" });
    const client = connectHttp2(app.url);
    afterThisTest(() => client.destroy());
    const goaway = once(client, "goaway");
    const stream = client.request({ ":path": "/" });
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    await app.waitFor(/^asked$/m);
    app.kill("SIGTERM");
    await once(stream, "close");
    expect(text).toBe("slow");
    expect((await goaway)[0]).toBe(0);
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report).toMatchObject({ completed: 1, forcedSockets: 0 });
  });
});

describe("the probes", () => {
  it("say that the process is alive and not ready, while it still serves", async () => {
    const app = await startApp({ shutdown: { drainDelay: 1_000 } });
    const agent = new Agent();
    // Until the first thread has loaded the tasks module, the process is not ready.
    while ((await ask(app.port, "/ready", agent)).status !== 200);
    expect(await ask(app.port, "/ready", agent)).toMatchObject({ status: 200, text: "ready\n" });
    app.kill("SIGTERM");
    await app.waitFor(/^step leaving$/m);
    expect(await ask(app.port, "/ready", agent)).toMatchObject({ status: 503, text: "shutting down\n" });
    expect(await ask(app.port, "/live", agent)).toMatchObject({ status: 200, text: "alive\n" });
    expect(await ask(app.port, "/", agent)).toMatchObject({ status: 200, text: "hello" });
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report.durationMs).toBeGreaterThanOrEqual(1_000);
  });

  it("need no delay when a person presses Ctrl-C", async () => {
    const app = await startApp({ shutdown: { drainDelay: 20_000 } });
    app.kill("SIGINT");
    const { code, report } = await app.end();
    expect(code).toBe(0);
    expect(report.durationMs).toBeLessThan(5_000);
  });

  it("are given time by default in Kubernetes alone, in proportion to the timeout", async () => {
    const env = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };
    const app = await startApp({ shutdown: { timeout: 5_000 } }, { env });
    app.kill("SIGTERM");
    const { stderr, report } = await app.end();
    expect(stderr).toContain("serving for 1.0 s more, until load balancers have noticed");
    expect(report.durationMs).toBeGreaterThanOrEqual(1_000);
  });
});

describe("shutdownOnSignals() after clients have connected", () => {
  it.each(["given", "none"])("cuts no answer off, with its server %s", async (server) => {
    const program = await startProgram("test/scenarios/fixtures/shutdown-late.js", {
      execArgv: [],
      args: [server],
      env: { KUBERNETES_SERVICE_HOST: undefined },
    });
    const { port } = program;
    const large = await connect(port);
    large.pause();
    large.request("GET", "/large");
    const slow = await connect(port);
    slow.request("GET", "/slow");
    await slow.waitFor(/begun/);
    const halfHead = await connect(port);
    halfHead.socket.write("GET /hello HTTP/1.1\r\nHost: te");
    const idle = await connect(port);
    idle.request("GET", "/install");
    await program.waitFor(/^installed$/m);
    program.kill("SIGTERM");
    await program.waitFor(/^step closing$/m);
    halfHead.socket.write("st\r\n\r\n");
    await slow.waitFor(/end of the answer/);
    large.socket.resume();
    await Promise.all([large, slow, halfHead, idle].map(({ closed }) => closed));
    expect(large.received).toMatch(/end of the answer$/);
    expect(halfHead.received).toMatch(/hello$/);
    const { code, stderr } = await program.exited;
    expect(stderr).toMatch(/"forcedSockets":0/);
    expect(code).toBe(0);
  });
});
