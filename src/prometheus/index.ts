// `offload-after-response/prometheus`: the metrics of offloaders for Prometheus, without a dependency.
/** @module offload-after-response/prometheus */
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, OffloadError } from "../base/errors.js";
import { Collector, type Measured } from "./families.js";
import { type PromClientMetric, promClientMetrics } from "./prom-client.js";
import { contentType, textOf } from "./text.js";

export type { Measured, MetricType } from "./families.js";
export type { PromClientMetric, PromClientValue, PromClientValues } from "./prom-client.js";

/** Answers a scrape. It has the text too, for frameworks that answer by a value. */
export interface PrometheusHandler {
  (req: Pick<IncomingMessage, "method">, res: ServerResponse): void;
  /** All metrics at this moment, in the text format. */
  text(): string;
  /** What `Content-Type` has to be. */
  readonly contentType: string;
}

/**
 * A handler that answers Prometheus. Nothing is counted twice and nothing runs between two scrapes: the values are those that
 * `snapshot()` has.
 *
 * @param offloaders one offloader, or several with different names: the label `offloader` tells them apart
 * @returns for `node:http` and Express as it is; for Fastify, Koa and Hono `text()` and `contentType`
 * @throws OffloadError AR_INVALID_ARGUMENT for what is no offloader
 * @example
 * ```ts
 * import { prometheus } from "offload-after-response/prometheus";
 *
 * app.get("/metrics", prometheus(offloader));
 * ```
 */
export function prometheus(offloaders: Measured | readonly Measured[]): PrometheusHandler {
  const collector = new Collector(checked("prometheus", offloaders));
  const text = (): string => textOf(collector.collect());
  const handler = (req: Pick<IncomingMessage, "method">, res: ServerResponse): void => {
    if (req.method !== "GET" && req.method !== "HEAD") {
      res.writeHead(405, { Allow: "GET, HEAD" }).end();
      return;
    }
    const body = Buffer.from(text());
    res.writeHead(200, { "Content-Type": contentType, "Content-Length": body.length });
    res.end(req.method === "HEAD" ? undefined : body);
  };
  return Object.assign(handler, { text, contentType });
}

/**
 * The metrics for an application that has a registry of prom-client already; also for its `AggregatorRegistry`, which sums up the
 * workers of a cluster.
 *
 * @param offloaders one offloader, or several with different names
 * @returns what `registry.registerMetric()` takes
 * @throws OffloadError AR_INVALID_ARGUMENT for what is no offloader
 * @example
 * ```ts
 * import { prometheusMetrics } from "offload-after-response/prometheus";
 * import { register } from "prom-client";
 *
 * for (const metric of prometheusMetrics(offloader)) register.registerMetric(metric);
 * ```
 */
export function prometheusMetrics(offloaders: Measured | readonly Measured[]): PromClientMetric[] {
  return promClientMetrics(checked("prometheusMetrics", offloaders));
}

function checked(call: string, given: Measured | readonly Measured[]): readonly Measured[] {
  const offloaders = [given].flat() as Measured[];
  for (const one of offloaders) {
    if (typeof one?.snapshot === "function") continue;
    throw new OffloadError(
      "AR_INVALID_ARGUMENT",
      `${call}: expected an offloader of createOffloader(), got ${describe(one)}`,
    );
  }
  return offloaders;
}
