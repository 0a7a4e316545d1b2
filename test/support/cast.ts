import type { S3Client } from '@aws-sdk/client-s3'

import type { Backend, Project } from './backends.ts'
import { createPerson } from './cli.ts'
import type { Person } from './cli.ts'
import { s3Client } from './s3.ts'

/** Someone of a project: at a terminal, and with a plain S3 client for what sealift would not send. */
export interface Member extends Person {
  project: Project
  s3: S3Client
  /** Another plain client, as a process started later has it. */
  newClient(): S3Client
}

/** The people of every story. */
export interface Cast {
  /** Owns the bucket and the key pair. */
  group: Member
  /** Is let in. */
  producer: Member
  /** Is never let in. */
  outsider: Member
  leave(): Promise<void>
}

export async function createCast({ endpoint, projects }: Backend): Promise<Cast> {
  const member = async (project: Project): Promise<Member> => {
    const newClient = (): S3Client => s3Client(endpoint, project)
    return { ...(await createPerson(endpoint, project)), project, s3: newClient(), newClient }
  }
  const group = await member(projects.group)
  const producer = await member(projects.producer)
  const outsider = await member(projects.outsider)
  return {
    group,
    producer,
    outsider,
    async leave() {
      for (const person of [group, producer, outsider]) {
        person.s3.destroy()
        await person.leave()
      }
    },
  }
}

/** The passphrase of every secret key in the stories. */
export const PASSPHRASE = { C4GH_PASSPHRASE: 'a passphrase for tests' }

/** The group makes its key pair and opens a bucket for the producer. */
export async function openImportBucket(group: Member, producer: Member, bucket: string): Promise<void> {
  await group.json(['key', 'generate', 'animine'], { env: PASSPHRASE })
  await group.json(['project', 'add', producer.project.name, producer.project.identity])
  const to = ['--for', producer.project.name, '--key', 'animine.pub', '--until', '14d']
  await group.json(['bucket', 'open', bucket, ...to])
}
