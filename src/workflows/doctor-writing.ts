import { createHash, randomBytes } from 'node:crypto'
import { hasCode } from '../util/errors.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import type { ServerProbe } from '../storage/s3/probe/server-probe.ts'
import type { Store } from '../storage/store.ts'
import { check, examined, finding, isUnsupported, together, type Examined } from './doctor-finding.ts'
import type { Traces } from './doctor-traces.ts'

/** Where the writing checks work. */
export interface WritingPlace {
  store: Store
  /** The same store without tries again: some checks want to be refused. */
  once: ObjectStore
  probe: ServerProbe
  traces: Traces
  signal: AbortSignal | undefined
}

/** Bytes of the objects of these checks. */
const BODY_SIZE = 1024

/** Stores, conditions, checksums and multipart uploads, on keys of their own; nothing else is touched. */
export async function checkWriting(place: WritingPlace): Promise<Examined> {
  const stored = await check('put-get', 'failed', () => putAndGet(place))
  // Without a first object the others would only tell the same again.
  if (stored.findings.some(({ result }) => result === 'failed')) return stored
  return together(
    stored,
    await check('signed-sha256', 'warning', () => wrongSha256(place)),
    await check('checksums', 'warning', () => wrongChecksum(place)),
    await check('conditional-put', 'warning', () => conditionalPut(place)),
    await check('multipart', 'failed', () => multipart(place)),
    await check('conditional-complete', 'warning', () => conditionalComplete(place)),
    await check('copy-part', 'warning', () => copyPart(place)),
  )
}

async function putAndGet({ store, traces, signal }: WritingPlace): Promise<Examined> {
  const body = randomBytes(BODY_SIZE)
  const { bucket } = traces
  const objectKey = `${traces.prefix}put`
  await store.putObject(bucket, objectKey, body, { signal })
  const answer = await store.getObject(bucket, objectKey, { signal })
  const chunks: Uint8Array[] = []
  for await (const chunk of answer.body) chunks.push(chunk)
  if (Buffer.concat(chunks).equals(body))
    return examined(finding('put-get', 'ok', 'an object comes back as it was stored'))
  return examined(
    finding('put-get', 'failed', 'an object does not come back as it was stored', 'do not use this server'),
  )
}

/** The body is signed as another one: the proof that bytes which change on the way are refused. */
async function wrongSha256({ once, traces, signal }: WritingPlace): Promise<Examined> {
  const sha256 = createHash('sha256').update('another body').digest('hex')
  try {
    await once.putObject(traces.bucket, `${traces.prefix}signed`, randomBytes(BODY_SIZE), { sha256, signal })
  } catch (error) {
    if (!isUnsupported(error) && !hasCode(error, 'INTEGRITY', 'INVALID_CREDENTIALS', 'ACCESS_DENIED'))
      throw error
    return examined(finding('signed-sha256', 'ok', 'a body other than the signed one is refused'))
  }
  return examined(
    finding(
      'signed-sha256',
      'warning',
      'a body other than the signed one is stored: the server does not check it',
      'upload with --verify, which reads everything back',
    ),
  )
}

async function wrongChecksum({ probe, traces, signal }: WritingPlace): Promise<Examined> {
  const { status, failure } = await probe.putWithWrongChecksum(traces.bucket, `${traces.prefix}checksum`, {
    signal,
  })
  if (status === 200) {
    const message =
      'a checksum header that does not fit is ignored; sealift relies on the signed SHA-256 instead'
    return examined(finding('checksums', 'ok', message), { checksums: 'ignored' })
  }
  if (status === 501) {
    return examined(finding('checksums', 'ok', 'the server has no checksum headers'), { checksums: 'absent' })
  }
  if (status === 400) {
    return examined(finding('checksums', 'ok', 'a checksum header that does not fit is refused'), {
      checksums: 'enforced',
    })
  }
  return examined(
    finding('checksums', 'warning', failure?.message ?? `the server answers ${status ?? 'nothing'}`),
  )
}

async function conditionalPut({ store, traces, signal }: WritingPlace): Promise<Examined> {
  const { bucket } = traces
  const objectKey = `${traces.prefix}conditional`
  const put = () => store.putObject(bucket, objectKey, randomBytes(BODY_SIZE), { ifAbsent: true, signal })
  try {
    await put()
  } catch (error) {
    if (!isUnsupported(error)) throw error
    const message = 'the server refuses conditional writes: two uploads to one key may overwrite each other'
    return examined(finding('conditional-put', 'warning', message), { conditionalPut: 'absent' })
  }
  try {
    await put()
  } catch (error) {
    if (!hasCode(error, 'OBJECT_EXISTS')) throw error
    return examined(
      finding('conditional-put', 'ok', 'an object that exists is not replaced (If-None-Match)'),
      {
        conditionalPut: 'enforced',
      },
    )
  }
  const message = 'If-None-Match is accepted and ignored: two uploads to one key may overwrite each other'
  return examined(finding('conditional-put', 'warning', message), { conditionalPut: 'ignored' })
}

async function multipart(place: WritingPlace): Promise<Examined> {
  const { store, traces, signal } = place
  const objectKey = `${traces.prefix}multipart`
  const { upload, part } = await uploadOnePart(place, objectKey)
  const listed = []
  for await (const one of store.listParts(upload, { signal })) listed.push(one)
  if (listed.length !== 1 || listed[0]?.etag !== part.etag || listed[0].size !== BODY_SIZE) {
    return examined(
      finding(
        'multipart',
        'failed',
        'the server does not list the part that was uploaded',
        'transfers could not be checked here',
      ),
    )
  }
  await store.completeMultipartUpload(upload, [part], { signal })
  const { size } = await store.headObject(traces.bucket, objectKey, { signal })
  if (size !== BODY_SIZE)
    return examined(finding('multipart', 'failed', 'a multipart upload became another object'))
  return examined(finding('multipart', 'ok', 'multipart uploads work, and their parts are listed'))
}

async function conditionalComplete(place: WritingPlace): Promise<Examined> {
  const { store, traces, signal } = place
  const objectKey = `${traces.prefix}complete`
  await store.putObject(traces.bucket, objectKey, randomBytes(BODY_SIZE), { signal })
  const { upload, part } = await uploadOnePart(place, objectKey)
  try {
    await store.completeMultipartUpload(upload, [part], { ifAbsent: true, signal })
  } catch (error) {
    if (hasCode(error, 'OBJECT_EXISTS')) {
      const message = 'a multipart upload does not replace an object that exists (If-None-Match)'
      return examined(finding('conditional-complete', 'ok', message), { conditionalComplete: 'enforced' })
    }
    if (!isUnsupported(error)) throw error
    return examined(
      finding('conditional-complete', 'ok', 'the server has no conditions for multipart uploads'),
      {
        conditionalComplete: 'absent',
      },
    )
  }
  const message =
    'multipart uploads replace what exists in spite of If-None-Match; sealift looks before as well'
  return examined(finding('conditional-complete', 'ok', message), { conditionalComplete: 'ignored' })
}

async function copyPart({ store, traces, signal }: WritingPlace): Promise<Examined> {
  const { bucket, prefix } = traces
  const objectKey = `${prefix}copied`
  const upload = await opened(store, traces, objectKey, signal)
  try {
    const source = { bucket, objectKey: `${prefix}put`, range: { offset: 0, length: BODY_SIZE / 2 } }
    const part = await store.copyPart(upload, 1, source, { signal })
    await store.completeMultipartUpload(upload, [part], { signal })
  } catch (error) {
    if (!isUnsupported(error)) throw error
    const message =
      'the server does not copy ranges of objects by itself: access adopt and rekey move every byte'
    return examined(finding('copy-part', 'warning', message), { copyPart: 'absent' })
  }
  const { size } = await store.headObject(bucket, objectKey, { signal })
  if (size === BODY_SIZE / 2) {
    return examined(finding('copy-part', 'ok', 'ranges of objects are copied on the server'), {
      copyPart: 'enforced',
    })
  }
  return examined(finding('copy-part', 'warning', 'a copied range has another length than was asked for'), {
    copyPart: 'ignored',
  })
}

async function uploadOnePart({ store, traces, signal }: WritingPlace, objectKey: string) {
  const upload = await opened(store, traces, objectKey, signal)
  const part = await store.uploadPart(upload, 1, randomBytes(BODY_SIZE), { signal })
  return { upload, part }
}

async function opened(store: Store, traces: Traces, objectKey: string, signal: AbortSignal | undefined) {
  const { bucket } = traces
  const uploadId = await store.createMultipartUpload(bucket, objectKey, { signal })
  return traces.opened({ bucket, objectKey, uploadId })
}
