export default defineEventHandler((event) => {
  offloader.offloadAfterResponse("write", { n: event.context.params?.n }); // the response is found
  return { accepted: true };
});
