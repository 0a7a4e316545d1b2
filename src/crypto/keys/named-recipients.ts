import { decodeBase64 } from './key-text.ts'

/** Public keys of services, which users can name instead of giving a file. */
export interface NamedRecipient {
  publicKey: Uint8Array
  /** A phrase for help and listings. */
  description: string
}

/** By name, as users write it. */
export const NAMED_RECIPIENTS: ReadonlyMap<string, NamedRecipient> = new Map([
  [
    '@csc-sd',
    {
      // As published by CSC in docs/data/sensitive-data/csc-sd-services.pub, unchanged since 2021-05-31.
      publicKey: decodeBase64('dmku3fKA/wrOpWntUTkkoQvknjZDisdmSwU4oFk/on0='),
      description: "CSC's old SD services key, of SD Connect v1 and SD Desktop",
    },
  ],
])
