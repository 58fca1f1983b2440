// In development: an instance of a class arrives as a plain object, which surprises whoever wrote the class. The first
// instance of each class is warned of.
import type { Logger } from "../base/logger.js";
import type { TaskDefinition } from "../core/definition.js";
import type { OnInstance } from "../core/payload/classes.js";

export class InstanceWarnings {
  constructor(
    private readonly logger: Logger,
    private readonly active: boolean = process.env.NODE_ENV !== "production",
  ) {}

  /** Warns of the instances in the payloads of one task; undefined where nobody is to be warned. */
  of({ name }: TaskDefinition): OnInstance | undefined {
    if (!this.active) return undefined;
    return (madeBy, path) => {
      const className = nameOf(madeBy);
      this.logger.warn(
        { task: name, path, class: className },
        `${path} is an instance of ${className}, which arrives in the task as a plain object, without its methods; ` +
          "send plain data, or mark the class with static plainPayload = true",
      );
    };
  }
}

function nameOf(madeBy: unknown): string {
  return typeof madeBy === "function" && madeBy.name !== "" ? madeBy.name : "a class without a name";
}
