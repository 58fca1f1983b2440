// The instrumentation that goes into `NodeSDK({ instrumentations: [...] })`, on the main thread and in the threads.
import { isMainThread } from "node:worker_threads";
import { type Tracer, type TracerProvider, trace } from "@opentelemetry/api";
import { checkOptions, oneOf } from "../base/option-rules.js";
import { aroundTask } from "../core/trace/around.js";
import { traceDispatches } from "./dispatches.js";
import { traceTasks } from "./in-thread.js";
import { traceOnMain } from "./on-main.js";
import { name, version } from "./scope.js";
import type { Relation } from "./spans.js";

/** Options of the instrumentation. */
export interface OffloadInstrumentationOptions {
  /** How the span of an attempt belongs to that of its dispatch. Default `"child"`. */
  readonly relation?: Relation | undefined;
  /** Whether it begins at once. Default true. */
  readonly enabled?: boolean | undefined;
}

/**
 * Traces dispatches and attempts. It takes part where an SDK runs: in the file that sets up the SDK of the process, and by `--import`
 * of that file in the threads as well, where the user's spans become children of the attempt.
 *
 * @example
 * ```ts
 * import { NodeSDK } from "@opentelemetry/sdk-node";
 * import { OffloadInstrumentation } from "offload-after-response/otel";
 *
 * new NodeSDK({ instrumentations: [new OffloadInstrumentation()] }).start();
 * ```
 */
export class OffloadInstrumentation {
  /** Of OpenTelemetry's interface. */
  readonly instrumentationName: string = name;
  /** Of OpenTelemetry's interface. */
  readonly instrumentationVersion: string = version;
  #options: OffloadInstrumentationOptions;
  #provider: TracerProvider | undefined;
  #tracer: Tracer | undefined;
  #stop: (() => void) | undefined;

  /**
   * @param options how spans hang together
   * @throws OffloadError AR_INVALID_OPTIONS
   */
  constructor(options: OffloadInstrumentationOptions = {}) {
    this.#options = checkedOptions(options);
    if (options.enabled !== false) this.enable();
  }

  /** Begins; a second call changes nothing. */
  enable(): void {
    if (this.#stop !== undefined) return;
    const { relation = "child" } = this.#options;
    const tracer = (): Tracer => {
      // To look it up takes longer than a span that records nothing.
      this.#tracer ??= (this.#provider ?? trace).getTracer(name, version);
      return this.#tracer;
    };
    const stopRuns = isMainThread ? traceOnMain(tracer, relation) : traceTasks(tracer, relation, aroundTask as never);
    const stopDispatches = traceDispatches(tracer);
    this.#stop = () => {
      stopRuns();
      stopDispatches();
    };
  }

  /** Ends; no span is begun after it. */
  disable(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /** Of OpenTelemetry's interface: where spans go, in place of the global provider. */
  setTracerProvider(provider: TracerProvider): void {
    this.#provider = provider;
    this.#tracer = undefined;
  }

  /** Of OpenTelemetry's interface. Metrics are pulled: see `offloadMetrics`. */
  setMeterProvider(_provider: unknown): void {}

  /** Of OpenTelemetry's interface: counts from the next `enable()` on. */
  setConfig(options: OffloadInstrumentationOptions): void {
    this.#options = checkedOptions(options);
  }

  /** Of OpenTelemetry's interface. */
  getConfig(): OffloadInstrumentationOptions {
    return this.#options;
  }
}

function checkedOptions(options: OffloadInstrumentationOptions): OffloadInstrumentationOptions {
  checkOptions("OffloadInstrumentation", options, {
    relation: oneOf("child", "link", "none"),
    enabled: oneOf(true, false),
  });
  return options;
}
