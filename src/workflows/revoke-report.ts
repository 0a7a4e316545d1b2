import { access } from 'node:fs/promises'
import { z } from 'zod'
import { PROVIDER_NAMES } from '../storage/provider/provider.ts'
import { writeFileAtomically } from '../util/atomic-file.ts'
import { AppError } from '../util/errors.ts'
import { fileError } from '../util/file-errors.ts'
import { PROBE_ANSWERS, PROBE_OPERATIONS } from './access-probe.ts'
import { REMAINING_KINDS } from './open-paths.ts'
import type { RevokeResult } from './revoke-access.ts'
import { signDetached, SIGNATURE_NAMESPACE, sshKeyFingerprint } from './sign-report.ts'

const upload = z.strictObject({ objectKey: z.string(), uploadId: z.string() })

/** docs/formats/revoke-report.md. A field that is added, dropped or means something else makes another version. */
export const revokeReportSchema = z.strictObject({
  format: z.literal('sealift-revoke-report'),
  version: z.literal(1),
  /** ISO 8601, by this machine's clock. */
  madeAt: z.iso.datetime(),
  endpoint: z.string(),
  provider: z.enum(PROVIDER_NAMES),
  bucket: z.string(),
  ownerId: z.string(),
  project: z.string(),
  identity: z.string(),
  mechanism: z.enum(['policy', 'acl']),
  state: z.enum(['enforced', 'stored', 'still-accessible']),
  removed: z.strictObject({
    statements: z.array(z.string()),
    bucketGrants: z.array(z.string()),
    objects: z.array(z.string()),
  }),
  aborted: z.array(upload),
  unclearUploads: z.array(upload),
  blocked: z.boolean(),
  remaining: z.array(
    z.strictObject({
      kind: z.enum(REMAINING_KINDS),
      detail: z.string(),
      objectKey: z.string().optional(),
      versionId: z.string().optional(),
    }),
  ),
  probes: z.array(
    z.strictObject({
      caller: z.string(),
      operation: z.enum(PROBE_OPERATIONS),
      place: z.string().optional(),
      objectKey: z.string().optional(),
      versionId: z.string().optional(),
      answer: z.enum(PROBE_ANSWERS),
      detail: z.string().optional(),
      at: z.iso.datetime(),
    }),
  ),
  unproven: z.array(z.string()),
  leftovers: z.array(z.string()),
  cannotBeRecalled: z.array(z.string()),
  /** Fingerprint of the SSH key, where the report is signed. */
  signedBy: z.string().optional(),
})
export type RevokeReport = z.infer<typeof revokeReportSchema>

/** Where a report goes, looked at before anything is changed. */
export interface ReportPlace {
  file: string
  key: { file: string; fingerprint: string } | undefined
}

/** Files that were written. */
export interface WrittenReport {
  file: string
  signature?: string
}

/**
 * Checks that a report can be written and signed. Throws FILE_EXISTS for a file that is there, its signature's too:
 * reports are evidence; SIGNING_FAILED without ssh-keygen or for a file that is no SSH key.
 */
export async function planReport(file: string, keyFile: string | undefined): Promise<ReportPlace> {
  for (const path of keyFile === undefined ? [file] : [file, signatureOf(file)]) {
    if (await isThere(path)) {
      throw new AppError('FILE_EXISTS', `${path} exists`, {
        hints: ['a report never replaces another: choose another name'],
      })
    }
  }
  const key =
    keyFile === undefined ? undefined : { file: keyFile, fingerprint: await sshKeyFingerprint(keyFile) }
  return { file, key }
}

/** Writes the report, and its signature beside it. Throws SIGNING_FAILED, with the unsigned report written. */
export async function writeReport(
  place: ReportPlace,
  endpoint: string,
  result: RevokeResult,
): Promise<WrittenReport> {
  const { file, key } = place
  const content = serializeReport(reportOf(endpoint, result, key?.fingerprint))
  await write(file, content)
  if (key === undefined) return { file }
  try {
    await write(signatureOf(file), await signDetached(content, key.file))
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    const byHand = `ssh-keygen -Y sign -n ${SIGNATURE_NAMESPACE} -f ${key.file} ${file}`
    const hints = [`the revocation itself is done, and ${file} is written; sign it with \`${byHand}\``]
    throw new AppError(error.code, error.message, { hints, cause: error })
  }
  return { file, signature: signatureOf(file) }
}

/**
 * Canonical JSON (RFC 8785: fields in the order of their names, no white space) and a line end, so that the same report
 * always has the same bytes.
 */
export function serializeReport(report: RevokeReport): string {
  return `${canonicalJson(report)}\n`
}

/** Field by field: what a result gets besides is not part of the format. Checked, since readers will rely on it. */
function reportOf(endpoint: string, result: RevokeResult, signedBy: string | undefined): RevokeReport {
  return revokeReportSchema.parse({
    format: 'sealift-revoke-report',
    version: 1,
    madeAt: new Date().toISOString(),
    endpoint,
    provider: result.provider,
    bucket: result.bucket,
    ownerId: result.ownerId,
    project: result.project,
    identity: result.identity,
    mechanism: result.mechanism,
    state: result.state,
    removed: result.removed,
    aborted: result.aborted,
    unclearUploads: result.unclearUploads,
    blocked: result.blocked,
    remaining: result.remaining,
    probes: result.probes,
    unproven: result.unproven,
    leftovers: result.leftovers,
    cannotBeRecalled: result.cannotBeRecalled,
    signedBy,
  } satisfies RevokeReport)
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    // By UTF-16 code units, which is how strings compare.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonicalJson(field)}`)
  return `{${fields.join(',')}}`
}

function signatureOf(file: string): string {
  return `${file}.sig`
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}

async function write(file: string, content: string): Promise<void> {
  try {
    // Evidence is to be shown: the umask decides who may read it.
    await writeFileAtomically(file, content, { mode: 0o644, ifAbsent: true })
  } catch (error) {
    throw fileError(error, 'write', file)
  }
}
