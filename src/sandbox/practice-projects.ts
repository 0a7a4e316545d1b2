import { randomBytes } from 'node:crypto'
import type { SandboxProject } from './projects.ts'

/** The three of the story: the names their profiles get, and their projects. */
const roles = { group: 'project_2000222', producer: 'project_2000111', outsider: 'project_2000333' } as const

export type PracticeRole = keyof typeof roles

/** A research group, a data producer and somebody who has no business here, with fresh secrets. */
export function practiceProjects(): SandboxProject[] {
  return Object.entries(roles).map(([role, uid]) => ({
    uid,
    displayName: role,
    accessKeyId: `SANDBOX${randomBytes(6).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  }))
}

/**
 * Profiles to paste into ~/.aws/credentials, or to write to a file that AWS_SHARED_CREDENTIALS_FILE names.
 * A practice project's profile is called after its role, any other after its uid.
 */
export function awsProfiles(endpoint: string, projects: readonly SandboxProject[]): string {
  return projects
    .map((project) => {
      const role = Object.entries(roles).find(
        ([, uid]) => uid === project.uid && project.tenant === undefined,
      )
      return [
        `[${role?.[0] ?? project.uid}]`,
        `aws_access_key_id = ${project.accessKeyId}`,
        `aws_secret_access_key = ${project.secretAccessKey}`,
        'region = us-east-1',
        `endpoint_url = ${endpoint}`,
        '',
      ].join('\n')
    })
    .join('\n')
}
