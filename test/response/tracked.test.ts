// All that is known of responses of HTTP/1 holds too where requests are followed from their start, as every offloader does.
import { beforeAll } from "vitest";
import { trackCurrentResponse } from "../../src/response/current.js";

beforeAll(trackCurrentResponse);

await import("./http1.test.js");
await import("./over.test.js");
