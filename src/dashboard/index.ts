// The public names of the page, and nothing else.

export { dashboard } from "./dashboard.js";
export type { DashboardHandler } from "./http/exchange.js";
export type { Access, DashboardOptions, ShownTask } from "./options.js";
