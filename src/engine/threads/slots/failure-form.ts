// A failure as a reply carries it. Text, where that loses nothing: the main thread then reads it only when somebody looks at
// the error (measured: an error in parts costs it 3 us, the same as text 0.4).
import { toError, type WireError } from "../../../core/payload/thrown.js";

/** Text: "+" or, where another attempt is of no use, "-", and then the parts as JSON. */
export type FailureForm = string | WireError;

export function toFailureForm(wire: WireError): FailureForm {
  if (!isPlain(wire)) return wire;
  const { name, message, stack, fields } = wire;
  return `${wire.nonRetryable ? "-" : "+"}${JSON.stringify([name, message, stack, fields])}`;
}

/** Whether another attempt may be of use. */
export function isRetryable(form: FailureForm): boolean {
  return typeof form === "string" ? form.startsWith("+") : form.nonRetryable !== true;
}

/** Never throws, even if a task has forged the failure. */
export function failureOf(form: FailureForm): Error {
  try {
    if (typeof form !== "string") return toError(form);
    const [name, message, stack, fields] = JSON.parse(form.slice(1));
    return toError({ isError: true, name, message, stack: stack ?? undefined, fields: fields ?? undefined });
  } catch (cause) {
    return new Error("an error that cannot be read", { cause });
  }
}

/** Whether JSON brings all of it back. */
function isPlain({ isError, cause, errors, fields }: WireError): boolean {
  if (!isError || cause !== undefined || errors !== undefined) return false;
  for (const key in fields) {
    const value = fields[key];
    const type = typeof value;
    if (type !== "string" && type !== "boolean" && value !== null && !Number.isSafeInteger(value)) return false;
    if (key === "__proto__" || Object.is(value, -0)) return false;
  }
  return true;
}
