import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { crc32 } from 'node:zlib'
import { S3Error } from './s3-error.ts'

/** A checksum the client announced, as a header or as a trailer behind the body. */
export interface Checksum {
  update(bytes: Uint8Array): void
  /** Throws BadDigest when the body has another one, InvalidRequest when the announced trailer did not come. */
  verify(trailers: ReadonlyMap<string, string>): void
}

interface Digest {
  update(bytes: Uint8Array): void
  /** Base64. */
  digest(): string
}

/** Algorithms the sandbox can compute. Others (crc32c, crc64nvme) are accepted unverified, as Ceph RGW 16 does with all. */
const algorithms: Readonly<Record<string, () => Digest>> = {
  'x-amz-checksum-crc32': crc32Digest,
  'x-amz-checksum-sha1': () => hashDigest('sha1'),
  'x-amz-checksum-sha256': () => hashDigest('sha256'),
}

/** The flexible checksum of a request (S3 API, "Checking object integrity"); undefined when there is none to verify. */
export function announcedChecksum(headers: IncomingHttpHeaders): Checksum | undefined {
  const trailer = headers['x-amz-trailer']
  for (const [name, create] of Object.entries(algorithms)) {
    const header = headers[name]
    const trails = typeof trailer === 'string' && trailer.trim().toLowerCase() === name
    if (typeof header !== 'string' && !trails) continue
    const digest = create()
    return {
      update: (bytes) => {
        digest.update(bytes)
      },
      verify: (trailers) => {
        const wanted = typeof header === 'string' ? header : trailers.get(name)
        if (wanted === undefined) throw new S3Error('InvalidRequest', `the trailer ${name} is missing`)
        if (digest.digest() !== wanted)
          throw new S3Error('BadDigest', `the body does not have the ${name} given`)
      },
    }
  }
  return undefined
}

function hashDigest(algorithm: string): Digest {
  const hash = createHash(algorithm)
  return {
    update: (bytes) => {
      hash.update(bytes)
    },
    digest: () => hash.digest('base64'),
  }
}

function crc32Digest(): Digest {
  let value = 0
  return {
    update: (bytes) => {
      value = crc32(bytes, value)
    },
    digest: () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes.toString('base64')
    },
  }
}
