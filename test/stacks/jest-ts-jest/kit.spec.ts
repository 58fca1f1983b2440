// The testing kit, with the global expect of @types/jest, through a compiler that checks the types.
import { testing } from "offload-after-response/testing";
import { matchers } from "offload-after-response/testing/jest";
import { offloader } from "./app";

expect.extend(matchers);
const { clear, closeAll, drain, offloaded } = testing(offloader, { tasks: () => import("./workers/tasks") });
afterEach(() => clear());
afterAll(() => closeAll());

test("a task is kept, matched and run", async () => {
  offloader.offload("resize", { key: "cat", widths: [1] });
  expect(offloader).toHaveOffloaded("resize", { key: expect.stringMatching(/^c/) });
  expect(offloader).toHaveOffloadedTimes("resize", 1);
  expect(await drain()).toMatchObject({ succeeded: 1 });
  expect(offloaded("resize")[0]?.result).toBe("cat at 1, attempt 1");
});
