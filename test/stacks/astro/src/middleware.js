// Is loaded when the server starts, before the first request, and the offloader with it.
import "./offloader.js";

export const onRequest = (_context, next) => next();
