// What Piscina and tinypool load in their threads: a function as the default export, others by name.
import { tiny } from "./tasks.js";

// biome-ignore lint/performance/noBarrelFile: the exports are what a thread can run
export { block, fail, sleep, touch, validate, work } from "./tasks.js";
// biome-ignore lint/style/noDefaultExport: it is what both load when no name is given
export default tiny;
