import type { ConnectionSettings } from '../storage/s3/connection.ts'
import {
  createServerProbe,
  type ReadableSubResource,
  type ServerProbe,
} from '../storage/s3/probe/server-probe.ts'
import type { Capabilities } from '../storage/provider/provider.ts'
import type { Store } from '../storage/store.ts'
import { hasCode } from '../util/errors.ts'
import { check, examined, finding, together, type DoctorFinding, type Examined } from './doctor-finding.ts'

/** Where requests go when no endpoint is configured. */
const AWS_ENDPOINT = 'https://s3.amazonaws.com'

/** What an answer to a sub-resource is made of when the server knows the sub-resource. */
const ROOTS: Readonly<Record<ReadableSubResource, string>> = {
  policy: '{',
  acl: 'AccessControlPolicy',
  versioning: 'VersioningConfiguration',
}

const NAMES: Readonly<Record<ReadableSubResource, string>> = {
  policy: 'bucket policies',
  acl: 'ACLs',
  versioning: 'versioning',
}

/** What the server would do, when it does not know the sub-resource. */
const ABSENT: Readonly<Record<ReadableSubResource, Partial<Capabilities>>> = {
  policy: { policy: 'absent', policyConditions: 'absent', prefixCondition: 'absent' },
  acl: { bucketAcl: 'absent', objectAcl: 'absent' },
  versioning: { versioning: 'absent' },
}

/** Reads what one bucket of the caller's own says of itself, without changing anything. */
export async function checkReading(
  store: Store,
  probe: ServerProbe,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  return together(
    await checkSubResource(probe, bucket, 'policy', signal),
    await checkAcl(store, probe, bucket, signal),
    await checkSubResource(probe, bucket, 'versioning', signal),
  )
}

/** Whether a bucket is found as `endpoint/bucket`, which sealift uses, and as `bucket.endpoint`. */
export async function checkAddressing(
  settings: ConnectionSettings,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<DoctorFinding[]> {
  const path = await isFound({ ...settings, forcePathStyle: true }, bucket, signal)
  const url = URL.parse(settings.endpoint ?? AWS_ENDPOINT)
  const host = url?.host ?? ''
  const hasNames = !/^(\[.*\]|[\d.]+|localhost)$/.test(url?.hostname ?? '')
  const virtual = hasNames && (await isFound({ ...settings, forcePathStyle: false }, bucket, signal))
  return [
    path
      ? finding('path-style', 'ok', `buckets are found as ${host}/${bucket}`)
      : finding(
          'path-style',
          virtual ? 'warning' : 'failed',
          `the bucket is not found as ${host}/${bucket}`,
          'write addressing_style = virtual below s3 = in the profile of ~/.aws/config',
        ),
    hasNames
      ? finding(
          'virtual-host',
          virtual ? 'ok' : 'skipped',
          `buckets are ${virtual ? '' : 'not '}found as ${bucket}.${host}`,
        )
      : finding('virtual-host', 'skipped', `${host} has no names for buckets`),
  ]
}

async function isFound(
  settings: ConnectionSettings,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const probe = createServerProbe(settings)
  try {
    return (await probe.listing(bucket, { signal })).found
  } finally {
    probe.close()
  }
}

/** A status of 200 proves nothing: some servers answer an unknown sub-resource with the bare operation. */
async function checkSubResource(
  probe: ServerProbe,
  bucket: string,
  name: ReadableSubResource,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  const { status, root, failure } = await probe.subResource(bucket, name, { signal })
  const label = `${name}-read`
  const isThere = status === 200 ? root === ROOTS[name] : failure?.serverCode === 'NoSuchBucketPolicy'
  if (isThere) return examined(finding(label, 'ok', `${NAMES[name]} can be read`))
  if (status === 200) {
    const what = root === undefined ? 'nothing of the kind' : `a ${root}`
    const message = `asked for ${NAMES[name]}, the server answers 200 and ${what}: it has none`
    return examined(finding(label, 'warning', message), ABSENT[name])
  }
  if (failure?.code === 'UNSUPPORTED') {
    return examined(
      finding(label, 'warning', `the server has no ${NAMES[name]} (${status ?? ''})`),
      ABSENT[name],
    )
  }
  return examined(finding(label, 'skipped', failure?.message ?? 'no answer'))
}

async function checkAcl(
  store: Store,
  probe: ServerProbe,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  const read = await checkSubResource(probe, bucket, 'acl', signal)
  if (read.findings[0]?.result !== 'ok') return read
  const pretended = finding(
    'acl-read',
    'warning',
    'the server shows an ACL that names nobody: it only pretends to have ACLs',
  )
  return check('acl-read', 'warning', async () => {
    const ownerId = await ownerIdOf(store, bucket, signal)
    if (ownerId === undefined) return examined(pretended, { bucketAcl: 'ignored', objectAcl: 'ignored' })
    return examined(finding('acl-read', 'ok', `ACLs can be read; the bucket belongs to ${ownerId}`))
  })
}

/** The bucket's owner by its ACL; undefined when the ACL names nobody (MinIO). */
async function ownerIdOf(
  store: Store,
  bucket: string,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const { ownerId } = await store.bucketAcl(bucket, { signal })
    return ownerId === '' ? undefined : ownerId
  } catch (error) {
    // It is an ACL, as was seen, with grants for nobody.
    if (hasCode(error, 'UNSUPPORTED')) return undefined
    throw error
  }
}
