// The threads and the queue, as the server's `offloader.stats()` and the photos in work show them.
import { bar, element } from "./element.js";

const lanes = document.getElementById("lanes");
const waiting = document.getElementById("count-waiting");
const done = document.getElementById("count-done");
const failed = document.getElementById("count-failed");

let threads = 1;
/** A photo for each lane; it keeps its lane until it is done. */
const slots = [];

export function showPool(stats) {
  threads = stats.threads.total;
  waiting.textContent = String(stats.queued);
  done.textContent = String(stats.succeeded);
  failed.textContent = String(stats.failed);
  failed.classList.toggle("bad", stats.failed > 0);
  showLanes();
}

/** Puts a photo on a lane while a thread works on it. */
export function showWork(photo) {
  const taken = slots.findIndex((each) => each?.id === photo.id);
  if (photo.state !== "working") {
    if (taken >= 0) slots[taken] = undefined;
  } else {
    const free = slots.indexOf(undefined);
    slots[taken >= 0 ? taken : free >= 0 ? free : slots.length] = photo;
  }
  showLanes();
}

/** Takes every photo off: the connection was lost, and what is on the lanes now will be told anew. */
export function clearWork() {
  slots.length = 0;
}

function showLanes() {
  while (slots.length > threads && slots.at(-1) === undefined) slots.pop();
  while (slots.length < threads) slots.push(undefined);
  while (lanes.children.length > slots.length) lanes.lastChild.remove();
  while (lanes.children.length < slots.length) lanes.append(makeLane());
  for (const [index, photo] of slots.entries()) showLane(lanes.children[index], index, photo);
}

function makeLane() {
  const progress = bar();
  const text = element("p.lane-text", {}, element("span"), element("span"));
  const lane = element("li.lane", {}, text, progress.made);
  lane.set = progress.set;
  return lane;
}

function showLane(lane, index, photo) {
  const [name, state] = lane.firstChild.children;
  const { variants, planned } = photo?.image ?? { variants: [], planned: 0 };
  lane.classList.toggle("idle", photo === undefined);
  name.textContent = photo?.name ?? `Thread ${index + 1}`;
  state.textContent = photo === undefined ? "idle" : planned ? `${variants.length} of ${planned}` : "decoding";
  lane.set(planned ? variants.length / planned : 0);
}
