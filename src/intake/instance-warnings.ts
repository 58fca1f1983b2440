// Warnings for development: an instance of a class arrives in the task as a plain object, or as the built-in object that the
// class extends, which may surprise the author of the class. Each class is warned of once in a process.
import type { Logger } from "../base/logger.js";
import type { OnInstance } from "../core/payload/walk/classes.js";

export class InstanceWarnings {
  constructor(
    private readonly logger: Logger,
    private readonly active: boolean = process.env.NODE_ENV !== "production",
  ) {}

  /**
   * What `capture` calls for an instance in a payload; undefined in production.
   *
   * @param task the name of the task whose payload is being captured
   */
  for(task: () => string): OnInstance | undefined {
    if (!this.active) return undefined;
    return (type, path, arrivesAs) => {
      const className = nameOf(type);
      this.logger.warn(
        { task: task(), path, class: className },
        `${path} is an instance of ${className}, which arrives in the task as ${article(arrivesAs)} ${arrivesAs}, without its methods; ` +
          "send plain data, or mark the class with static plainPayload = true",
      );
    };
  }
}

function nameOf(type: unknown): string {
  return typeof type === "function" && type.name !== "" ? type.name : "a class without a name";
}

function article(name: string): string {
  return /^[AI]/.test(name) ? "an" : "a";
}
