// What workerpool loads in its threads: it registers the functions by name.
import workerpool from "workerpool";
import { fail, sleep, tiny, touch, validate, work } from "./tasks.js";

workerpool.worker({ tiny, touch, validate, work, sleep, fail });
