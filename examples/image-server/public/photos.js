// The cards of the photos, changed in place as their events come in.
import { compare } from "./compare.js";
import { announce, bar, element } from "./element.js";
import { bytes, duration, plural, saving } from "./format.js";
import { thumbHashToDataURL } from "./thumbhash.js";

const shown = 100;
const formats = ["avif", "webp", "jpg"];
const formatNames = { avif: "AVIF", webp: "WebP", jpg: "JPEG" };

const list = document.getElementById("photos");
const empty = document.getElementById("empty");
const count = document.getElementById("photo-count");
const failures = document.getElementById("failures");
const cards = new Map();
const waiting = new Set();

/** All photos, newest first: at the start, and after the connection was lost. */
export function showPhotos(photos) {
  cards.clear();
  waiting.clear();
  list.replaceChildren();
  failures.replaceChildren();
  for (const photo of photos.toReversed()) showPhoto(photo, true);
  showCount();
}

/** A new photo, or a change of one. It gets its card when a thread begins with it. */
export function showPhoto(photo, quietly = false) {
  if (photo.state === "waiting") waiting.add(photo.id);
  else showCard(photo, quietly);
  showCount();
}

function showCard(photo, quietly) {
  waiting.delete(photo.id);
  if (photo.state === "failed") return showFailure(photo, quietly);
  let card = cards.get(photo.id);
  if (card === undefined) {
    card = makeCard(photo);
    cards.set(photo.id, card);
    list.prepend(card.made);
    if (list.children.length > shown) list.lastChild.remove();
  }
  const ended = photo.state !== card.state && photo.state !== "working";
  card.show(photo);
  if (ended && !quietly) announce(`${photo.name} is done.`);
}

/** A photo that failed has nothing to show: one line, until it is dismissed. */
function showFailure({ id, name, error }, quietly) {
  cards.get(id)?.made.remove();
  cards.delete(id);
  if (sessionStorage.getItem(`dismissed ${id}`) !== null) return;
  const dismiss = element("button.dismiss", { type: "button", "aria-label": `Dismiss ${name}` }, "Dismiss");
  const made = element("li.failure", {}, element("span.title", {}, name), element("span.reason", {}, error), dismiss);
  dismiss.addEventListener("click", () => {
    made.remove();
    sessionStorage.setItem(`dismissed ${id}`, "");
  });
  failures.prepend(made);
  if (!quietly) announce(`${name} failed. ${error}`);
}

function showCount() {
  const waits = waiting.size > 0 ? `${waiting.size} waiting for a thread` : "";
  empty.hidden = cards.size > 0 || failures.children.length > 0;
  count.textContent = [cards.size || "", waits].filter(Boolean).join(", and ");
}

// Elements are made once and changed in place, so that a link keeps the focus while other files come in.
function makeCard({ id, name, type, bytes: size }) {
  const frame = element("button.frame", {
    type: "button",
    "aria-label": `Compare ${name} before and after`,
    disabled: "",
  });
  const note = element("p.later");
  const progress = bar();
  const meta = element("p.meta");
  const saved = element("p.saved");
  const table = variantTable(id);
  const timing = element("p.timing");
  const head = element("div", {}, element("h3.title", { title: name }, name), meta);
  const files = element("details.files", {}, element("summary", {}, "Files"), table.made);
  // On a phone the table folds: the photos are what somebody scrolls through.
  files.open = !matchMedia("(max-width: 820px)").matches;
  const made = element("li.photo", {}, frame, progress.made, element("div.text", {}, head, saved, note, files, timing));
  let latest;
  frame.addEventListener("click", () => compare(latest));
  const file = `${type.replace("image/", "").toUpperCase()}, ${bytes(size)}`;

  const card = {
    made,
    state: undefined,
    show(photo) {
      const { image, state } = photo;
      card.state = state;
      made.className = `photo ${state}`;
      meta.textContent = image ? `${image.width} \u00d7 ${image.height}, ${file}` : file;
      saved.replaceChildren(...savedText(photo));
      latest = photo;
      table.show(image?.variants ?? []);
      files.hidden = table.made.hidden;
      timing.textContent = timingText(photo);
      if (image === undefined) return;
      progress.set(image.variants.length / image.planned);
      if (frame.style.backgroundImage === "") frame.style.backgroundImage = placeholder(image);
      if (state !== "done" || frame.querySelector("picture") !== null) return;
      const shown = picture(photo);
      frame.prepend(shown);
      shown.lastChild.addEventListener("load", () => {
        note.textContent = "";
        frame.disabled = false;
      });
      // The last photos of a process are done when its listener is closed. The connection to come shows them anew.
      shown.lastChild.addEventListener("error", () => {
        note.textContent = "Done. It can be seen when the server is back.";
      });
    },
  };
  return card;
}

/** What a visitor gains: the widest AVIF in place of the file that was sent. */
function savedText({ state, bytes: size, image }) {
  if (state === "working") return [image ? `${image.variants.length} of ${plural(image.planned, "file")}` : "Decoding"];
  const best = image.variants.findLast(({ format }) => format === "avif");
  return [element("strong", {}, saving(size, best.bytes)), `${bytes(size)} \u2192 ${bytes(best.bytes)} as AVIF`];
}

function timingText({ state, answeredMs, image }) {
  const answered = answeredMs === undefined ? "" : `Answered ${duration(answeredMs)} after its last byte.`;
  const worked = `${plural(image?.planned, "file")} in ${duration(image?.tookMs)} on a thread.`;
  return state === "done" ? `${answered} ${worked}`.trim() : answered;
}

function variantTable(id) {
  const head = element("tr", {}, element("th", { scope: "col" }, "Width"));
  for (const format of formats) head.append(element("th", { scope: "col" }, formatNames[format]));
  const body = element("tbody");
  const made = element("table.variants", {}, element("thead", {}, head), body);
  const rows = new Map();
  const linked = new Set();

  function row(width) {
    const cells = formats.map(() => element("td", {}, "\u2026"));
    body.append(element("tr", {}, element("th", { scope: "row" }, `${width} px`), ...cells));
    rows.set(width, cells);
    return cells;
  }

  return {
    made,
    show(variants) {
      made.hidden = variants.length === 0;
      for (const { file, format, width, bytes: size } of variants) {
        if (linked.has(file)) continue;
        linked.add(file);
        const label = `${width} pixels, ${formatNames[format]}, ${bytes(size)}`;
        const cells = rows.get(width) ?? row(width);
        cells[formats.indexOf(format)].replaceChildren(
          element("a", { href: `/photos/${id}/${file}`, "aria-label": label }, bytes(size)),
        );
      }
    },
  };
}

function placeholder(image) {
  const hash = Uint8Array.from(atob(image.placeholder), (character) => character.charCodeAt(0));
  return `url(${thumbHashToDataURL(hash)})`;
}

function picture(photo) {
  const made = element("picture");
  for (const format of formats.slice(0, 2)) {
    made.append(element("source", { type: `image/${format}`, srcset: srcset(photo, format), sizes: "400px" }));
  }
  const { width, height } = photo.image;
  const image = element("img", { alt: photo.name, width, height, srcset: srcset(photo, "jpg"), sizes: "400px" });
  image.addEventListener("load", () => image.classList.add("loaded"));
  made.append(image);
  return made;
}

function srcset(photo, format) {
  const variants = photo.image.variants.filter((variant) => variant.format === format);
  return variants.map(({ file, width }) => `/photos/${photo.id}/${file} ${width}w`).join(", ");
}
