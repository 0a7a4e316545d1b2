import type { Capabilities, Provider } from '../storage/provider/provider.ts'
import { providerNamed } from '../storage/provider/providers.ts'
import type { ConnectionSettings } from '../storage/s3/connection.ts'
import { createServerProbe, type Caller, type ServerProbe } from '../storage/s3/probe/server-probe.ts'
import { createS3Store } from '../storage/s3/s3-store.ts'
import { AppError, hasCode } from '../util/errors.ts'
import { connect, type ConnectRequest } from './connect.ts'
import { checkReach } from './doctor-endpoint.ts'
import { finding, together, type DoctorFinding, type Examined } from './doctor-finding.ts'
import { checkAddressing, checkReading } from './doctor-reading.ts'
import { checkSharing } from './doctor-sharing.ts'
import { scratchBucket, tracesIn, type Traces } from './doctor-traces.ts'
import { checkWriting } from './doctor-writing.ts'
import { readServer, writeServer } from './server-book.ts'

export interface ServerRequest extends Omit<ConnectRequest, 'serversFile'> {
  /** Where what was seen is remembered for other commands. */
  serversFile: string
  /** False to leave that file alone. */
  save: boolean
  /** A bucket of one's own in which objects may be written, and removed again. */
  writeInto?: string | undefined
  /** Makes a bucket for all checks that write, and removes it. */
  scratch: boolean
}

/** What was found out about one server. */
export interface ExaminedServer {
  endpoint: string
  findings: DoctorFinding[]
  provider?: Provider
  savedTo?: string
}

/** Reaches the server, has the credentials accepted, and finds out what it does; remembers it when asked to. */
export async function examineServer(
  request: ServerRequest,
  settings: ConnectionSettings,
  signal: AbortSignal | undefined,
): Promise<ExaminedServer> {
  // What was remembered must not decide what is seen; and how the credentials were found has been said.
  const connection = await connect({
    ...request,
    serversFile: undefined,
    onNotice: undefined,
    retryFor: RETRY_FOR,
  })
  const { store, endpoint } = connection
  const probe = createServerProbe(settings)
  try {
    const reach = await checkReach(endpoint, signal)
    if (!reach.usable) return { endpoint, findings: reach.findings }
    const caller = await probe.caller({ signal })
    const accepted = callerFinding(caller)
    const findings = [...reach.findings, accepted]
    if (accepted.result === 'failed') return { endpoint, findings }

    const kind = kindOf(await store.provider({ signal }), caller)
    const once = createS3Store({ ...settings, provider: kind })
    try {
      const server = { store, once, probe, settings, caller, kind }
      const examined = await examine(server, request, signal)
      const provider = { ...kind, capabilities: await known(request, endpoint, kind, examined.seen) }
      if (request.save) await writeServer(request.serversFile, endpoint, provider, new Date())
      return {
        endpoint,
        findings: [...findings, kindFinding(kind), ...examined.findings],
        provider,
        ...(request.save ? { savedTo: request.serversFile } : {}),
      }
    } finally {
      once.close()
    }
  } finally {
    probe.close()
    connection.close()
  }
}

/** Seconds for which a busy server is asked again. */
const RETRY_FOR = 10

interface Server {
  store: Awaited<ReturnType<typeof connect>>['store']
  once: ReturnType<typeof createS3Store>
  probe: ServerProbe
  settings: ConnectionSettings
  caller: Caller
  kind: Provider
}

async function examine(
  server: Server,
  request: ServerRequest,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  const { store, caller } = server
  const { writeInto, scratch } = request
  if (writeInto !== undefined && !caller.buckets.includes(writeInto)) {
    throw new AppError('USAGE', `bucket ${writeInto} is none of your own`, {
      hints: ['name one that `sealift bucket list` shows, or let --scratch make one'],
    })
  }
  if (!scratch && writeInto === undefined) return examineReading(server, caller.buckets[0], signal)
  const places = writeInto === undefined ? [] : [tracesIn(store, writeInto)]
  if (!scratch) return examineWriting(server, places, false, signal)
  try {
    places.unshift(await scratchBucket(store, signal))
  } catch (error) {
    if (!hasCode(error, 'ACCESS_DENIED', 'STORE_FAILURE', 'UNSUPPORTED', 'BUCKET_EXISTS')) throw error
    const message = `no bucket can be made: ${error.message}`
    const noBucket = finding('scratch', 'failed', message, 'name a bucket of your own with --write')
    return together(
      { findings: [noBucket], seen: {} },
      await examineReading(server, caller.buckets[0], signal),
    )
  }
  return examineWriting(server, places, true, signal)
}

async function examineReading(
  { store, probe, settings }: Server,
  bucket: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  if (bucket === undefined) {
    const message = 'you have no bucket to look at, so nothing is known of policies, ACLs and versions'
    return { findings: [finding('bucket', 'skipped', message, 'let --scratch make one')], seen: {} }
  }
  return together(
    { findings: await checkAddressing(settings, bucket, signal), seen: {} },
    await checkReading(store, probe, bucket, signal),
  )
}

/** Everything written goes away again, also after a failure or an interrupt; what stays is said. */
async function examineWriting(
  server: Server,
  places: readonly Traces[],
  isScratch: boolean,
  signal: AbortSignal | undefined,
): Promise<Examined> {
  const { store, once, probe, kind, caller } = server
  const groups: Examined[] = []
  const left: string[] = []
  try {
    groups.push(await examineReading(server, places[0]?.bucket, signal))
    for (const [index, traces] of places.entries()) {
      groups.push(await checkWriting({ store, once, probe, traces, signal }))
      if (isScratch && index === 0) {
        groups.push(
          await checkSharing({ store, traces, dialect: kind.dialect, ownerId: caller.ownerId ?? '', signal }),
        )
      }
    }
  } finally {
    for (const traces of places) left.push(...(await traces.clean()))
    if (signal?.aborted === true && left.length > 0) tellLeft(signal.reason, left)
  }
  const gone = finding('cleanup', 'ok', 'everything that was written is removed again')
  const stayed = left.map((what) => finding('cleanup', 'failed', `left behind: ${what}`, 'remove it by hand'))
  return together(...groups, { findings: stayed.length === 0 ? [gone] : stayed, seen: {} })
}

/** An interrupt shows as itself; what stays goes with it. */
function tellLeft(reason: unknown, left: readonly string[]): void {
  if (!(reason instanceof AppError)) return
  throw new AppError(reason.code, reason.message, {
    hints: left.map((what) => `left behind: ${what}`),
    cause: reason,
  })
}

function callerFinding({ failure, ownerId, buckets }: Caller): DoctorFinding {
  if (failure === undefined) {
    const who = ownerId === undefined ? 'the server does not say whose' : `of ${ownerId}`
    return finding(
      'signature',
      'ok',
      `the credentials are accepted: ${who}, ${buckets.length} bucket${buckets.length === 1 ? '' : 's'}`,
    )
  }
  const mayNotList = failure.code === 'ACCESS_DENIED'
  return finding('signature', mayNotList ? 'warning' : 'failed', failure.message, failure.hints[0])
}

/** Keystone's projects are known by their ids: the tenant and its only user have the same 32 hex digits. */
function kindOf(provider: Provider, { ownerId = '' }: Caller): Provider {
  const isKeystone = provider.name === 'ceph' && /^([0-9a-f]{32})\$\1$/.test(ownerId)
  return isKeystone ? providerNamed('ceph-keystone') : provider
}

function kindFinding({ name, title }: Provider): DoctorFinding {
  if (name !== 'generic') return finding('provider', 'ok', `the server is ${title}`)
  return finding(
    'provider',
    'warning',
    'the kind of server is not recognised: nothing about sharing counts as proven',
    'name it with --provider if you know it, and let --scratch find out what it does',
  )
}

/**
 * What was seen now, above what was seen before, above what its kind does. One answer that is no policy does not make a
 * server that has them one without: it may be somebody else's on the way.
 */
async function known(
  { serversFile }: ServerRequest,
  endpoint: string,
  kind: Provider,
  seen: Partial<Capabilities>,
): Promise<Capabilities> {
  const before = await readServer(serversFile, endpoint)
  const found = { ...kind.capabilities, ...(before?.name === kind.name ? before.capabilities : {}), ...seen }
  const { policy } = kind.capabilities
  return policy === 'enforced' && found.policy === 'absent' ? { ...found, policy } : found
}
