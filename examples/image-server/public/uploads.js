// Sends files to the server, a few at a time, and shows each until it is answered.
import { announce, bar, element } from "./element.js";
import { bytes } from "./format.js";

const atATime = 3;
const attempts = 20;

const list = document.getElementById("uploads");
const waiting = [];
let sending = 0;
let largest = Number.POSITIVE_INFINITY;
let isConnected = true;

/** @param {number} count the largest upload that the server takes, in bytes */
export function setLargest(count) {
  largest = count;
}

/** @param {boolean} connected whether there is a server that takes photos; if not, they wait */
export function setSending(connected) {
  isConnected = connected;
  for (const { row } of waiting) row.say(connected ? "Waiting to be sent" : "Sent when the server is back");
  next();
}

/** @param {Iterable<File>} files */
export function upload(files) {
  for (const file of files) {
    const row = makeRow(file);
    list.append(row.made);
    if (file.size > largest) row.refuse(`${bytes(file.size)} is too large: the limit is ${bytes(largest)}.`);
    else {
      waiting.push({ file, row });
      if (!isConnected) row.say("Sent when the server is back");
    }
  }
  next();
}

async function next() {
  while (isConnected && sending < atATime && waiting.length > 0) {
    const { file, row } = waiting.shift();
    sending += 1;
    send(file, row).finally(() => {
      sending -= 1;
      next();
    });
  }
}

async function send(file, row) {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const { status, body, retryAfter } = await post(file, row.progress);
    if (status === 202) {
      row.made.remove();
      announce(`${file.name} is uploaded.`);
      return;
    }
    if (status === 0 && !isConnected) {
      row.say("Sent when the server is back");
      waiting.unshift({ file, row });
      return;
    }
    if (status !== 503) {
      row.refuse(body?.error ?? (status === 0 ? "The server cannot be reached." : `The server answered ${status}.`));
      return;
    }
    // The server is full or restarting, and says when to come back.
    row.say(`The server is busy, trying again in ${retryAfter} s`);
    await new Promise((resolve) => setTimeout(resolve, retryAfter * 1000));
  }
  row.refuse("The server stayed busy. Try again later.");
}

// XMLHttpRequest, for fetch does not tell how far an upload is.
function post(file, progress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/photos?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onloadend = () => {
      const retryAfter = Number(request.getResponseHeader("Retry-After")) || 1;
      resolve({ status: request.status, body: parse(request.responseText), retryAfter });
    };
    request.send(file);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function makeRow(file) {
  const state = element("span.upload-state", {}, "Waiting to be sent");
  const sent = bar();
  const made = element("li.upload", {}, element("span.upload-name", {}, file.name), state, sent.made);
  return {
    made,
    say(text) {
      state.textContent = text;
    },
    progress(part) {
      sent.set(part);
      state.textContent = part < 1 ? `Sending, ${Math.round(part * 100)}\u202f%` : "Sent, waiting for the answer";
    },
    refuse(reason) {
      made.classList.add("refused");
      state.textContent = reason;
      const dismiss = element("button.dismiss", { type: "button", "aria-label": `Dismiss ${file.name}` }, "Dismiss");
      dismiss.addEventListener("click", () => made.remove());
      made.append(dismiss);
      announce(`${file.name} was refused. ${reason}`);
    },
  };
}
