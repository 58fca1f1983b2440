// Each change of the tasks module restarts the program: all tasks of before are done, and then it serves again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

const env = { ...process.env, OUTPUT: "output.txt", PORT: process.env.PORT ?? "34127" };

async function check(...flags) {
  writeFileSync(env.OUTPUT, "");
  const nodemon = spawn("nodemon", [...flags, "app.mjs"], { env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  nodemon.stdout.setEncoding("utf8").on("data", (chunk) => (text += chunk));
  for (let start = 1; start <= 3; start++) {
    while ((text.match(/^listening$/gm) ?? []).length < start) await setTimeout(50);
    const numbers = Array.from({ length: 20 }, (_, n) => `${start}-${n}`);
    await Promise.all(numbers.map((n) => fetch(`http://127.0.0.1:${env.PORT}/${n}`)));
    if (start < 3) appendFileSync("tasks.mjs", "// changed\n");
  }
  nodemon.kill("SIGTERM");
  await once(nodemon, "exit");
  while (existsSync(env.OUTPUT) && lines().length < 60 && (await fetch(`http://127.0.0.1:${env.PORT}/`).catch(() => 0)))
    await setTimeout(50);
  console.log(`nodemon ${flags.join(" ")}: ${new Set(lines()).size} of 60 tasks`);
  if (new Set(lines()).size !== 60) process.exitCode = 1;
}

function lines() {
  return readFileSync(env.OUTPUT, "utf8").split("\n").filter(Boolean);
}

await check();
await check("--signal", "SIGTERM");
