/**
 * Gives the memory behind a buffer back at once, when the buffer is all of it; the buffer is empty then.
 * Blocks outside the JavaScript heap (what a cipher or a socket gives out, 64 KiB each) pile up to hundreds of MiB
 * until the garbage collector looks, and make it look often. Only for buffers that nobody else holds.
 */
export function releaseBuffer({ buffer, length }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0)
}
