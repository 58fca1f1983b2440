// A connection in memory, for benchmarks that are to run nothing but Node.js's HTTP and the library. It is a socket of Node.js's, as those of
// real clients are.
import { Socket } from "node:net";

export class MemoryConnection extends Socket {
  _read() {}

  _write(_chunk, _encoding, done) {
    done();
  }

  _writev(_chunks, done) {
    done();
  }

  /** It is open, as that of a real client is. */
  get pending() {
    return false;
  }

  // There is no handle that could time out.
  setTimeout() {
    return this;
  }
}
