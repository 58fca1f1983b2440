// The service.yaml of Cloud Run: valid as the Knative service that it is, with CPU after the response, within its 10 s.
import { Service } from "@kubernetes-models/knative/serving.knative.dev/v1/Service";
import type { IProbe } from "kubernetes-models/v1/Probe";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { detectPlatform } from "../../src/shutdown/process/platform.js";
import { example, expectOrderlyLife } from "./deployed.js";
import { typeErrors } from "./literal-types.js";

interface Container {
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly containerPort: number }[];
  readonly startupProbe: IProbe;
  readonly livenessProbe: IProbe;
}

const service = parse(example("cloud-run/service.yaml"));
const template = service.spec.template;
const container: Container = template.spec.containers[0];
const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
const platformEnv = { K_SERVICE: "orders", K_REVISION: "orders-00001-abc" };

describe("the service of Cloud Run", () => {
  it("is what the schema of Knative wants, with no unknown field", { timeout: 60_000 }, async () => {
    expect(() => new Service(service).validate()).not.toThrow();
    const from = "@kubernetes-models/knative/serving.knative.dev/v1";
    // Knative's published types have no startup probe yet; Cloud Run takes it as Kubernetes has it.
    const { startupProbe, ...rest } = container;
    const containers = [rest];
    const spec = { ...service.spec, template: { ...template, spec: { ...template.spec, containers } } };
    const documents = [
      { document: { ...service, spec }, type: "IService", from },
      { document: startupProbe, type: "IProbe", from: "kubernetes-models/v1/Probe" },
    ];
    expect(await typeErrors(documents)).toBe("");
  });

  it("keeps its CPU between requests, which is when tasks run", () => {
    expect(template.metadata.annotations["run.googleapis.com/cpu-throttling"]).toBe("false");
  });

  it("starts what the image starts", () => {
    expect(container).not.toHaveProperty("command");
    expect(container).not.toHaveProperty("args");
  });

  it("asks the port that requests are sent to", () => {
    const [port] = container.ports.map(({ containerPort }) => containerPort);
    expect([container.startupProbe, container.livenessProbe].map(({ httpGet }) => httpGet?.port)).toEqual([port, port]);
  });

  it("makes for an orderly life", async () => {
    await expectOrderlyLife({
      env,
      platformEnv,
      command: ["node", "server.js"],
      signal: "SIGTERM",
      grace: detectPlatform(platformEnv, () => false)?.grace ?? 0,
      readinessPaths: [container.startupProbe.httpGet?.path ?? ""],
      livenessPaths: [container.livenessProbe.httpGet?.path ?? ""],
    });
  });
});
