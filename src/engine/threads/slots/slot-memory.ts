// The memory that the main thread shares with one worker thread, and the state of each task in it. Both sides use this file.
//
// A slot holds one batch. Each task of the batch has a slot state, the only truth about who may still touch the task:
//
//   main: place            thread: begin           thread: end
//   ------------> waiting ---------------> begun -------------> succeeded | returned | failed
//                    |                       |                      ^
//                    | main: withdraw        | main: requestStop    | thread: end
//                    v                       v                      |
//                withdrawn               stopping ------------------+
//
// waiting     Nobody has begun it. The thread may begin it, the main thread may withdraw it: whoever exchanges first has it.
// begun       Its code runs. The thread alone ends it; `beganAt` is the time of the task that runs now.
// stopping    Its code runs and is to stop. The thread alone ends it.
// succeeded   It returned nothing. `runMs` is valid, as for the next two.
// returned    It returned a value, which the reply brings. The value is lost when the thread dies before it replies.
// failed      It threw, and the reply brings the error.
// withdrawn   The main thread has it again. The thread passes over it.
//
// `wanted` is written by the main thread at any time: whether somebody asks for the result, however large it is.

// Captured when the file is loaded, because a task may replace the functions of `Atomics`.
const { add, compareExchange, load, store } = Atomics;

/** The states of a task in its slot. The order matters: those above `stopping` are of tasks that the thread is done with. */
export const slotState = {
  waiting: 0,
  begun: 1,
  stopping: 2,
  succeeded: 3,
  failed: 4,
  withdrawn: 5,
  returned: 6,
} as const;

/** How the code of a task ended. */
export type EndState = typeof slotState.succeeded | typeof slotState.returned | typeof slotState.failed;

/** Tasks of a batch at the most. */
export const slotSize = 256;

/** One slot's views. */
export interface SlotMemory {
  readonly states: Int32Array;
  /** ms a task. */
  readonly runMs: Float32Array;
  readonly wanted: Uint8Array;
  /** `[0]`: `sharedNow()` at the beginning of the task that runs now. */
  readonly beganAt: Float64Array;
}

// The header of the memory. Its length keeps what follows at a multiple of 8 bytes.
const acknowledgedField = 0;
const memoryField = 1;
const memoryWantedField = 2;
const headerBytes = 16;
const slotBytes = 8 + slotSize * 4 + slotSize * 4 + slotSize;

export function createControl(slots: number): SharedArrayBuffer {
  return new SharedArrayBuffer(headerBytes + slots * slotBytes);
}

export function headerOf(control: SharedArrayBuffer): Int32Array {
  return new Int32Array(control, 0, headerBytes / 4);
}

export function slotMemory(control: SharedArrayBuffer, slot: number): SlotMemory {
  const start = headerBytes + slot * slotBytes;
  return {
    beganAt: new Float64Array(control, start, 1),
    states: new Int32Array(control, start + 8, slotSize),
    runMs: new Float32Array(control, start + 8 + slotSize * 4, slotSize),
    wanted: new Uint8Array(control, start + 8 + slotSize * 8, slotSize),
  };
}

// The main thread's moves.

/** Has a task wait for the thread, which cannot look before the message of its batch has been posted. */
export function place({ states, wanted }: SlotMemory, index: number, isWanted: boolean): void {
  states[index] = slotState.waiting;
  wanted[index] = isWanted ? 1 : 0;
}

/** Takes a task back; false when its code has begun. */
export function withdraw({ states }: SlotMemory, index: number): boolean {
  return compareExchange(states, index, slotState.waiting, slotState.withdrawn) === slotState.waiting;
}

/** Marks a running task as one that is to stop; false when its code has ended already. */
export function requestStop({ states }: SlotMemory, index: number): boolean {
  return compareExchange(states, index, slotState.begun, slotState.stopping) === slotState.begun;
}

export function want({ wanted }: SlotMemory, index: number): void {
  wanted[index] = 1;
}

// The thread's moves.

/** Begins a task at `at` (`sharedNow()`); false when the main thread has withdrawn it. */
export function begin({ states, beganAt }: SlotMemory, index: number, at: number): boolean {
  // Before the state is `begun`, or the main thread might time the task from the beginning of another.
  beganAt[0] = at;
  return compareExchange(states, index, slotState.waiting, slotState.begun) === slotState.waiting;
}

/** Ends the running task after `ms`. */
export function end({ states, runMs }: SlotMemory, index: number, how: EndState, ms: number): void {
  runMs[index] = ms;
  store(states, index, how);
}

// What both sides read.

export function stateAt({ states }: SlotMemory, index: number): number {
  return load(states, index);
}

export function isRunning(value: number): boolean {
  return value === slotState.begun || value === slotState.stopping;
}

/** Whether its code runs or has run. A task that tampers with the memory leaves values that are no states. */
export function hasBegun(value: number): boolean {
  return (
    isRunning(value) || value === slotState.succeeded || value === slotState.failed || value === slotState.returned
  );
}

/** Whether its code has ended, or will never begin here. */
export function isDone(value: number): boolean {
  return value > slotState.stopping;
}

// The header: remarks are sent on credit, and a thread reports its memory where the main thread limits it or somebody looks.

/** The main thread has read a remark. */
export function acknowledgeRemark(header: Int32Array): void {
  add(header, acknowledgedField, 1);
}

/** How many of the `sent` remarks have not been read; the counters may wrap. */
export function remarksUnderWay(header: Int32Array, sent: number): number {
  return (sent - load(header, acknowledgedField)) | 0;
}

/** The thread is to report its memory after its next batch. */
export function askForMemory(header: Int32Array): void {
  store(header, memoryWantedField, 1);
}

/** Whether the main thread has asked since the last report. */
export function isMemoryWanted(header: Int32Array): boolean {
  return load(header, memoryWantedField) === 1;
}

export function reportMemory(header: Int32Array, bytes: number): void {
  store(header, memoryWantedField, 0);
  store(header, memoryField, Math.ceil(bytes / 2 ** 20));
}

/** Bytes that the thread held when it reported last. */
export function reportedMemory(header: Int32Array): number {
  return load(header, memoryField) * 2 ** 20;
}
