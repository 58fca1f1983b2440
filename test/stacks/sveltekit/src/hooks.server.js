import { offloader } from "./offloader.js";

export function init() {
  offloader.shutdownOnSignals();
}
