// Evaluates a module twice, and dispatches through what each evaluation has.
const [first, second] = [await import("./module.mjs?1"), await import("./module.mjs?2")];
for (const { offloader } of [first, second]) {
  offloader.offload("work", { name: "work", ms: 200 });
}
console.log(`listening 0, with ${second.offloader.stats().unfinished}`);
