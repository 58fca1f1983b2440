// The public names of the page, and nothing else.
/** @module offload-after-response/dashboard */

export { dashboard } from "./dashboard.js";
export type { DashboardHandler } from "./http/exchange.js";
export type { Access, DashboardOptions, ShownTask } from "./options.js";
