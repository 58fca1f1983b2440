// Every cut, every flipped byte, garbage: everything before the damage is recovered exactly, and nothing after it is made up.
import { closeSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatVersion, header, headerLength } from "../../src/journal/format/format.js";
import { type ReadResult, RecordReader, readRecords } from "../../src/journal/format/read-records.js";
import type { JournalRecord } from "../../src/journal/format/record.js";
import { accept, afterKill, filesIn, replayed, testJournal } from "./journals.js";

interface Reading {
  readonly records: JournalRecord[];
  readonly result: ReadResult;
}

function read(bytes: Buffer): Reading {
  const records: JournalRecord[] = [];
  const result = readRecords(bytes, (record) => records.push(record));
  return { records, result };
}

/** A segment with records of every kind, and where each of them ends. */
async function sample(): Promise<{ dir: string; bytes: Buffer; ends: number[]; records: JournalRecord[] }> {
  const { journal, dir } = testJournal();
  for (let index = 0; index < 6; index++) {
    const entry = accept(journal, index % 2 === 0 ? { index, key: "photos/é.jpg" } : new Date(index), `work${index}`);
    journal.started(entry, 1);
    if (index % 3 === 0) journal.stopped(entry);
    if (index % 3 === 1) journal.ended(entry, "succeeded");
    await Promise.resolve();
  }
  const killed = afterKill(dir);
  const [file = ""] = filesIn(killed, ".segment");
  const bytes = readFileSync(file);
  const ends = [headerLength];
  for (let at = headerLength; at < bytes.length; at += 8 + bytes.readUInt32LE(at + 4)) {
    ends.push(at + 8 + bytes.readUInt32LE(at + 4));
  }
  return { dir: killed, bytes, ends, records: read(bytes).records };
}

/** The number of records that lie wholly before a byte. */
function wholeBefore(ends: readonly number[], byte: number): number {
  return Math.max(0, ends.filter((end) => end <= byte).length - 1);
}

describe("a segment that was cut off", () => {
  it("gives the exact prefix, at every byte, and does not count as damaged", async () => {
    const { bytes, ends, records } = await sample();
    expect(records).toHaveLength(ends.length - 1);
    for (let cut = 0; cut < bytes.length; cut++) {
      const reading = read(bytes.subarray(0, cut));
      expect(reading.records).toEqual(records.slice(0, wholeBefore(ends, cut)));
      expect(reading.result.outcome).toBe(ends.includes(cut) ? "complete" : "torn");
    }
  });

  it("gives the exact prefix when zeros stand where the rest should be, as after a power cut", async () => {
    const { bytes, ends, records } = await sample();
    for (const end of ends) {
      const reading = read(Buffer.concat([bytes.subarray(0, end), Buffer.alloc(5_000)]));
      expect(reading.records).toEqual(records.slice(0, wholeBefore(ends, end)));
      expect(reading.result).toEqual({ outcome: "torn", end });
    }
  });
});

describe("a long segment", () => {
  it("can be read in several goes, so that the event loop gets its turns", () => {
    const { journal, dir } = testJournal();
    for (let index = 0; index < 500; index++) accept(journal);
    const bytes = readFileSync(filesIn(dir, ".segment")[0] ?? "");
    const records: JournalRecord[] = [];
    const reader = new RecordReader(bytes, (record) => records.push(record));
    let goes = 1;
    let result = reader.readOn(() => true);
    for (; result === undefined; goes++) result = reader.readOn(() => true);
    expect(goes).toBeGreaterThan(5);
    expect({ records, result }).toEqual(read(bytes));
  });
});

describe("a torn tail that a client made look like many long records", () => {
  // Every eighth byte begins a record of type 1 with an id of one character and a length of 256 KiB.
  const plausible = (bytes: number): Buffer => Buffer.alloc(bytes, Buffer.from([1, 1, 0, 0, 0x2d, 0, 4, 0]));

  it("is read in a time that grows as its length does", async () => {
    const { bytes, records } = await sample();
    const frame = Buffer.alloc(8);
    frame.writeUInt32LE(0x7fffffff, 4);
    const file = Buffer.concat([bytes, frame, plausible(4 * 1024 * 1024)]);
    const begun = performance.now();
    const { result, records: found } = read(file);
    expect([result.outcome, found.length]).toEqual(["torn", records.length]);
    // About 0.3 s. Half a million CRCs of 256 KiB each take more than 30.
    expect(performance.now() - begun).toBeLessThan(8_000);
  });

  it("does not hide a whole record behind it, which shows that it is damage", async () => {
    const { bytes, ends, records } = await sample();
    const whole = bytes.subarray(headerLength, ends[1]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32LE(0x7fffffff, 4);
    const { result, records: found } = read(Buffer.concat([bytes, frame, plausible(100_000), whole]));
    expect([result.outcome, found.length]).toEqual(["damaged", records.length]);
  });
});

describe("a segment with a flipped byte", () => {
  it("gives the exact prefix, at every byte and for every bit", async () => {
    const { bytes, ends, records } = await sample();
    for (let at = 0; at < bytes.length; at++) {
      for (const mask of [0x01, 0x80, 0xff]) {
        const flipped = Buffer.from(bytes);
        flipped[at] = Number(flipped[at]) ^ mask;
        const reading = read(flipped);
        const whole = at < headerLength ? 0 : wholeBefore(ends, at);
        expect(reading.records).toEqual(records.slice(0, whole));
        expect(reading.result.end).toBe(at < headerLength ? 0 : ends[whole]);
        // Behind the last record nothing tells a cut from a wrong length.
        const last = whole === records.length - 1;
        expect(last ? ["torn", "damaged"] : ["unknown", "damaged"]).toContain(reading.result.outcome);
      }
    }
  });

  it("starts the process for every one of them, whichever byte it is", async () => {
    const { dir, bytes } = await sample();
    const [file = ""] = filesIn(dir, ".segment");
    for (let at = 0; at < bytes.length; at += 7) {
      const copy = afterKill(dir);
      const flipped = Buffer.from(bytes);
      flipped[at] = Number(flipped[at]) ^ 0x20;
      writeFileSync(path.join(copy, path.relative(dir, file)), flipped);
      const { journal } = testJournal({ dir: copy });
      const tasks = await replayed(journal);
      expect(tasks.length).toBeLessThanOrEqual(6);
      await journal.close();
    }
  });
});

describe("random bytes", () => {
  it("are never read as records", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (garbage, headed) => {
        const bytes = Buffer.concat([headed ? header() : Buffer.alloc(0), garbage]);
        const reading = read(bytes);
        expect(reading.records).toEqual([]);
        expect(reading.result.end).toBe(headed ? headerLength : 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("behind whole records take nothing from these", async () => {
    const { bytes, records } = await sample();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (garbage) => {
        expect(read(Buffer.concat([bytes, garbage])).records).toEqual(records);
      }),
      { numRuns: 500 },
    );
  });

  it("with a right CRC, but no sense, are no record", () => {
    // The CRC says nothing about the lengths within a record: they are checked against its end.
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 80 }), (body) => {
        const bytes = Buffer.concat([header(), sealed(Buffer.from(body))]);
        expect(() => read(bytes)).not.toThrow();
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a journal with a damaged segment", () => {
  it("recovers everything before the damage, names the file, and moves it to the damaged ones when its tasks have ended", async () => {
    const { journal, dir } = testJournal();
    const first = accept(journal);
    const second = accept(journal);
    accept(journal);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    const damagedAt = second.offset + 20;
    overwrite(file, damagedAt);
    const damaged = readFileSync(file);

    const next = testJournal({ dir: killed });
    const tasks = await replayed(next.journal);
    expect(tasks.map(({ id }) => id)).toEqual([first.id]);
    const line = next.lines.find(({ message }) => message.includes("damaged"));
    expect(line).toMatchObject({
      level: "error",
      fields: { result: "damaged", readUntil: second.offset, of: damaged.length },
    });
    expect(filesIn(path.join(killed, "damaged"), ".segment")).toEqual([]);

    for (const { entry } of tasks) next.journal.ended(entry, "succeeded");
    await next.journal.close();
    const [aside = ""] = filesIn(path.join(killed, "damaged"), ".segment");
    expect(line?.fields).toMatchObject({ movesTo: aside });
    expect(readFileSync(aside)).toEqual(damaged);
  });

  it("names the tasks that do not run because of one flipped bit, and none that has ended", async () => {
    const { journal, dir } = testJournal();
    const entries = Array.from({ length: 6 }, () => accept(journal));
    const [first, damaged, ended, ...unread] = entries;
    if (first === undefined || damaged === undefined || ended === undefined) throw new Error("too few");
    journal.ended(ended, "succeeded");
    await Promise.resolve();
    const expected = [damaged, ...unread].map(({ id }) => id);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    flipBit(file, damaged.offset + damaged.length - 1);

    const next = testJournal({ dir: killed });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([first.id]);
    expect(next.lines).toMatchObject([
      { level: "error", fields: { result: "damaged" } },
      { level: "error", fields: { ids: expected, of: expected.length } },
    ]);
  });

  it("names every task of a segment whose header is damaged", async () => {
    const { journal, dir } = testJournal();
    const ids = Array.from({ length: 1_200 }, () => accept(journal).id);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    flipBit(file, 3);
    const next = testJournal({ dir: killed });
    expect(await replayed(next.journal)).toEqual([]);
    const named = next.lines.flatMap(({ fields }) => ("ids" in fields ? (fields.ids as string[]) : []));
    expect(named).toEqual(ids);
  });

  it("recovers the other segments of the same process", async () => {
    const { journal, dir } = testJournal();
    const payload = "x".repeat(1_000_000);
    const entries = Array.from({ length: 14 }, () => accept(journal, payload));
    const killed = afterKill(dir);
    const files = filesIn(killed, ".segment");
    expect(files.length).toBeGreaterThan(2);
    const [, second = ""] = files;
    overwrite(second, 100);
    const lost = entries.filter((entry) => entry.segment?.name === path.basename(second));
    const next = testJournal({ dir: killed });
    const ids = (await replayed(next.journal)).map(({ id }) => id);
    expect(ids).toEqual(entries.filter((entry) => !lost.includes(entry)).map(({ id }) => id));
  });

  it("does not count a tail that was cut short as damage", async () => {
    const { journal, dir } = testJournal();
    const first = accept(journal);
    accept(journal);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    truncateSync(file, readFileSync(file).length - 3);
    const next = testJournal({ dir: killed });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([first.id]);
    expect(next.lines).toEqual([]);
  });

  it("keeps a file that is no segment", async () => {
    const { journal, dir } = testJournal();
    const entry = accept(journal);
    const killed = afterKill(dir);
    const [file = ""] = filesIn(killed, ".segment");
    writeFileSync(path.join(path.dirname(file), "0000000099.segment"), "PK\u0003\u0004 no segment");
    const next = testJournal({ dir: killed });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([entry.id]);
    expect(next.lines).toMatchObject([{ level: "error", fields: { result: "unknown" } }]);
  });
});

describe("a directory of a newer version", () => {
  it("is left as it is and named, and the others are taken over", async () => {
    const old = testJournal();
    const entry = accept(old.journal);
    const killed = afterKill(old.dir);
    const newer = path.join(killed, "owner-ffffffffffff");
    mkdirSync(newer);
    const segment = path.join(newer, "0000000001.segment");
    writeFileSync(segment, Buffer.concat([header(formatVersion + 1), Buffer.from("who knows")]));

    const next = testJournal({ dir: killed });
    expect((await replayed(next.journal)).map(({ id }) => id)).toEqual([entry.id]);
    expect(next.lines).toMatchObject([
      { level: "warn", fields: { directory: newer, version: formatVersion + 1, known: formatVersion } },
    ]);
    expect(next.lines[0]?.message).toContain("newer version of offload-after-response");
    expect(readFileSync(segment).subarray(16).toString()).toBe("who knows");
  });
});

function sealed(body: Buffer): Buffer {
  const frame = Buffer.alloc(8);
  frame.writeUInt32LE(body.length, 4);
  const record = Buffer.concat([frame, body]);
  record.writeUInt32LE(crcOf(record.subarray(4)), 0);
  return record;
}

/** CRC-32 by its definition, bit by bit. */
function crcOf(bytes: Buffer): number {
  let value = 0xffffffff;
  for (const byte of bytes) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return (value ^ 0xffffffff) >>> 0;
}

function overwrite(file: string, at: number): void {
  const fd = openSync(file, "r+");
  writeSync(fd, Buffer.from([0xde, 0xad]), 0, 2, at);
  closeSync(fd);
}

function flipBit(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = Number(bytes[at]) ^ 1;
  writeFileSync(file, bytes);
}
