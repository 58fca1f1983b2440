// The page: files go to uploads.js, what the server tells goes to photos.js and pool.js.
import { bytes } from "./format.js";
import { showPhoto, showPhotos } from "./photos.js";
import { clearWork, showPool, showWork } from "./pool.js";
import { setLargest, upload } from "./uploads.js";

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
  on("stopping", () => showConnection("stopping", "The server finishes its work and stops"));

  source.addEventListener("error", () => {
    // Some ends an EventSource takes for final. A server that restarts is none of them.
    source.close();
    showConnection("gone", "Not connected");
    setTimeout(listen, comeBackAfter);
  });
}

function showConnection(state, text) {
  const connection = document.getElementById("connection");
  connection.dataset.state = state;
  connection.textContent = text;
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
      const samples = await Promise.all(["astronaut.png", "chelsea.png"].map(fetchSample));
      for (let copy = 0; copy < Number(button.dataset.copies); copy += 1) upload(samples);
    });
  }
}

async function fetchSample(name) {
  const response = await fetch(`/samples/${name}`);
  return new File([await response.blob()], name);
}
