import { vi } from "vitest";

const timers = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "setImmediate", "clearImmediate"];
vi.useFakeTimers({ toFake: [...timers, "Date", "performance", "hrtime", "queueMicrotask"], now: 0 });
