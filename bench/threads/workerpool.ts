// What workerpool loads in its threads: it registers the functions by name.
import workerpool from "workerpool";
import { sleep, tiny, touch, work } from "./tasks.js";

workerpool.worker({ tiny, touch, work, sleep });
