// When written data is safe. "process": at once, because the kernel has it and a kill does not reach the kernel. "disk":
// after an fdatasync, which covers everything written before it.
import { type Deferred, deferred } from "../../base/deferred.js";
import type { Logger } from "../../base/logger.js";
import { nextTurn } from "../../base/time.js";
import { journalError } from "../files/failure.js";
import type { FileSystem } from "../files/file-system.js";

export interface Durability {
  /** Something was appended to an open file. */
  wrote(fd: number): void;
  /** Nothing more will be appended: closes the file, but not before it is safe. */
  retire(fd: number): void;
  /** A name was added to a directory, or removed. */
  named(directory: string): void;
  /** Resolves when everything written before the call is safe. */
  durable(): Promise<void>;
  /** Calls `action` when everything written until now is safe; actions run in the order of the calls. */
  afterwards(action: () => void): void;
}

const resolved = Promise.resolve();

export class ProcessDurability implements Durability {
  constructor(private readonly fs: FileSystem) {}

  wrote(): void {}

  retire(fd: number): void {
    closeQuietly(this.fs, fd);
  }

  named(): void {}

  durable(): Promise<void> {
    return resolved;
  }

  afterwards(action: () => void): void {
    action();
  }
}

/** The calls that share one sync. */
type Group = Deferred<void>;

export class DiskDurability implements Durability {
  #written = new Set<number>();
  #retired: number[] = [];
  #directories = new Set<string>();
  #actions: (() => void)[] = [];
  #next: Group | undefined;
  #running = false;

  /** @param failed called after an fdatasync has failed: nothing more may be written to that file, because it could be lost too */
  constructor(
    private readonly fs: FileSystem,
    private readonly logger: Logger,
    private readonly failed: () => void,
  ) {}

  wrote(fd: number): void {
    this.#written.add(fd);
    this.#group();
  }

  retire(fd: number): void {
    this.#written.delete(fd);
    this.#retired.push(fd);
    this.#group();
  }

  named(directory: string): void {
    this.#directories.add(directory);
    this.#group();
  }

  durable(): Promise<void> {
    return this.#group().promise;
  }

  afterwards(action: () => void): void {
    this.#actions.push(action);
    this.#group();
  }

  /** The group of the next sync. */
  #group(): Group {
    if (this.#next !== undefined) return this.#next;
    this.#next = makeGroup();
    // One turn later, so that everything accepted in this turn of the event loop shares one sync.
    if (!this.#running) nextTurn(() => void this.#run());
    return this.#next;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    for (let group = this.#next; group !== undefined; group = this.#next) {
      this.#next = undefined;
      await this.#sync(group);
    }
    this.#running = false;
  }

  async #sync(group: Group): Promise<void> {
    const written = [...this.#written];
    const retired = this.#retired;
    const directories = this.#directories;
    const actions = this.#actions.length;
    this.#written.clear();
    this.#retired = [];
    this.#directories = new Set();
    try {
      const syncs = [...written, ...retired].map((fd) => this.#syncFile(fd));
      for (const directory of directories) syncs.push(this.#syncDirectory(directory));
      const results = await Promise.allSettled(syncs);
      const failure = results.find((result) => result.status === "rejected");
      if (failure !== undefined) throw failure.reason;
    } catch (error) {
      const failure = journalError("sync to the disk of", "the journal", error);
      this.logger.error({ err: failure }, "journal: the last accepted tasks survive a kill, but maybe not a power cut");
      this.failed();
      group.reject(failure);
      // The actions wait for a sync that succeeds.
      return;
    } finally {
      for (const fd of retired) closeQuietly(this.fs, fd);
    }
    group.resolve();
    for (const action of this.#actions.splice(0, actions)) action();
  }

  #syncFile(fd: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.fs.sync(fd, (error) => (error ? reject(error) : resolve()));
    });
  }

  async #syncDirectory(directory: string): Promise<void> {
    let fd: number;
    try {
      fd = this.fs.open(directory, "r");
    } catch {
      // It has been removed meanwhile, with everything in it.
      return;
    }
    try {
      await this.#syncFile(fd);
    } finally {
      closeQuietly(this.fs, fd);
    }
  }
}

function makeGroup(): Group {
  const group = deferred();
  // Nobody has to wait for it.
  group.promise.catch(() => {});
  return group;
}

function closeQuietly(fs: FileSystem, fd: number): void {
  try {
    fs.close(fd);
  } catch {
    // Linux releases the descriptor even then, and the data was written before.
  }
}
