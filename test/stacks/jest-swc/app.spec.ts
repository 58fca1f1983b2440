import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { OffloadError } from "offload-after-response";
import { app, offloader } from "./app";

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(app).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  const report = await offloader.close();
  expect(report.abandoned).toEqual([]);
});

test("a task runs after the response", async () => {
  const succeeded = new Promise((resolve) => offloader.on("succeeded", resolve));
  const response = await fetch(`${url}/photos/cat`, { method: "POST" });
  expect(response.status).toBe(202);
  expect(await succeeded).toMatchObject({ task: "resize", state: "succeeded" });
});

test("a payload that cannot arrive is refused with its path", async () => {
  const response = await fetch(`${url}/wrong`, { method: "POST" });
  expect(response.status).toBe(400);
  expect(await response.text()).toContain("payload.key is");
});

test("a result and an error come back", async () => {
  expect(await offloader.run("resize", { key: "dog", widths: [1, 2] })).toBe("dog at 1 and 2, attempt 1");
  await expect(offloader.run("resize", { key: "dog", widths: [] }, { attempts: 3 })).rejects.toThrow("no widths");
  expect(() => offloader.offload("resized" as "resize", { key: "", widths: [] })).toThrow(OffloadError);
});

test("values of the test's realm arrive as they are", async () => {
  const payload = {
    key: "x",
    widths: [1],
    at: new Date(0),
    map: new Map([[1, new Set([2])]]),
    bytes: Buffer.from("a"),
  };
  expect(await offloader.run("resize", payload)).toBe("x at 1, attempt 1");
});
