// Two workers of a cluster with an offloader each, and the primary with an AggregatorRegistry of prom-client.
import cluster from "node:cluster";
import { once } from "node:events";
import { createOffloader } from "offload-after-response";
import { prometheusMetrics } from "offload-after-response/prometheus";
import { AggregatorRegistry, register } from "prom-client";

if (cluster.isPrimary) {
  const registry = new AggregatorRegistry();
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, "message")));
  console.log(`---\n${await registry.clusterMetrics()}---`);
  console.log("scraped");
  for (const worker of workers) worker.kill();
} else {
  // Workers answer the primary once they have a registry.
  new AggregatorRegistry();
  const tasks = new URL("../../fixtures/tasks.mjs", import.meta.url);
  const offloader = createOffloader({ tasks, pool: { maxThreads: 1 }, logger: false });
  for (const metric of prometheusMetrics(offloader)) register.registerMetric(metric);
  for (let n = 0; n < 3; n++) await offloader.run("echo", n);
  process.send("ready");
}
