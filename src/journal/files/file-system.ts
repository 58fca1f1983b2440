// All calls of node:fs that the journal makes. A test can replace them, to make each of them fail.
import fs from "node:fs";

/** What the journal needs of a file system. All is synchronous except `sync`; every call throws Node's own errors. */
export interface FileSystem {
  mkdir(path: string, mode: number): void;
  open(path: string, flags: number | "r", mode?: number): number;
  /** Appends; returns the number of bytes that were written, which may be less than `length`. */
  write(fd: number, buffer: Buffer, offset: number, length: number): number;
  read(fd: number, buffer: Buffer, offset: number, length: number, position: number): number;
  truncate(fd: number, length: number): void;
  /** fdatasync, in the thread pool. */
  sync(fd: number, done: (error: NodeJS.ErrnoException | null) => void): void;
  close(fd: number): void;
  unlink(path: string): void;
  rmdir(path: string): void;
  rename(from: string, to: string): void;
  symlink(target: string, path: string): void;
  readdir(path: string): string[];
  stat(path: string): FileStatus;
  fstat(fd: number): FileStatus;
  /** The kernel's number for the kind of file system that `path` is on. */
  kind(path: string): number;
  /** The bytes of the file system that `path` is on: those that this user may still write, and all. */
  space(path: string): { readonly free: number; readonly total: number };
}

/** The part of `fs.Stats` that the journal reads. */
export interface FileStatus {
  readonly mode: number;
  readonly uid: number;
  readonly size: number;
  readonly nlink: number;
  readonly mtimeMs: number;
  isDirectory(): boolean;
}

export const nodeFileSystem: FileSystem = {
  mkdir: (path, mode) => fs.mkdirSync(path, mode),
  open: (path, flags, mode) => fs.openSync(path, flags, mode),
  write: (fd, buffer, offset, length) => fs.writeSync(fd, buffer, offset, length, null),
  read: (fd, buffer, offset, length, position) => fs.readSync(fd, buffer, offset, length, position),
  truncate: (fd, length) => fs.ftruncateSync(fd, length),
  sync: (fd, done) => fs.fdatasync(fd, done),
  close: (fd) => fs.closeSync(fd),
  unlink: (path) => fs.unlinkSync(path),
  rmdir: (path) => fs.rmdirSync(path),
  rename: (from, to) => fs.renameSync(from, to),
  symlink: (target, path) => fs.symlinkSync(target, path),
  readdir: (path) => fs.readdirSync(path),
  stat: (path) => fs.statSync(path),
  fstat: (fd) => fs.fstatSync(fd),
  kind: (path) => fs.statfsSync(path).type,
  space: (path) => {
    const { bavail, blocks, bsize } = fs.statfsSync(path);
    return { free: bavail * bsize, total: blocks * bsize };
  },
};

/** Reads `length` bytes from `position` on; fewer only at the end of the file. */
export function readFully(fs: FileSystem, fd: number, buffer: Buffer, length: number, position: number): number {
  let total = 0;
  while (total < length) {
    const count = fs.read(fd, buffer, total, length - total, position + total);
    if (count === 0) break;
    total += count;
  }
  return total;
}

/** A whole file. */
export function readFile(fs: FileSystem, path: string): Buffer {
  const fd = fs.open(path, "r");
  try {
    const { size } = fs.fstat(fd);
    const buffer = Buffer.allocUnsafeSlow(size);
    return buffer.subarray(0, readFully(fs, fd, buffer, size, 0));
  } finally {
    fs.close(fd);
  }
}

/** The `code` of a Node error, such as "ENOENT"; "" for anything else. */
export function errorCode(error: unknown): string {
  if (typeof error !== "object" || error === null || !("code" in error)) return "";
  return typeof error.code === "string" ? error.code : "";
}
