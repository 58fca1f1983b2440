// What a broker's error may tell: the fields of clients hold passwords and payloads, and logs are read by many.
import { expect, it } from "vitest";
import { toError } from "../../../src/core/payload/thrown.js";
import { brokerError } from "../../../src/engine/remote/thread/broker-error.js";

it("keeps its name, message, code and stack, and nothing else", () => {
  const cause = new Error("AUTH user secret");
  const given = Object.assign(new TypeError("WRONGPASS invalid username-password pair", { cause }), {
    code: "EAUTH",
    command: { name: "auth", args: ["user", "secret"] },
    detail: "Failing row contains (secret).",
  });
  const wire = brokerError(given);
  const told = toError(wire);
  expect(told).toMatchObject({ name: "TypeError", message: given.message, code: "EAUTH", stack: given.stack });
  expect(JSON.stringify(wire)).not.toContain("secret");
  expect(Object.keys(told as object)).not.toContain("command");
});

it("says which address has refused where every one of a host has", () => {
  const refused = new AggregateError([
    new Error("connect ECONNREFUSED ::1:6379"),
    new Error("connect ECONNREFUSED 127.0.0.1:6379"),
  ]);
  expect(brokerError(Object.assign(refused, { code: "ECONNREFUSED" })).message).toBe("connect ECONNREFUSED ::1:6379");
});

it("makes an error of what is none", () => {
  expect(brokerError("no answer").message).toBe("no answer");
});
