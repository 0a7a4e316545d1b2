/** libsodium, ready to use. WebAssembly must be compiled before the first call, hence the promise. */
import sodium from 'libsodium-wrappers'

export type Sodium = typeof sodium

/** libsodium after its WebAssembly was compiled. */
export async function readySodium(): Promise<Sodium> {
  await sodium.ready
  return sodium
}
