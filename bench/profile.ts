// npx tsx bench/profile.ts [outstanding] [contender]: where the main thread's time goes while tiny tasks pass, by function.
import { ours, pools } from "./contenders/pools/all.js";
import { compile } from "./harness/compile.js";
import { figure, markdown } from "./harness/format.js";
import type { ProfileLine } from "./harness/profiler.js";
import { Program } from "./harness/program.js";
import type { Order, Reading } from "./programs/pool.js";

const [outstanding = "1000", contender = ours] = process.argv.slice(2);
if (pools[contender] === undefined)
  throw new Error(`no contender ${contender}; there are ${Object.keys(pools).join("; ")}`);

compile();
const order: Order = {
  outstanding: Number(outstanding),
  tasks: Math.max(1_000_000, Number(outstanding)),
  payload: { kind: "tiny" },
};
const program = new Program("pool", { execArgv: ["--enable-source-maps"] });
await program.ask("open", { contender, threads: 1 });
await program.ask("measure", { ...order, tasks: 200_000 });
const { value, lines } = await program.ask<{ value: Reading; lines: ProfileLine[] }>("profile", order);
await program.end();

const total = lines.reduce((sum, { selfMs }) => sum + selfMs, 0);
console.log(
  markdown({
    title: `${contender}, ${outstanding} outstanding: ${figure((total * 1_000) / value.tasks)} us of main thread a task under the profiler`,
    columns: ["function", "where", "self", "us a task"],
    rows: lines
      .slice(0, 30)
      .map(({ name, where, selfMs }) => [
        name,
        where,
        `${figure((selfMs / total) * 100)} %`,
        figure((selfMs * 1_000) / value.tasks),
      ]),
  }),
);
