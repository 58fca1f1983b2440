// A shop with a little to do, whose page is photographed: `node --import tsx scripts/picture/shop.ts <threads> <rate> <waiting> <names>`.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createOffloader } from "offload-after-response";
import { dashboard } from "offload-after-response/dashboard";
import type * as tasks from "./tasks.js";

const [threads = 4, rate = 40, waiting = 0] = process.argv.slice(2).map(Number);
const dir = process.env.JOURNAL;

const offloader = createOffloader<typeof tasks>({
  tasks: new URL("./tasks.ts", import.meta.url),
  name: "shop",
  pool: { minThreads: threads, maxThreads: threads, execArgv: ["--import", "tsx"] },
  queue: { max: 20_000 },
  defaults: { timeout: 60_000 },
  policies: { sendReceipt: { attempts: 4, backoff: 2_000 } },
  logger: false,
  ...(dir !== undefined && { journal: { dir } }),
});
const page = dashboard(offloader, { access: "local" });
await offloader.ready();

const server = createServer((req, res) => void page(req, res));
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () =>
  console.log(`listening ${(server.address() as AddressInfo).port}`),
);
offloader.shutdownOnSignals(server, { timeout: 25_000 });

const kinds = [
  ["trackVisit", 6, 5, 0],
  ["resizePhoto", 5, 300, 0.02],
  ["sendReceipt", 4, 120, 0.06],
  ["indexProduct", 3, 60, 0.01],
  ["renderInvoice", 2, 500, 0.02],
  ["exportOrders", 1, 2_500, 0],
] as const;
const drawn = kinds.flatMap((kind) => Array.from({ length: kind[1] }, () => kind));

// A sequence of numbers that is the same in every run.
let seed = 7;
function random(): number {
  seed = (seed * 16_807) % 2_147_483_647;
  return seed / 2_147_483_647;
}

function dispatch(): void {
  const [name, , ms, failing] = drawn[Math.floor(random() * drawn.length)] ?? kinds[0];
  offloader.offload(name, { ms: ms * (0.4 + 1.6 * random()), fails: random() < failing });
}

for (let n = 0; n < waiting; n++) dispatch();
const began = performance.now();
const ticker = setInterval(() => {
  // It comes in waves, and now and then in a burst.
  const t = (performance.now() - began) / 1_000;
  const now = rate * (0.6 + 0.5 * Math.sin(t / 5) + (t % 17 < 1.2 ? 1.5 : 0));
  for (let n = now / 10; n > random(); n--) dispatch();
}, 100);
offloader.on("draining", () => clearInterval(ticker));
