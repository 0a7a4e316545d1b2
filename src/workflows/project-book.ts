import { z } from 'zod'
import { isTypedIdentity, parseGrantee, serializeGrantee } from '../storage/access/grantee.ts'
import { AppError } from '../util/errors.ts'
import { readJsonFile, writeJsonFile } from '../util/json-file.ts'
import type { KnownProject } from './sharing.ts'

/** A line of the address book. */
export interface Project {
  name: string
  /** Typed: `rgw:…`, `keystone:…`, `arn:…`, `canonical:…` or `access-key:…`. */
  identity: string
}

export interface AddedProject extends Project {
  /** The identity that the name stood for before, when that was another. */
  previous?: string
}

const bookSchema = z.object({ version: z.literal(1), projects: z.record(z.string(), z.string()) })

/** The address book, by name. */
export async function readProjects(path: string): Promise<Project[]> {
  const { projects } = await readBook(path)
  return Object.entries(projects)
    .map(([name, identity]) => ({ name, identity }))
    .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

/** Enters a project under a name, or gives the name another identity. Throws USAGE for what is neither. */
export async function addProject(path: string, name: string, identity: string): Promise<AddedProject> {
  if (!/^[A-Za-z0-9][\w.-]{0,99}$/.test(name)) {
    throw new AppError('USAGE', `not a name for a project: ${JSON.stringify(name)}`, {
      hints: ['use letters, digits, dots, dashes and underscores, such as project_2000111'],
    })
  }
  const typed = serializeGrantee(parseGrantee(identity))
  const { projects } = await readBook(path)
  const previous = projects[name]
  if (previous !== typed) await writeJsonFile(path, { version: 1, projects: { ...projects, [name]: typed } })
  return { name, identity: typed, ...(previous === undefined || previous === typed ? {} : { previous }) }
}

/**
 * The project that a command names: by its name in the address book (`2000111` also finds `project_2000111`), or by a
 * typed identity. Throws UNKNOWN_PROJECT: a name is never guessed to be an identity.
 */
export async function resolveProject(path: string, nameOrIdentity: string): Promise<KnownProject> {
  if (isTypedIdentity(nameOrIdentity)) return { name: nameOrIdentity, grantee: parseGrantee(nameOrIdentity) }
  const { projects } = await readBook(path)
  for (const name of [nameOrIdentity, `project_${nameOrIdentity}`]) {
    const identity = projects[name]
    if (identity !== undefined) return { name, grantee: parseGrantee(identity) }
  }
  throw new AppError('UNKNOWN_PROJECT', `no project ${JSON.stringify(nameOrIdentity)} in the address book`, {
    hints: [
      `sealift project add ${/^[\w.-]+$/.test(nameOrIdentity) ? nameOrIdentity : 'NAME'} rgw:UID`,
      'the project itself, or whoever runs the store, knows its identity there',
    ],
  })
}

async function readBook(path: string): Promise<z.infer<typeof bookSchema>> {
  const book = await readJsonFile(path, bookSchema, { version: 1, projects: {} })
  // A name such as `constructor` must not find what every object inherits.
  return { ...book, projects: Object.assign(Object.create(null), book.projects) as Record<string, string> }
}
