// After the answer, on the same event loop: what most frameworks' "background tasks" are.
import { work } from "../../threads/tasks.js";
import type { ExpressContender } from "./contender.js";

export async function openSetImmediate(): Promise<ExpressContender> {
  let completed = 0;
  return {
    handle(_req, res, payload) {
      res.once("finish", () => {
        setImmediate(() => {
          work(payload);
          completed++;
        });
      });
      res.status(202).json({ key: payload.key });
    },
    completed: () => completed,
    close: () => {},
  };
}
