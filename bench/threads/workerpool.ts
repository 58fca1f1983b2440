// What workerpool loads in its threads: it registers the functions by name.
import workerpool from "workerpool";
import { tiny, touch, work } from "./tasks.js";

workerpool.worker({ tiny, touch, work });
