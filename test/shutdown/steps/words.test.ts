import { describe, expect, it } from "vitest";
import { pathOf } from "../../../src/shutdown/http/open-request.js";
import { describeRequests, describeTasks } from "../../../src/shutdown/steps/words.js";

describe("the words for what is waited for", () => {
  it("name the tasks with their states", () => {
    const task = (name: string, state: "running" | "queued") => ({ id: "1", task: name, state, attempt: 1 });
    const sample = [
      task("resize", "running"),
      task("resize", "queued"),
      task("resize", "queued"),
      task("mail", "running"),
    ];
    expect(describeTasks(4, sample)).toBe("4 tasks (resize: 1 running, 2 queued; mail: 1 running)");
    expect(describeTasks(90, sample)).toBe("90 tasks (resize: 1 running, 2 queued; mail: 1 running; and 86 more)");
    expect(describeTasks(0, [])).toBe("0 tasks");
  });

  it("name the oldest requests with their age", () => {
    const request = (forMs: number) => ({ method: "GET", path: `/${forMs}`, forMs });
    expect(describeRequests([request(40), request(4_200)])).toBe(
      "2 open requests (GET /4200 for 4.2 s; GET /40 for 0.0 s)",
    );
    expect(describeRequests([1, 2, 3].map(request), 1)).toBe("3 open requests (GET /3 for 0.0 s; and 2 more)");
    expect(describeRequests([])).toBe("0 open requests");
  });

  it("leave the query out, which may hold secrets", () => {
    expect(pathOf("/reset?token=secret")).toBe("/reset");
    expect(pathOf(undefined)).toBe("");
  });
});
