// What a deadline cuts off is reported by id, also where nobody looks at the report.
import { createOffloader } from "offload-after-response";
import { expect, it } from "vitest";

it("a task that is abandoned by close() is logged by its id", async () => {
  const lines: { fields: object; message: string }[] = [];
  const log = (fields: object, message: string) => void lines.push({ fields, message });
  const offloader = createOffloader({
    tasks: "data:text/javascript,export const never = () => new Promise(() => setInterval(() => {}, 1000));",
    logger: { info() {}, warn() {}, error: log },
  });
  const started = new Promise((resolve) => offloader.on("started", resolve));
  const { id } = offloader.offload("never");
  await started;
  await offloader.close({ timeout: 300 });
  expect(lines).toMatchObject([
    {
      fields: { offloader: "offloader", task: "never", kind: "task", id, attempt: 1, code: "AR_ABANDONED" },
      message: "task abandoned while running, because the shutdown deadline came first",
    },
  ]);
});
