// A web process of the engine's benchmark, of one kind of ./dispatchers.mjs. It measures itself: what a dispatch costs, the CPU of the main
// thread, and how late its event loop is.
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { mainThreadUs } from "../cpu-time.mjs";
import { dispatchers } from "./dispatchers.mjs";

const { kind, ...settings } = JSON.parse(process.argv[2]);
const photo = { key: "photos/2024/06/IMG_20240612_104511.jpg", widths: [320, 640, 1280], userId: 421_337 };
const { dispatch, settled } = await dispatchers[kind](settings);

const commands = {
  /**
   * `tasks` dispatches, `atOnce` a turn every ms.
   *
   * @returns p50 in us, CPU of the main thread in us a task, loop delay p99 in ms
   */
  async dispatch({ tasks, atOnce = 10, untilSettled = false }) {
    const took = [];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const before = mainThreadUs();
    while (took.length < tasks) {
      for (let n = 0; n < atOnce; n++) {
        const start = performance.now();
        dispatch("nothing", photo);
        took.push(performance.now() - start);
      }
      await sleep(1);
    }
    // What was begun by these is theirs.
    if (untilSettled) await settled();
    await sleep(300);
    const cpuUs = (mainThreadUs() - before) / tasks;
    delay.disable();
    took.sort((a, b) => a - b);
    return {
      p50us: took[took.length >> 1] * 1_000,
      cpuUs,
      delayP99ms: delay.percentile(99) / 1e6,
    };
  },
  async fill({ tasks, name = "nothing", payload = photo }) {
    for (let n = 0; n < tasks; n++) {
      dispatch(name, payload);
      if (n % 500 === 499) await sleep(1);
    }
  },
  /** Resolves when the broker has everything. */
  settled,
};

process.once("disconnect", () => process.exit());
process.on("message", async ({ command, argument }) => {
  process.send({ value: await commands[command](argument) });
});
process.send({ ready: true });
