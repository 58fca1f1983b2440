// Which tasks there are, and whether any can run: said by the kit under test, and by the threads again when it is over.
import type { Inside } from "../../intake/inside.js";
import type { ResolvedTestingOptions } from "../options.js";
import type { TasksHere } from "./tasks-here.js";

const unloadable =
  "testing: no thread can load the tasks module, so misspelled names are not found; give testing() the module: " +
  "{ tasks: () => import(...) }";

/**
 * Puts things back.
 *
 * @param forGood the offloader is closed right after it: what the threads have reported means nothing any more
 */
export type Undo = (forGood: boolean) => void;

/** The module that the main thread loads decides, whatever the threads report. */
export function answerForModule(inside: Inside, { mode, tasks }: ResolvedTestingOptions, here: TasksHere): Undo {
  const { startup, reports } = inside;
  const { names, refusal } = startup;
  const resume = startup.postpone();
  // A thread may fail at a module that the test runner can load, such as TypeScript.
  if (tasks !== undefined) startup.retract();
  if (here.given !== undefined) reports.learn([...here.given.keys()]);
  // The inline engine says so by itself once it has loaded the module.
  if (mode !== "inline") reports.up();
  return (forGood) => {
    if (forGood) return;
    startup.forget();
    if (names !== undefined) {
      reports.learn(names);
      reports.up();
    }
    if (refusal?.cause instanceof Error) reports.refuseAll(refusal.cause);
    resume();
  };
}

/**
 * The threads decide, but a failure of theirs at TypeScript refuses nothing, because the test runner may be able to load it and
 * what is only kept needs no thread. The names stay unknown then. In production that module is compiled; a failure at JavaScript
 * would be there as well.
 */
export function doWithoutThreads(inside: Inside): Undo {
  const { startup, reports, module, logger } = inside;
  if (!/\.[cm]?tsx?$/.test(module)) return () => {};
  const { refusal } = startup;
  let isReported = false;
  const goOn = (err: unknown): void => {
    if (!isReported) logger.warn({ err }, unloadable);
    isReported = true;
    reports.up();
  };
  const resume = startup.postpone(goOn);
  if (refusal !== undefined) {
    startup.retract();
    goOn(refusal.cause);
  }
  return (forGood) => {
    if (forGood) return;
    if (startup.names === undefined) startup.forget();
    if (refusal?.cause instanceof Error) reports.refuseAll(refusal.cause);
    resume();
  };
}
