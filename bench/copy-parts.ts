/**
 * What the server itself takes to copy an object in parts: UploadPartCopy of the ranges that `rekey` has copied, as many
 * at a time, and nothing else. A program of its own, so that its start counts as that of the others does.
 *
 *   node bench/copy-parts.ts '{"endpoint":…,"bucket":…,"source":…,"target":…,"lengths":[…],"atOnce":4}'
 */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  S3Client,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3'

export interface CopyPartsJob {
  endpoint: string
  bucket: string
  source: string
  target: string
  /** Bytes of the parts, in their order. */
  lengths: number[]
  /** Parts at the same time. */
  atOnce: number
}

const { endpoint, bucket, source, target, lengths, atOnce } = JSON.parse(
  process.argv[2] ?? '',
) as CopyPartsJob
// Credentials from the environment's files, as the others have them.
const client = new S3Client({ endpoint, forcePathStyle: true })
const object = { Bucket: bucket, Key: target }
const { UploadId } = await client.send(new CreateMultipartUploadCommand(object))

let offset = 0
const parts = lengths.map((length, index) => {
  const first = offset
  offset += length
  return { PartNumber: index + 1, CopySourceRange: `bytes=${first}-${offset - 1}` }
})
const waiting = parts.values()
const worker = async (): Promise<void> => {
  for (const part of waiting) {
    const command = new UploadPartCopyCommand({
      ...object,
      UploadId,
      ...part,
      CopySource: `${bucket}/${source}`,
    })
    await client.send(command)
  }
}
await Promise.all(Array.from({ length: atOnce }, worker))
// Ceph RGW 16.2 does not tell the ETag in every answer.
const { Parts = [] } = await client.send(new ListPartsCommand({ ...object, UploadId }))
const MultipartUpload = { Parts: Parts.map(({ PartNumber, ETag }) => ({ PartNumber, ETag })) }
await client.send(new CompleteMultipartUploadCommand({ ...object, UploadId, MultipartUpload }))
client.destroy()
