// Stand-ins in the copy that the careful walk makes, for what V8 would write in another way than we want. A stand-in is a
// view, because V8's serializer hands views to us.
import type { ErrorContents } from "./make-error.js";
import { codes } from "./stream-format.js";

/** What a marker writes with. */
export interface MarkerWriter {
  writeUint32(value: number): void;
  writeDouble(value: number): void;
  writeValue(value: unknown): void;
  writeError(hasMembers: boolean, marker: ErrorMarker): void;
}

/** Writes its code and what belongs to it when its turn comes. One that is met twice is written once. */
export abstract class Marker extends Uint8Array {
  abstract write(writer: MarkerWriter): void;
}

/**
 * An error. Its contents are written behind the value, because they may lead back to the error: V8 knows a host object
 * only when it has been read whole.
 */
export class ErrorMarker extends Marker {
  contents: ErrorContents = { name: "Error", message: "" };

  override write(writer: MarkerWriter): void {
    writer.writeError(this.contents.errors !== undefined, this);
  }
}

/** A string from which its object is made again. */
export class TextMarker extends Marker {
  constructor(
    private readonly code: number,
    private readonly text: string,
  ) {
    super(0);
  }

  override write(writer: MarkerWriter): void {
    writer.writeUint32(this.code);
    writer.writeValue(this.text);
  }
}

/** An object that travels beside the stream. */
export class AsideMarker extends Marker {
  constructor(
    private readonly code: number,
    private readonly index: number,
  ) {
    super(0);
  }

  override write(writer: MarkerWriter): void {
    writer.writeUint32(this.code);
    writer.writeUint32(this.index);
  }
}

/** A view of a buffer that travels beside the stream. */
export class ViewMarker extends AsideMarker {
  constructor(
    code: number,
    index: number,
    private readonly offset: number,
    private readonly bytes: number,
  ) {
    super(code, index);
  }

  override write(writer: MarkerWriter): void {
    super.write(writer);
    writer.writeDouble(this.offset);
    writer.writeDouble(this.bytes);
  }
}

/** A File. Structured clone makes a Blob of it up to Node 22. */
export class FileMarker extends Marker {
  constructor(
    private readonly index: number,
    private readonly file: File,
  ) {
    super(0);
  }

  override write(writer: MarkerWriter): void {
    writer.writeUint32(codes.file);
    writer.writeUint32(this.index);
    writer.writeValue([this.file.name, this.file.lastModified]);
  }
}
