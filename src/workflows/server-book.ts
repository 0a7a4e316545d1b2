import { z } from 'zod'
import { PROVIDER_NAMES, type Provider } from '../storage/provider/provider.ts'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'

/** Servers that a book holds; the one seen longest ago makes room. Far more than anybody has. */
const SERVER_LIMIT = 200

const support = z.enum(['enforced', 'absent', 'ignored', 'unknown'])

const providerSchema: z.ZodType<Provider> = z.strictObject({
  name: z.enum(PROVIDER_NAMES),
  title: z.string().min(1).max(100),
  dialect: z.enum(['rgw', 'aws', 'account-name', 'scaleway']),
  capabilities: z.strictObject({
    policy: support,
    policyConditions: support,
    prefixCondition: support,
    policyReplacesOwner: z.boolean(),
    bucketAcl: support,
    objectAcl: support,
    uploaderOwns: z.boolean(),
    versioning: support,
    conditionalPut: support,
    conditionalComplete: support,
    copyPart: support,
    checksums: support,
    tenants: z.boolean(),
  }),
})

const serverSchema = z.object({ seenAt: z.iso.datetime(), provider: providerSchema })

const bookSchema = z.object({ version: z.literal(1), servers: z.record(z.string(), z.unknown()) })

/**
 * What `sealift doctor` found out about the server at an endpoint; undefined when it was never looked at, or by a
 * version that knew other capabilities. Throws FILE_UNREADABLE.
 */
export async function readServer(file: string, endpoint: string): Promise<Provider | undefined> {
  const { servers } = await readBook(file)
  return serverSchema.safeParse(servers[serverName(endpoint)]).data?.provider
}

/** Remembers what was found out about the server at an endpoint, instead of what was known. Throws FILE_UNREADABLE, DISK_FULL. */
export async function writeServer(
  file: string,
  endpoint: string,
  provider: Provider,
  seenAt: Date,
): Promise<void> {
  const { servers } = await readBook(file)
  const name = serverName(endpoint)
  const kept = Object.entries(servers)
    .filter(([other]) => other !== name)
    .sort(([, a], [, b]) => timeOf(b) - timeOf(a))
    .slice(0, SERVER_LIMIT - 1)
  const entry = { seenAt: seenAt.toISOString(), provider }
  await writeJsonFile(file, {
    version: 1,
    servers: Object.fromEntries([[name, entry], ...kept]),
  })
}

/** One name for one server, however its address was written: scheme, host and port, and a path where there is one. */
function serverName(endpoint: string): string {
  const url = URL.parse(endpoint)
  return url === null ? endpoint : `${url.origin}${url.pathname.replace(/\/+$/, '')}`
}

async function readBook(file: string): Promise<{ servers: Record<string, unknown> }> {
  const { servers } = await readJsonFile(file, bookSchema, { version: 1, servers: {} })
  // A name such as `constructor` must not find what every object inherits.
  return { servers: Object.assign(Object.create(null), servers) as Record<string, unknown> }
}

function timeOf(entry: unknown): number {
  const seen = z.object({ seenAt: z.iso.datetime() }).safeParse(entry).data
  return seen === undefined ? 0 : Date.parse(seen.seenAt)
}
