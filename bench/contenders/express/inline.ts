// The work in the handler, before the answer: what one has who does nothing about it.
import { work } from "../../threads/tasks.js";
import type { ExpressContender } from "./contender.js";

export async function openInline(): Promise<ExpressContender> {
  let completed = 0;
  return {
    handle(_req, res, payload) {
      work(payload);
      completed++;
      res.status(202).json({ key: payload.key });
    },
    completed: () => completed,
    close: () => {},
  };
}
