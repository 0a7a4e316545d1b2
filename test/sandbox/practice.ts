import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import { practiceProjects } from '../../src/sandbox/practice-projects.ts'
import type { SandboxProject } from '../../src/sandbox/projects.ts'
import { type SandboxOptions, startSandbox } from '../../src/sandbox/server.ts'

/** A sandbox with a client for each of its three projects, and one that signs nothing. */
export interface Practice {
  endpoint: string
  directory: string
  projects: Record<'group' | 'producer' | 'outsider', SandboxProject>
  group: S3Client
  producer: S3Client
  outsider: S3Client
  anonymous: S3Client
  close(): Promise<void>
}

export async function startPractice(options: Partial<SandboxOptions> = {}): Promise<Practice> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'sealift-sandbox-')))
  const [group, producer, outsider] = options.projects ?? practiceProjects()
  const projects = { group: group!, producer: producer!, outsider: outsider! }
  const sandbox = await startSandbox({ ...options, directory, projects: Object.values(projects) })
  const clients = {
    group: client(sandbox.endpoint, projects.group),
    producer: client(sandbox.endpoint, projects.producer),
    outsider: client(sandbox.endpoint, projects.outsider),
    anonymous: anonymousClient(sandbox.endpoint),
  }
  return {
    endpoint: sandbox.endpoint,
    directory,
    projects,
    ...clients,
    close: async () => {
      for (const each of Object.values(clients)) each.destroy()
      await sandbox.close()
      if (options.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
}

export function client(
  endpoint: string,
  credentials: { accessKeyId: string; secretAccessKey: string },
  config: S3ClientConfig = {},
): S3Client {
  return new S3Client({
    endpoint,
    credentials,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...config,
  })
}

export function anonymousClient(endpoint: string): S3Client {
  return client(
    endpoint,
    { accessKeyId: 'none', secretAccessKey: 'none' },
    { signer: { sign: (request) => Promise.resolve(request) } },
  )
}

/** `200`, or `403 AccessDenied`: the outcome of a request as one text. HEAD has no body and so no code. */
export async function outcome(request: Promise<{ $metadata: { httpStatusCode?: number } }>): Promise<string> {
  try {
    const answer = await request
    const body: unknown = (answer as { Body?: unknown }).Body
    if (body !== undefined)
      await (body as { transformToByteArray(): Promise<unknown> }).transformToByteArray()
    return String(answer.$metadata.httpStatusCode)
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    return `${error.$metadata.httpStatusCode ?? 0} ${error.name}`
  }
}
