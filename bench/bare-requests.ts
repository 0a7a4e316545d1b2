/**
 * `node bench/bare-requests.ts ENDPOINT BUCKET KEY SIZE`: the requests of an upload and nothing else, in parts of 16 MiB,
 * eight at a time. The same block of memory is sent for every part, with a signature that says nothing of it: no file, no
 * hash, no cipher. What this takes, the server and the line take.
 */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { randomFillSync } from 'node:crypto'

const PART = 16 * 1024 ** 2
const AT_ONCE = 8

const [endpoint = '', Bucket = '', Key = '', bytes = '0'] = process.argv.slice(2)
const size = Number(bytes)
const client = new S3Client({
  endpoint,
  forcePathStyle: true,
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
})
const parts = Array.from({ length: Math.ceil(size / PART) }, (_, index) => index)
await upload()
client.destroy()

async function upload(): Promise<void> {
  // The signer takes a hash that is there already, this one for none.
  client.middlewareStack.add(
    (next) => (args) => {
      const { headers } = args.request as { headers: Record<string, string> }
      headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      return next(args)
    },
    { step: 'build' },
  )
  const block = randomFillSync(Buffer.allocUnsafeSlow(PART))
  const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
  const place = { Bucket, Key, UploadId }
  const Parts: { PartNumber: number; ETag: string | undefined }[] = []
  await eachPart(async (index) => {
    const PartNumber = index + 1
    const Body = block.subarray(0, Math.min(PART, size - index * PART))
    const { ETag } = await client.send(new UploadPartCommand({ ...place, PartNumber, Body }))
    Parts[index] = { PartNumber, ETag }
  })
  const MultipartUpload = { Parts }
  await client.send(new CompleteMultipartUploadCommand({ ...place, MultipartUpload }))
}

async function eachPart(move: (index: number) => Promise<void>): Promise<void> {
  const waiting = parts.values()
  const moveOn = async (): Promise<void> => {
    for (const index of waiting) await move(index)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, moveOn))
}
