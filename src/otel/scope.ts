// The scope of every span and metric: this package.
export const name = "offload-after-response";
/** Of package.json. */
export const version = "0.1.0";
