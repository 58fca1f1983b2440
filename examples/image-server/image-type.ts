// What kind of image a file is, by its first bytes: a name's ending and a Content-Type are only what the sender says.

/** As many bytes of a file as `imageType` looks at. */
export const headLength = 16;

const signatures: { type: string; at: number; bytes: Buffer }[] = [
  { type: "image/jpeg", at: 0, bytes: Buffer.from([0xff, 0xd8, 0xff]) },
  { type: "image/png", at: 0, bytes: Buffer.from("\x89PNG\r\n\x1a\n", "latin1") },
  { type: "image/gif", at: 0, bytes: Buffer.from("GIF8") },
  { type: "image/webp", at: 8, bytes: Buffer.from("WEBP") },
  { type: "image/avif", at: 4, bytes: Buffer.from("ftypavif") },
];

/** The media type, or undefined if the bytes begin none of JPEG, PNG, GIF, WebP and AVIF. */
export function imageType(head: Buffer): string | undefined {
  return signatures.find(({ at, bytes }) => head.subarray(at, at + bytes.length).equals(bytes))?.type;
}
