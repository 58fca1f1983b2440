// Each change of the program restarts it: all tasks of before are done, and then it serves again. At the end SIGTERM does the same.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout } from "node:timers/promises";

const probe = createServer().listen(0, "127.0.0.1");
await once(probe, "listening");
const { port } = probe.address();
probe.close();
const env = { ...process.env, OUTPUT: "output.txt", PORT: String(port) };

async function check(command, args, changed) {
  writeFileSync(env.OUTPUT, "");
  const watcher = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  watcher.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  for (let start = 1; start <= 3; start++) {
    while ((text.match(/^listening$/gm) ?? []).length < start) await setTimeout(50);
    const numbers = Array.from({ length: 20 }, (_, n) => `${start}-${n}`);
    await Promise.all(numbers.map((n) => fetch(`http://127.0.0.1:${port}/${n}`)));
    if (start < 3) appendFileSync(changed, "// changed\n");
  }
  watcher.kill("SIGTERM");
  await once(watcher, "exit");
  // The watcher may end before the program does.
  while (await fetch(`http://127.0.0.1:${port}/late`).catch(() => undefined)) await setTimeout(50);
  for (let turns = 0; turns < 40 && done() < 60; turns++) await setTimeout(50);
  console.log(`${command} ${args.join(" ")}, ${changed} changed: ${done()} of 60 tasks`);
  if (done() !== 60) process.exitCode = 1;
}

function done() {
  return new Set(readFileSync(env.OUTPUT, "utf8").match(/^\d-\d+$/gm)).size;
}

await check("tsx", ["watch", "app.ts"], "app.ts");
await check("tsx", ["watch", "--include", "workers", "app.ts"], "workers/tasks.ts");
