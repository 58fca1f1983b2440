// The queue in which Piscina keeps the greetings of threads that are not up yet. It is ours, so that a greeting whose thread could
// not be started can be taken out. Left there, `destroy()` would reject its `run()`: a promise that nobody has when `run()` threw
// because the system refused a thread (measured: the process ends by an unhandledRejection at its shutdown).
import { Piscina } from "piscina";

/** Which thread a greeting is for. The number is known once `run()` has returned. */
export interface Addressee {
  threadId: number | undefined;
}

type Greeting = object;

export class GreetingQueue {
  #greetings: Greeting[] = [];

  get size(): number {
    return this.#greetings.length;
  }

  shift(): never {
    return (this.#greetings.shift() ?? null) as never;
  }

  push(greeting: Greeting): void {
    this.#greetings.push(greeting);
  }

  /** Piscina puts back here what its balancer found no thread for. */
  unshift(greeting: Greeting): void {
    this.#greetings.unshift(greeting);
  }

  remove(greeting: Greeting): void {
    this.#greetings = this.#greetings.filter((other) => other !== greeting);
  }

  /** Takes out the greeting for a thread that will not come. */
  drop(addressee: Addressee): void {
    this.#greetings = this.#greetings.filter(
      (greeting) => Reflect.get(greeting, Piscina.queueOptionsSymbol) !== addressee,
    );
  }
}
