// The page: files go to uploads.js, what the server tells goes to photos.js and pool.js.
import { bytes } from "./format.js";
import { showPhoto, showPhotos } from "./photos.js";
import { clearWork, showPool, showWork } from "./pool.js";
import { setLargest, setSending, upload } from "./uploads.js";

const comeBackAfter = 2000;

listen();
takeFiles();
document.getElementById("curl").textContent =
  `curl --data-binary @examples/photos/astronaut.png "${location.origin}/photos?name=astronaut.png"`;

function listen() {
  const source = new EventSource("/events");
  const on = (name, listener) => source.addEventListener(name, (event) => listener(JSON.parse(event.data)));

  on("hello", ({ photos, pool, maxUpload }) => {
    showConnection("live", "Live");
    setLargest(maxUpload);
    document.getElementById("limit").textContent = `, up to ${bytes(maxUpload)} each`;
    showPhotos(photos);
    clearWork();
    for (const photo of photos) showWork(photo);
    showPool(pool);
  });
  on("photo", (photo) => {
    showPhoto(photo);
    showWork(photo);
  });
  on("pool", showPool);
  on("stopping", ({ leftMs }) => showStopping(performance.now() + leftMs));

  source.addEventListener("error", () => {
    // Some ends an EventSource takes for final. A server that restarts is none of them.
    source.close();
    showConnection("gone", "Not connected", "Not connected. Photos that you add are sent when the server is back.");
    setTimeout(listen, comeBackAfter);
  });
}

let countdown;

/** The banner stays in sight when the page scrolls; the word beside the title does not. */
function showConnection(state, text, banner = "") {
  clearInterval(countdown);
  const connection = document.getElementById("connection");
  connection.dataset.state = state;
  connection.textContent = text;
  document.body.dataset.connection = state;
  document.getElementById("banner").textContent = banner;
  setSending(state === "live");
  // The samples come from the server. Files of the visitor's own can wait.
  for (const button of document.querySelectorAll("button[data-copies]")) button.disabled = state !== "live";
}

function showStopping(end) {
  const text = "The server finishes its work and stops";
  showConnection("stopping", "Stopping", text);
  const show = () => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    document.getElementById("banner").textContent = `${text}, in ${left} s at the latest`;
  };
  show();
  countdown = setInterval(show, 1000);
}

function takeFiles() {
  const drop = document.getElementById("drop");
  const files = document.getElementById("files");

  files.addEventListener("change", () => {
    upload([...files.files]);
    // The same file again is a change again.
    files.value = "";
  });
  document.addEventListener("paste", (event) => upload(event.clipboardData.files));

  // The whole page takes a drop: a photo that misses the zone must not replace the page.
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    upload(event.dataTransfer.files);
  });

  for (const button of document.querySelectorAll("button[data-copies]")) {
    button.addEventListener("click", async () => {
      const samples = await Promise.all(["astronaut.png", "chelsea.png"].map(fetchSample)).catch(() => undefined);
      // The connection is noticed to be gone in a moment, and then the banner says so.
      if (samples === undefined) return;
      for (let copy = 0; copy < Number(button.dataset.copies); copy += 1) upload(samples);
    });
  }
}

async function fetchSample(name) {
  const response = await fetch(`/samples/${name}`);
  return new File([await response.blob()], name);
}
