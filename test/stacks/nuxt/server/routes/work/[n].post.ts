export default defineEventHandler((event) => {
  offloader.offloadAfterResponse(event, "write", { n: event.context.params?.n });
  return { accepted: true };
});
