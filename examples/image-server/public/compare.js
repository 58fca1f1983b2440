// A photo before and after, one over the other, with a slider between them.
import { element } from "./element.js";
import { bytes } from "./format.js";

const dialog = document.getElementById("compare");
const slider = document.getElementById("slider");
const pair = document.getElementById("pair");

slider.addEventListener("input", show);
// The pointer moves it too, anywhere on the photo.
pair.addEventListener("pointermove", ({ buttons, pointerType, clientX }) => {
  if (buttons === 0 && pointerType === "mouse") return;
  const { left, width } = pair.getBoundingClientRect();
  slider.value = String((100 * (clientX - left)) / width);
  show();
});

/** Opens the original beside the widest AVIF of it. */
export function compare({ id, name, bytes: size, image }) {
  const best = image.variants.findLast(({ format }) => format === "avif");
  const sizes = { width: image.width, height: image.height, draggable: "false" };
  const after = element("img", { ...sizes, src: `/photos/${id}/${best.file}`, alt: `${name}, optimised` });
  const before = element("img.before", { ...sizes, src: `/photos/${id}/original`, alt: `${name}, as it was sent` });
  // A server that stops gives no more files.
  before.addEventListener("error", () => {
    document.getElementById("compare-before").textContent = "The original can be seen when the server is back";
    slider.value = "0";
    show();
  });
  pair.replaceChildren(after, before, element("span.edge"));
  document.getElementById("compare-title").textContent = name;
  document.getElementById("compare-before").textContent = `Original, ${bytes(size)}`;
  document.getElementById("compare-after").textContent = `AVIF, ${bytes(best.bytes)}`;
  slider.value = "50";
  show();
  dialog.showModal();
}

function show() {
  pair.style.setProperty("--at", `${slider.value}%`);
}
