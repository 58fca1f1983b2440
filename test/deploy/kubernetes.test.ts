// The Kubernetes manifests: valid against the API's schemas, strict about unknown fields, and right about the shutdown.
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1/PodDisruptionBudget";
import { Service } from "kubernetes-models/v1/Service";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { example, expectOrderlyLife, startDeployed } from "./deployed.js";
import { typeErrors } from "./literal-types.js";

const deployment: Deployment = parse(example("kubernetes/deployment.yaml"));
const service: Service = parse(example("kubernetes/service.yaml"));
const budget: PodDisruptionBudget = parse(example("kubernetes/pod-disruption-budget.yaml"));
const documents = [
  { document: deployment, type: "IDeployment", from: "kubernetes-models/apps/v1" },
  { document: service, type: "IService", from: "kubernetes-models/v1" },
  { document: budget, type: "IPodDisruptionBudget", from: "kubernetes-models/policy/v1" },
];

const pod = deployment.spec?.template.spec;
const container = pod?.containers[0];
const labels = deployment.spec?.template.metadata?.labels ?? {};
const env = Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value ?? ""]));
const grace = (pod?.terminationGracePeriodSeconds ?? 30) * 1_000;
const probe = (kind: "startupProbe" | "readinessProbe" | "livenessProbe") => container?.[kind]?.httpGet;

describe("the Kubernetes manifests", () => {
  it("are what the API's schemas want", () => {
    expect(() => new Deployment(deployment).validate()).not.toThrow();
    expect(() => new Service(service).validate()).not.toThrow();
    expect(() => new PodDisruptionBudget(budget).validate()).not.toThrow();
  });

  it("have no field that the API does not know", { timeout: 60_000 }, async () => {
    expect(await typeErrors(documents)).toBe("");
    // Without this, a check that looks at nothing would pass.
    const misspelt = { ...deployment, spec: { ...deployment.spec, terminationGracePeriod: 45 } };
    const errors = await typeErrors([{ type: "IDeployment", from: "kubernetes-models/apps/v1", document: misspelt }]);
    expect(errors).toContain("terminationGracePeriod");
  });

  it("select the pods that the deployment makes, and send requests to a port that they have", () => {
    expect(labels).toMatchObject(deployment.spec?.selector.matchLabels ?? { none: true });
    expect(labels).toMatchObject(service.spec?.selector ?? { none: true });
    expect(labels).toMatchObject(budget.spec?.selector?.matchLabels ?? { none: true });
    const ports = (container?.ports ?? []).map(({ name }) => name);
    const used = [
      ...(service.spec?.ports ?? []).map(({ targetPort }) => targetPort),
      ...(["startupProbe", "readinessProbe", "livenessProbe"] as const).map((kind) => probe(kind)?.port),
    ];
    for (const port of used) expect(ports).toContain(port);
  });

  it("start what the image starts, and never take the last pod away before there is another", () => {
    expect(container).not.toHaveProperty("command");
    expect(container).not.toHaveProperty("args");
    expect(deployment.spec?.strategy?.rollingUpdate?.maxUnavailable).toBe(0);
    expect(deployment.spec?.replicas).toBeGreaterThan(1);
  });

  it("give the shutdown its time, and say so to the program", () => {
    const beforeSignal = (container?.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000;
    expect(Number(env.SHUTDOWN_TIMEOUT_MS) + beforeSignal).toBeLessThan(grace);
    expect(Number(env.PLATFORM_GRACE_MS)).toBe(grace - beforeSignal);
  });

  it("have another path for liveness than for readiness: a pod that drains is not to be killed", () => {
    expect(probe("livenessProbe")?.path).not.toBe(probe("readinessProbe")?.path);
  });

  it("make for an orderly life", { timeout: 60_000 }, async () => {
    await expectOrderlyLife({
      env,
      platformEnv: { KUBERNETES_SERVICE_HOST: "10.0.0.1" },
      command: ["node", "server.js"],
      signal: "SIGTERM",
      grace,
      readinessPaths: [probe("startupProbe")?.path ?? "", probe("readinessProbe")?.path ?? ""],
      livenessPaths: [probe("livenessProbe")?.path ?? ""],
    });
  });

  it("would be warned of at the start if the time were not enough", async () => {
    const program = await startDeployed({ ...env, PLATFORM_GRACE_MS: env.SHUTDOWN_TIMEOUT_MS ?? "" });
    expect(program.output).toMatch(/\] warn: .*kills the process/);
    program.kill("SIGKILL");
  });
});
