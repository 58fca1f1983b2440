// The threads and the queue, and how many photos there are, as the server tells.
import { bar, element } from "./element.js";

const lanes = document.getElementById("lanes");
const waiting = document.getElementById("count-waiting");
const done = document.getElementById("count-done");
const failed = document.getElementById("count-failed");

const working = new Map();
/** The id of the photo on each lane; it keeps its lane until it is done. */
let slots = [];
let threads = 1;
let drawing = false;

export function showPool(stats) {
  threads = stats.threads.total;
  waiting.textContent = String(stats.queued);
  done.textContent = String(stats.done);
  failed.textContent = String(stats.failed);
  failed.classList.toggle("bad", stats.failed > 0);
  draw();
}

/** Puts a photo on a lane while a thread works on it. */
export function showWork(photo) {
  if (photo.state === "working") working.set(photo.id, photo);
  else working.delete(photo.id);
  draw();
}

/** Takes every photo off: the connection was lost, and the server sends what is on the lanes once more. */
export function clearWork() {
  working.clear();
}

// Once a frame: a thread's next photo is announced a moment before the end of its last one.
function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    assignSlots();
    while (lanes.children.length > slots.length) lanes.lastChild.remove();
    while (lanes.children.length < slots.length) lanes.append(makeLane());
    for (const [index, id] of slots.entries()) showLane(lanes.children[index], index, working.get(id));
  });
}

function assignSlots() {
  slots = slots.map((id) => (working.has(id) ? id : undefined));
  for (const id of working.keys()) {
    if (slots.includes(id)) continue;
    const free = slots.indexOf(undefined);
    slots[free >= 0 ? free : slots.length] = id;
  }
  while (slots.length > threads && slots.at(-1) === undefined) slots.pop();
  while (slots.length < threads) slots.push(undefined);
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
