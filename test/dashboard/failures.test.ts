// How failures are grouped, and that no storm of them fills the memory or takes the main thread.
import { describe, expect, it } from "vitest";
import { Failures } from "../../src/dashboard/see/failures.js";

let seq = 0;

function add(failures: Failures, error: unknown, { task = "resize", isFinal = true } = {}): void {
  failures.add({ id: `id-${seq++}`, task, error }, isFinal);
}

function failure(message: string, stack: string, fields: object = {}): Error {
  return Object.assign(new Error(message), { stack: `Error: ${message}\n${stack}` }, fields);
}

const own = "    at resize (file:///srv/app/src/tasks/images.ts:12:7)";
const others = "    at read (/srv/app/node_modules/sharp/lib/input.js:1:2)\n    at process (node:internal/a:1:1)";

describe("failures", () => {
  it("are one group by task, code and the first line of the stack that is the application's own", () => {
    const failures = new Failures();
    add(failures, failure("photo 17 is gone", `${others}\n${own}`, { code: "ENOENT" }));
    add(failures, failure("photo 18 is gone", own, { code: "ENOENT" }), { isFinal: false });
    add(failures, failure("photo 18 is gone", own, { code: "EACCES" }));
    add(failures, failure("photo 18 is gone", own, { code: "EACCES" }), { task: "crop" });
    const groups = failures.all();
    expect(groups.map(({ task, code, failed, retried }) => [task, code, failed, retried])).toEqual([
      ["crop", "EACCES", 1, 0],
      ["resize", "EACCES", 1, 0],
      ["resize", "ENOENT", 1, 1],
    ]);
    expect(groups[2]).toMatchObject({
      frame: "resize tasks/images.ts:12:7",
      message: "photo # is gone",
      name: "Error",
    });
  });

  it("have messages without what differs from one to the next", () => {
    const failures = new Failures();
    add(failures, failure("order 4711 of 0f8fad5b-d9cb-469f-a165-70867728950e at 0xdeadbeef1 and deadface", own));
    expect(failures.all()[0]?.message).toBe("order # of # at #xdeadbeef# and deadface");
  });

  it("keep the ids of the last five", () => {
    const failures = new Failures();
    seq = 0;
    for (let n = 0; n < 8; n++) add(failures, failure("gone", own));
    expect(failures.all()[0]?.ids).toEqual(["id-7", "id-6", "id-5", "id-4", "id-3"]);
  });

  it.each([
    ["nothing", undefined],
    ["a text", "a text"],
    ["null", null],
    [
      "an object that throws when it is looked at",
      {
        get message() {
          throw new Error("no");
        },
      },
    ],
    ["an object whose fields are objects", { name: {}, message: [], stack: Symbol("s"), code: {} }],
  ])("may be %s", (_, error) => {
    const failures = new Failures();
    expect(() => add(failures, error)).not.toThrow();
    expect(failures.all()).toHaveLength(1);
  });

  it("are at most 50 groups and a mebibyte, those that grew last", () => {
    const failures = new Failures();
    for (let n = 0; n < 90; n++)
      add(failures, failure("x".repeat(10_000), `${own}\n${"y".repeat(100_000)}`), { task: `t${n}` });
    const groups = failures.all();
    expect(groups.length).toBe(50);
    expect(groups[0]?.task).toBe("t89");
    expect(Math.max(...groups.map(({ stack }) => stack.length))).toBe(4_096);
    expect(JSON.stringify(groups).length).toBeLessThan(1_048_576);
  });

  it("are counted and not looked at from the hundredth of a second on", () => {
    const failures = new Failures();
    let looked = 0;
    const event = {
      id: "a-1",
      task: "resize",
      get error() {
        looked++;
        return failure("gone", own);
      },
    };
    for (let n = 0; n < 5_000; n++) failures.add(event, true);
    const counted = failures.all().reduce((sum, { failed }) => sum + failed, 0);
    expect(counted + failures.unseen).toBe(5_000);
    expect(looked).toBe(counted);
    // A slow machine may need more than a second for it.
    expect(looked).toBeLessThan(2_500);
  });
});
