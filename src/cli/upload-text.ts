import { count, formatByteSize, formatTransfer, lines, table } from './report.ts'

/** What an upload tells; the workflow's own type has this shape. */
export interface UploadToPrint {
  bucket: string
  objects: readonly {
    source: string
    objectKey: string
    plaintextSize: number
    foundBytes: number
    verified: 'no' | 'tags' | 'parts'
    md5: string | undefined
    sha256: string
  }[]
  recipients: readonly { name: string; fingerprint: string }[]
  bytes: number
  foundBytes: number
  seconds: number
  journalIncomplete?: string | undefined
}

/** What was delivered, for people. The digests are in --json and in the log; of a single file they are shown. */
export function uploadText(result: UploadToPrint): string {
  const { objects } = result
  const [first] = objects
  const verified = objects.filter(({ verified }) => verified !== 'no').length
  return lines(
    table(
      objects.map(({ source, objectKey, plaintextSize, foundBytes }) => [
        source,
        `s3://${result.bucket}/${objectKey}`,
        formatByteSize(plaintextSize),
        foundBytes > 0 ? `${formatByteSize(foundBytes)} of it sent before` : '',
      ]),
    ),
    objects.length === 1 && first !== undefined ? `  SHA-256 ${first.sha256}` : undefined,
    objects.length === 1 && first?.md5 !== undefined ? `  MD5     ${first.md5}` : undefined,
    `uploaded ${count(objects.length, 'object')}, ${formatTransfer(result.bytes, result.seconds)}, sealed for`,
    table(result.recipients.map(({ name, fingerprint }) => [`  ${name}`, fingerprint])),
    result.journalIncomplete === undefined
      ? undefined
      : `how far it came could not be written down (${result.journalIncomplete}): stopped, it would have begun again`,
    verified > 0 ? `read back and verified: ${count(verified, 'object')}` : undefined,
  )
}

/** Something below the sources that becomes no object. */
export function leftOutText({ path, why }: { path: string; why: string }): string {
  return `left out ${path}: ${why}`
}
