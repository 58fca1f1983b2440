// `offload-after-response/otel`: traces and metrics for OpenTelemetry.
/** @module offload-after-response/otel */

export type { Measured } from "../observe/metrics/catalogue.js";
export { OffloadInstrumentation, type OffloadInstrumentationOptions } from "./instrumentation.js";
export { type OffloadMetricProducer, offloadMetrics } from "./metrics.js";
export type { Relation } from "./spans.js";
