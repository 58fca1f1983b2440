// The connections of one kind, each with what is known of it, until it closes.
import type { EventEmitter } from "node:events";

interface Entry<Value> {
  readonly value: Value;
  readonly onClose: () => void;
}

export class ConnectionMap<Connection extends EventEmitter, Value> {
  private readonly entries = new Map<Connection, Entry<Value>>();

  /** @param onClosed called after a connection has closed and left the map */
  constructor(private readonly onClosed: () => void) {}

  get size(): number {
    return this.entries.size;
  }

  get(connection: Connection): Value | undefined {
    return this.entries.get(connection)?.value;
  }

  /** Returns the value. */
  add(connection: Connection, value: Value): Value {
    const onClose = (): void => {
      this.entries.delete(connection);
      this.onClosed();
    };
    this.entries.set(connection, { value, onClose });
    connection.on("close", onClose);
    return value;
  }

  /** Forgets a connection and leaves it open. */
  remove(connection: Connection): void {
    const entry = this.entries.get(connection);
    if (entry === undefined) return;
    connection.off("close", entry.onClose);
    this.entries.delete(connection);
  }

  /** A list of its own, so that connections may close while it is read. */
  all(): [Connection, Value][] {
    return [...this.entries].map(([connection, { value }]) => [connection, value]);
  }

  /** Forgets every connection and leaves it open. */
  clear(): void {
    for (const connection of [...this.entries.keys()]) this.remove(connection);
  }
}
