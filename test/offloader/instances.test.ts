// Instances of the user's own classes: they arrive as plain objects, and each class is warned of once, in development.
import { runInNewContext } from "node:vm";
import { afterEach, expect, it, vi } from "vitest";
import { watch } from "../support/offloader.js";

afterEach(() => {
  vi.unstubAllEnvs();
});

const options = { pool: { maxThreads: 1 } };

it("an instance of a class arrives as a plain object, and its class is warned of once", async () => {
  class Order {
    constructor(readonly items: readonly string[]) {}
    total(): number {
      return this.items.length;
    }
  }
  const watched = watch("tasks.mjs", options);
  const payload = (): object => ({ order: new Order(["a"]) });
  expect(await watched.offloader.run("echo", payload())).toEqual({ order: { items: ["a"] } });
  for (let round = 0; round < 3; round++) await watched.offloader.run("echo", payload());
  expect(watched.lines).toEqual([
    {
      level: "warn",
      message:
        "payload.order is an instance of Order, which arrives in the task as a plain object, without its methods; " +
        "send plain data, or mark the class with static plainPayload = true",
      fields: { offloader: "offloader", task: "echo", path: "payload.order", class: "Order" },
    },
  ]);
});

it("two classes are two warnings, also when a buffer moves beside them", async () => {
  class Cat {
    readonly legs = 4;
  }
  class Bird {
    readonly legs = 2;
  }
  const watched = watch("tasks.mjs", options);
  const buffer = new ArrayBuffer(8);
  await watched.offloader.run("echo", { buffer, pets: [new Cat(), new Bird(), new Cat()] }, { transfer: [buffer] });
  expect(watched.lines.map(({ fields }) => fields.class)).toEqual(["Cat", "Bird"]);
});

it("a class that says that it is plain is not warned of", async () => {
  class Point {
    static readonly plainPayload = true;
    readonly x = 1;
  }
  const watched = watch("tasks.mjs", options);
  expect(await watched.offloader.run("echo", { at: new Point() })).toEqual({ at: { x: 1 } });
  expect(watched.lines).toEqual([]);
});

it("in production nothing is warned of", async () => {
  class Invoice {
    readonly total = 1;
  }
  vi.stubEnv("NODE_ENV", "production");
  const watched = watch("tasks.mjs", options);
  expect(await watched.offloader.run("echo", { invoice: new Invoice() })).toEqual({ invoice: { total: 1 } });
  expect(watched.lines).toEqual([]);
});

it("a class that extends a built-in one is warned of, with what its instances arrive as", async () => {
  class Registry extends Map<string, number> {}
  class Rows extends Array<number> {}
  class Bytes extends Uint8Array {}
  class Link extends URL {}
  const watched = watch("tasks.mjs", options);
  const payload = [new Registry(), new Rows(), new Bytes(1), new Link("http://a.example"), Buffer.alloc(1), new Map()];
  for (let round = 0; round < 2; round++) await watched.offloader.run("echo", payload);
  expect(watched.lines.map(({ message }) => message.replace(/; .*/, ""))).toEqual([
    "payload[0] is an instance of Registry, which arrives in the task as a Map, without its methods",
    "payload[1] is an instance of Rows, which arrives in the task as an Array, without its methods",
    "payload[2] is an instance of Bytes, which arrives in the task as a Uint8Array, without its methods",
    "payload[3] is an instance of Link, which arrives in the task as a URL, without its methods",
  ]);
});

it("a plain object of a vm context is not warned of", async () => {
  const watched = watch("tasks.mjs", options);
  const payload: unknown = runInNewContext("({ a: { b: [1, new Map()] } })");
  expect(await watched.offloader.run("echo", payload)).toEqual({ a: { b: [1, new Map()] } });
  expect(watched.lines).toEqual([]);
});
