// The page: shows what the stream of events tells, and sends commands. Text is only ever text: nothing becomes markup.

const $ = (id) => document.getElementById(id);
const kept = 600_000;
let source;
let hello = {};
let state;
let letters;
let history = [];
let tries = 0;
let leaves = 0;

/** An element: its tag and classes as in "p.note", its attributes, its children. */
function h(name, attributes, ...children) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length > 0) made.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== ""));
  return made;
}

function set(id, text) {
  const place = typeof id === "string" ? $(id) : id;
  if (place.textContent !== String(text)) place.textContent = text;
}

/** Changes the children in place, so that a button keeps the focus. `make` returns an element with a method `show`. */
function keyed(place, items, keyOf, make) {
  const known = new Map([...place.children].map((child) => [child.key, child]));
  items.forEach((item, index) => {
    const key = keyOf(item);
    const child = known.get(key) ?? make(item);
    known.delete(key);
    child.key = key;
    child.show(item);
    if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
  });
  for (const child of known.values()) child.remove();
}

const number = (value) => Math.round(value).toLocaleString("en");
const plural = (count, noun) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

function time(ms) {
  if (ms === 0) return "0";
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)}\u00a0ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(1)}\u00a0s`;
  const [large, small, of] = s < 3600 ? ["min", "s", 60] : s < 86_400 ? ["h", "min", 3600] : ["d", "h", 86_400];
  const rest = Math.floor((s % of) / (of === 86_400 ? 3600 : of / 60));
  return `${Math.floor(s / of)}\u00a0${large}${rest ? ` ${rest}\u00a0${small}` : ""}`;
}

function bytes(count) {
  if (count < 1000) return `${count} B`;
  const power = Math.min(4, Math.floor(Math.log10(count) / 3));
  return `${(count / 1000 ** power).toPrecision(3)} ${["", "kB", "MB", "GB", "TB"][power]}`;
}

// The stream.

function open() {
  if (document.hidden || source) return;
  source = new EventSource("events");
  const on = (name, listener) => source.addEventListener(name, ({ data }) => listener(JSON.parse(data)));
  on("hello", (data) => {
    if (hello.pid !== data.pid || state?.drain) leaves = 0;
    tries = 0;
    hello = data;
    history = data.samples;
    document.body.classList.toggle("full", data.access === "full");
    document.title = `${data.name} · tasks`;
    set("name", data.name);
  });
  on("state", (data) => {
    state = { ...state, ...data };
    history.push([data.at, data.ended, data.counts.failed, waitingOf(data)]);
    while (history[0][0] < data.at - kept) history.shift();
    show();
  });
  on("failures", showFailures);
  on("letters", showLetters);
  on("bye", () => {
    leaves = state.unfinished[0] === 0 ? 1 : 2;
    showStatus();
  });
  source.addEventListener("error", () => {
    close();
    tries++;
    showStatus();
    setTimeout(open, tries > 1 || leaves ? 2000 : 300);
  });
}

function close() {
  source?.close();
  source = undefined;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : open()));

// What is shown each second.

const waitingOf = ({ counts: { held, queued, delayed } }) => held + queued + delayed;

function show() {
  const { counts, unfinished, limits, oldest, threads, tasks, waiting } = state;
  const [count, size] = unfinished;
  const [max, most] = limits;
  const about = [
    hello.host,
    `pid ${hello.pid}`,
    `Node ${hello.node.slice(1)}`,
    `up ${time(state.upMs)}`,
    `loop lag ${time(state.loop[0])}, ${state.loop[1]} % busy`,
  ];
  set("process", about.join(" · "));
  showStatus();
  set("waiting", number(waitingOf(state)));
  const parts = Object.entries({ queued: counts.queued, held: counts.held, "to be retried": counts.delayed });
  const shown = parts.filter(([, n]) => n > 0).map(([name, n]) => `${number(n)} ${name}`);
  set("waiting-note", shown.join(", ") || "nothing");
  set("oldest", time(oldest[1]));
  set("oldest-note", oldest[0] > 0 ? `oldest unfinished ${time(oldest[0])}` : "in the queue");
  set("running", number(counts.running));
  const busy = threads.filter((thread) => thread.state === "busy").length;
  set(
    "running-note",
    `${busy} of ${plural(state.threadCount, "thread")} busy${state.longRunning ? `, ${state.longRunning} for long` : ""}`,
  );
  set("ok", number(counts.succeeded));
  const others = ["cancelled", "skipped", "abandoned"].filter((name) => counts[name] > 0);
  set(
    "ok-note",
    others.map((name) => `${number(counts[name])} ${name}`).join(", ") || `of ${number(state.ended)} ended`,
  );
  set("failed", number(counts.failed));
  $("failed").classList.toggle("bad", counts.failed > 0);
  set("failed-note", counts.failed ? `${((100 * counts.failed) / state.ended).toFixed(1)} % of what ended` : "");
  const part = Math.max(max ? count / max : 0, most ? size / most : 0);
  set("fill", `${(100 * part).toFixed(part > 0 && part < 0.1 ? 1 : 0)} %`);
  set("fill-note", `${number(count)} of ${max ? number(max) : "any"}; ${bytes(size)} of ${most ? bytes(most) : "any"}`);
  $("fill-bar").style.width = `${100 * part}%`;
  $("fill-bar").classList.toggle("bad", part > 0.8);
  const pause = $("pause");
  pause.dataset.do = state.paused ? "resume" : "pause";
  set(pause, state.paused ? "Resume" : "Pause");
  // A shutdown lifts every pause, and its threads end soon.
  for (const id of ["pause", "renew"]) $(id).disabled = state.drain?.leftMs != null;
  showCurves();
  set("thread-count", state.threadCount);
  keyed($("threads"), threads, ({ id }) => id, makeThread);
  set("name-count", state.nameCount > tasks.length ? `${tasks.length} of ${state.nameCount}` : state.nameCount || "");
  keyed($("tasks"), tasks, ([name]) => name, makeRow);
  $("no-tasks").hidden = tasks.length > 0;
  keyed($("lines"), waiting, ({ id }) => id, makeLine);
  $("no-lines").hidden = waiting.length > 0;
  showDrain();
}

function showStatus() {
  const words = { live: "Live", paused: "Paused", drain: "Draining", gone: "Not connected", bye: "Stopped" };
  const now = leaves ? "bye" : tries > 1 ? "gone" : state?.drain ? "drain" : state?.paused ? "paused" : "live";
  if (!state && now === "live") return;
  set("status", words[now]);
  document.body.dataset.status = now;
  if (leaves && state?.drain) showDrain();
}

function showCurves() {
  const to = state.at;
  const from = Math.min(Math.max(to - kept, history[0][0]), to - 60_000);
  const x = (at) => (600 * (at - from)) / (to - from);
  const rates = [];
  const failed = [];
  for (let n = 1; n < history.length; n++) {
    const s = (history[n][0] - history[n - 1][0]) / 1000;
    if (s <= 0) continue;
    rates.push([x(history[n][0]), (history[n][1] - history[n - 1][1]) / s]);
    failed.push([x(history[n][0]), (history[n][2] - history[n - 1][2]) / s]);
  }
  const depths = history.map(([at, , , waits]) => [x(at), waits]);
  const rate = rates.at(-1)?.[1] ?? 0;
  set("rate", rate > 0 && rate < 10 ? rate.toFixed(1) : number(rate));
  set("depth", number(depths.at(-1)[1]));
  // A line of zeros would cover the other one.
  curve($("rates"), [rates, failed.some(([, y]) => y > 0) ? failed : []], "ended a second");
  curve($("depths"), [depths], "waiting");
  for (const place of document.querySelectorAll(".since"))
    set(place, `${time(Math.round((to - from) / 1000) * 1000).replace(".0", "")} ago`);
}

function curve(svg, lines, what) {
  const top = Math.max(1, ...lines[0].map(([, y]) => y));
  svg.setAttribute("aria-label", `${number(lines[0].at(-1)?.[1] ?? 0)} ${what} now, at most ${number(top)}`);
  set(svg.previousElementSibling.lastElementChild, `at most ${number(top)}`);
  while (svg.children.length < 2 * lines.length) svg.append(document.createElementNS(svg.namespaceURI, "path"));
  lines.forEach((points, n) => {
    const path = points.map(([x, y]) => `${x.toFixed(1)} ${(98 - (94 * y) / top).toFixed(1)}`).join("L");
    const [first, last] = [points[0]?.[0] ?? 0, points.at(-1)?.[0] ?? 0];
    svg.children[2 * n].setAttribute("d", path && `M${first} 100L${path}L${last} 100Z`);
    svg.children[2 * n + 1].setAttribute("d", path && `M${path}`);
  });
}

function makeThread({ id }) {
  const [task, ms, note, bar] = [h("button.link"), h("span"), h("p.note"), h("i")];
  const made = h("li", {}, h("p", {}, task, ms), h("div.bar", {}, bar), note);
  task.addEventListener("click", () => made.task && look(made.task));
  made.show = (thread) => {
    const [run] = thread.running;
    made.className = thread.state;
    made.task = run?.id;
    task.disabled = !run;
    const more = thread.running.length > 1 ? ` and ${thread.running.length - 1} more` : "";
    set(task, run ? run.task + more : thread.state === "busy" ? "between tasks" : thread.state);
    set(ms, run ? time(run.ms) : "");
    const part = run?.progress?.[0];
    const isPart = typeof part === "number" && part >= 0 && part <= 1;
    bar.style.width = `${isPart ? part * 100 : 0}%`;
    const says = part == null ? "" : isPart ? `${Math.round(part * 100)} %` : String(part);
    const words = [
      `#${id}`,
      says,
      run?.stopping ? "stopping" : "",
      run?.attempt > 1 ? `attempt ${run.attempt}` : "",
      thread.ahead ? `${thread.ahead} ahead` : "",
      `${thread.use} % busy`,
      `${thread.mib} MiB`,
      `${number(thread.ran)} run`,
    ];
    set(note, words.filter(Boolean).join(" · "));
  };
  return made;
}

function makeRow([name]) {
  const cells = Array.from({ length: 7 }, () => h("td"));
  const pause = h("button", { "data-task": name });
  const cancel = h(
    "button",
    { "data-do": "cancel-all", "data-task": name, "aria-label": `Cancel all ${name} that wait` },
    "Cancel",
  );
  const mark = h("span.pill");
  const made = h("tr", {}, h("th", { scope: "row" }, name, " ", mark), ...cells, h("td.act", {}, pause, " ", cancel));
  made.show = ([, waits, runs, ok, failed, p50, p99, wait, paused]) => {
    [waits, runs, ok, failed].forEach((n, at) => {
      set(cells[at], number(n));
      cells[at].classList.toggle("zero", n === 0);
    });
    cells[3].classList.toggle("bad", failed > 0);
    [p50, p99, wait].forEach((ms, at) => {
      set(cells[4 + at], time(ms));
    });
    set(mark, paused ? "Paused" : "");
    pause.dataset.do = paused ? "resume" : "pause";
    set(pause, paused ? "Resume" : "Pause");
    pause.setAttribute("aria-label", `${paused ? "Resume" : "Pause"} ${name}`);
    cancel.disabled = waits === 0;
    cancel.dataset.count = waits;
  };
  return made;
}

/** A task that waits, or that the shutdown waits for. */
function makeLine({ id, task }) {
  const [what, ms] = [h("span.note"), h("span")];
  const made = h("li.line", {}, idButton(id, task), what, ms);
  made.show = (line) => {
    const again = line.attempt > 1 ? `, attempt ${line.attempt}` : "";
    set(ms, time(line.ranMs ?? line.ms));
    set(
      what,
      `${line.state === "delayed" ? "to be retried" : line.state}${line.thread ? ` on #${line.thread}` : ""}${again}`,
    );
    what.title = id;
  };
  return made;
}

function idButton(id, text) {
  const made = h("button.link", { "aria-label": `${text} ${id}` }, text);
  made.addEventListener("click", () => look(id));
  return made;
}

// The drain: what the shutdown waits for, and until when.

let ends = 0;
let began = 0;

function showDrain() {
  const { drain } = state;
  $("drain").hidden = !drain && !leaves;
  if (!drain) {
    began = 0;
    return;
  }
  const { leftMs, unfinished, requests, reason } = drain;
  if (leftMs != null) ends = performance.now() + leftMs;
  began ||= leftMs ?? 0;
  const over = leaves === 1 || unfinished === 0;
  $("drain").classList.toggle("over", over);
  set("drain-title", over ? "Everything that was accepted has ended" : `Waiting for ${plural(unfinished, "task")}`);
  const also = requests > 0 ? ` ${plural(requests, "request")} ${requests === 1 ? "is" : "are"} open.` : "";
  const then = leftMs == null ? "New tasks are still accepted." : "It ends with the last of them, or at the deadline.";
  const last = leaves === 1 ? "The process ends." : "The stream has ended; at the deadline the rest is reported by id.";
  set("drain-text", `${reason}: ${leaves ? last : then + also}`);
  keyed($("drain-tasks"), over ? [] : drain.tasks, ({ id }) => id, makeLine);
  document.querySelector(".left").hidden = leftMs == null || over;
  countDown();
}

function countDown() {
  if (!began || $("drain").hidden) return;
  const left = Math.max(0, ends - performance.now());
  set("drain-left", `${(left / 1000).toFixed(1)} s`);
  $("drain-bar").style.width = `${$("drain").classList.contains("over") ? 100 : (100 * left) / began}%`;
}

setInterval(() => state?.drain && countDown(), 100);

// Failures and dead letters, when they have changed.

function showFailures({ groups, unseen }) {
  const all = groups.reduce((sum, { failed, retried }) => sum + failed + retried, unseen);
  set("failure-count", all ? number(all) : "");
  $("no-failures").hidden = all > 0;
  keyed(
    $("failures"),
    groups,
    (group) => [group.task, group.name, group.code, group.frame || group.message].join("\n"),
    makeFailure,
  );
}

function makeFailure(group) {
  const [count, when, ids] = [h("b"), h("span"), h("span.ids")];
  const name = h("b.name", {}, group.code || group.name);
  const made = h(
    "li.failure",
    {},
    h("p", {}, count, " ", name, ` in ${group.task}`, when),
    h("p", {}, group.message),
    h("p.note", {}, group.frame),
    ids,
  );
  made.show = ({ failed, retried, last, ids: newest }) => {
    set(count, `${number(failed + retried)} ×`);
    set(
      when,
      [new Date(last).toLocaleTimeString("en-GB"), retried ? `${number(retried)} retried` : ""]
        .filter(Boolean)
        .join(", "),
    );
    ids.replaceChildren(...newest.map((id) => h("span", {}, idButton(id, id.slice(-10)), " ")));
  };
  return made;
}

function showLetters(data) {
  letters = data;
  $("letters-part").hidden = !data?.count;
  if (!data?.list) return;
  set("letter-count", number(data.count));
  keyed(
    $("letters"),
    data.list,
    ({ id }) => id,
    ({ id, task, reason, error, failedAt }) => {
      const retry = h("button", { "data-do": "retry", "data-id": id, "aria-label": `Retry ${task} ${id}` }, "Retry");
      const discard = h(
        "button",
        { "data-do": "discard", "data-id": id, "aria-label": `Discard ${task} ${id}` },
        "Discard",
      );
      const acts = h("span.act", {}, retry, " ", discard);
      const made = h(
        "li",
        {},
        h("p", {}, idButton(id, task || id), acts),
        h("span.note", {}, `${reason} at ${new Date(failedAt).toLocaleString("en-GB")} · ${error}`),
      );
      made.show = () => {};
      return made;
    },
  );
}

// Looking and acting.

async function look(id) {
  const response = await fetch(`task?id=${encodeURIComponent(id)}`).catch(() => undefined);
  const { error, shown, stack, ids, ...known } = (await response?.json().catch(() => undefined)) ?? {};
  if (!response?.ok) return ask("Not found", [h("p", {}, error ?? "The server cannot be reached.")], []);
  const list = h("dl.about");
  for (const [name, value] of Object.entries({ ...known, error })) {
    if (value == null || value === "" || value === false) continue;
    const text = /Ms$/.test(name)
      ? time(value)
      : /At$|^first$|^last$/.test(name)
        ? new Date(value).toLocaleString("en-GB")
        : value;
    list.append(h("dt", {}, name.replace(/Ms$/, "").replace(/At$/, " at")), h("dd", {}, String(text)));
  }
  const body = [list, ...[shown, stack].filter(Boolean).map((text) => h("pre", { tabindex: "0" }, text))];
  const isLetter = known.state === "dead letter";
  const acts = isLetter ? ["retry", "discard"] : known.ageMs === undefined ? [] : ["cancel"];
  ask(known.task || id, body, document.body.classList.contains("full") ? acts : [], { id });
}

const names = { "cancel-all": "Cancel", "retry-all": "Retry", "discard-all": "Discard" };

/** Opens the dialog. Its buttons send their act. */
function ask(title, body, acts, data = {}) {
  set("dialog-title", title);
  $("dialog-body").replaceChildren(...body);
  const buttons = acts.map((act) => {
    const word = names[act] ?? act[0].toUpperCase() + act.slice(1);
    const button = h(
      "button.primary",
      { type: "button" },
      data.count ? `${word} ${number(data.count)}` : data.task ? `${word} them` : `${word} this task`,
    );
    button.addEventListener("click", () => send({ do: act, ...data }));
    return button;
  });
  $("dialog-buttons").replaceChildren(h("button", { value: "" }, "Close"), ...buttons);
  if (!$("dialog").open) $("dialog").showModal();
}

async function send(query) {
  $("dialog").close();
  const headers = { "X-After-Response": "1" };
  const response = await fetch(`act?${new URLSearchParams(query)}`, { method: "POST", headers }).catch(() => undefined);
  const { done, error } = (await response?.json().catch(() => undefined)) ?? {};
  say(response?.ok ? `${query.do.replace("-", " ")}: ${done} done` : (error ?? "The server cannot be reached."));
}

let silence;

function say(text) {
  set("toast", text);
  clearTimeout(silence);
  silence = setTimeout(() => set("toast", ""), 6000);
}

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-do]");
  if (!button) return;
  const { do: act, id, task, count } = button.dataset;
  if (act === "cancel-all") {
    return ask(
      `Cancel ${plural(Number(count), "task")}?`,
      [h("p", {}, `All ${task} that wait are cancelled. Those that run go on.`)],
      [act],
      { task },
    );
  }
  if (act === "retry-all" || act === "discard-all") {
    const verb = act === "retry-all" ? "Retry" : "Discard";
    const text = act === "retry-all" ? "Each runs again under its old id." : "They cannot be brought back.";
    return ask(`${verb} ${plural(letters.count, "dead letter")}?`, [h("p", {}, text)], [act], { count: letters.count });
  }
  if (act === "discard")
    return ask("Discard this dead letter?", [h("p", {}, `${id} cannot be brought back.`)], [act], { id });
  send({ do: act, ...(id && { id }), ...(task && { task }) });
});

$("search").addEventListener("submit", (event) => {
  event.preventDefault();
  const id = $("id").value.trim();
  if (id) look(id);
});

open();
