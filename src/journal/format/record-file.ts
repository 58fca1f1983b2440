// Reads ACCEPTED records back from their segments, one at a time.
import type { KeptRecord } from "../../store/store.js";
import { type FileSystem, readFully } from "../files/file-system.js";
import { type AcceptedRecord, readAccepted } from "./record.js";

export interface ReadRecord {
  readonly record: AcceptedRecord;
  /** The record; valid until the next one is read. */
  readonly bytes: Buffer;
}

// Records in a row are read ahead: 100,000 of them took 0.5 s longer with one read each.
const readAhead = 256 * 1024;

export class RecordFile {
  // Records are read in the order of acceptance, so the next one is usually in the same file.
  #path: string | undefined;
  #fd = -1;
  // A part of the file: `#length` bytes from `#from` on.
  #window = Buffer.alloc(0);
  #from = 0;
  #length = 0;

  constructor(private readonly fs: FileSystem) {}

  /** @throws Node's error, or one that names the record */
  read(place: KeptRecord): ReadRecord {
    this.#open(place.path);
    const wasAhead = this.#isAhead(place);
    if (!wasAhead) this.#move(place);
    const read = this.#look(place);
    if (read !== undefined) return read;
    // The segment is still written to: what was read ahead may have been cut off and written anew.
    if (wasAhead) this.#move(place);
    const again = wasAhead ? this.#look(place) : undefined;
    if (again === undefined) throw new Error(`byte ${place.offset} of ${place.path} is damaged`);
    return again;
  }

  #isAhead({ offset, length }: KeptRecord): boolean {
    return offset >= this.#from && offset + length <= this.#from + this.#length;
  }

  /** undefined if the bytes are not the record of the task. */
  #look({ id, offset, length }: KeptRecord): ReadRecord | undefined {
    const start = offset - this.#from;
    const bytes = this.#window.subarray(start, Math.min(start + length, this.#length));
    const record = readAccepted(bytes, 0);
    return record?.id === id ? { record, bytes } : undefined;
  }

  close(): void {
    if (this.#path === undefined) return;
    this.#path = undefined;
    this.fs.close(this.#fd);
  }

  #move({ offset, length }: KeptRecord): void {
    const goesOn = offset >= this.#from && offset < this.#from + this.#length + readAhead;
    const wanted = goesOn ? Math.max(length, readAhead) : length;
    if (this.#window.length < wanted) this.#window = Buffer.allocUnsafeSlow(wanted);
    this.#length = 0;
    this.#from = offset;
    this.#length = readFully(this.fs, this.#fd, this.#window, wanted, offset);
  }

  #open(path: string): void {
    if (path === this.#path) return;
    this.close();
    this.#fd = this.fs.open(path, "r");
    this.#path = path;
    this.#from = 0;
    this.#length = 0;
  }
}
