// How a response ended. src/response finds it out, and tasks and callbacks are released with it.

/** How a response ended. */
export interface ResponseOutcome {
  /** When the request began, or where that is unknown the first registration, in ms since 1970. */
  readonly startedAt: number;
  /** When the response was over, in ms since 1970. */
  readonly endedAt: number;
  /** From the start of the request, or where that is unknown from the first registration, in ms. */
  readonly durationMs: number;
  /** `completed`: everything was handed to the network. `aborted`: the client was gone before that. */
  readonly kind: "completed" | "aborted";
  /** The status code as it stood when the response was over. */
  readonly statusCode: number;
  /** Whether the headers had left; where they had not, an aborted response's `statusCode` reached nobody. */
  readonly headersSent: boolean;
  /** What broke the response, where it is known. */
  readonly error?: Error | undefined;
}

/** Which outcomes a task runs after: any, completed, completed with a status below 400, or what a predicate says. */
export type RunIf = "always" | "sent" | "ok" | ((outcome: ResponseOutcome) => boolean);
