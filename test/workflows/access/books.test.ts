import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkNewBucketName } from '../../../src/workflows/bucket-name.ts'
import { fingerprint } from '../../../src/crypto/keys/fingerprint.ts'
import { fingerprintWords } from '../../../src/crypto/keys/fingerprint-words.ts'
import { pinKeys } from '../../../src/workflows/known-keys.ts'
import { addProject, readProjects, resolveProject } from '../../../src/workflows/project-book.ts'
import { parseUntil } from '../../../src/workflows/until.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-books-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

describe('the address book', () => {
  const book = () => join(folder, 'config', 'projects.json')

  it('remembers projects by name, for its owner alone', async () => {
    await addProject(book(), 'project_2000111', 'rgw:project_2000111')
    await addProject(book(), 'lab', `keystone:${'AB'.repeat(16)}`)
    expect(await readProjects(book())).toEqual([
      { name: 'lab', identity: `keystone:${'ab'.repeat(16)}` },
      { name: 'project_2000111', identity: 'rgw:project_2000111' },
    ])
    expect((await stat(book())).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'config'))).toEqual(['projects.json'])
  })

  it('finds a project by its name, its number, or takes an identity as it is', async () => {
    await addProject(book(), 'project_2000111', 'rgw:t1$u1')
    const grantee = { type: 'rgw', tenant: 't1', uid: 'u1' }
    expect(await resolveProject(book(), 'project_2000111')).toEqual({ name: 'project_2000111', grantee })
    expect(await resolveProject(book(), '2000111')).toEqual({ name: 'project_2000111', grantee })
    expect(await resolveProject(book(), 'rgw:t1$u1')).toEqual({ name: 'rgw:t1$u1', grantee })
  })

  it.each(['project_9', 'constructor', '__proto__', '*'])('never guesses who %s is', async (name) => {
    await expect(resolveProject(book(), name)).rejects.toMatchObject({ code: 'UNKNOWN_PROJECT' })
  })

  it('says when a name gets another identity', async () => {
    await addProject(book(), 'lab', 'rgw:old')
    expect(await addProject(book(), 'lab', 'rgw:old')).not.toHaveProperty('previous')
    expect(await addProject(book(), 'lab', 'rgw:new')).toMatchObject({ previous: 'rgw:old' })
  })

  it('is never replaced when it cannot be read', async () => {
    const path = join(folder, 'projects.json')
    await writeFile(path, '{"version":1,"projects":')
    await expect(addProject(path, 'lab', 'rgw:lab')).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    expect(await readFile(path, 'utf8')).toBe('{"version":1,"projects":')
  })
})

describe('keys seen before', () => {
  const pins = () => join(folder, 'known-keys.json')
  const place = { endpoint: 'https://a3s.fi', bucket: 'inbox' }
  const one = fingerprint(new Uint8Array(32).fill(1))
  const two = fingerprint(new Uint8Array(32).fill(2))
  const animine = { name: 'animine', fingerprint: one }
  const other = { name: 'animine', fingerprint: two }

  it('are new once, then known, at the same server however it is written', async () => {
    expect(await pinKeys(pins(), place, [animine])).toEqual([
      { ...animine, words: fingerprintWords(one), state: 'new' },
    ])
    const again = { ...place, endpoint: 'https://A3S.fi:443/' }
    expect(await pinKeys(pins(), again, [animine])).toEqual([
      { ...animine, words: fingerprintWords(one), state: 'known' },
    ])
    expect((await stat(pins())).mode & 0o777).toBe(0o600)
  })

  it('stop everything when they change, with both fingerprints', async () => {
    await pinKeys(pins(), place, [animine])
    const failure: unknown = await pinKeys(pins(), place, [other, { name: 'b', fingerprint: two }]).catch(
      (error: unknown) => error,
    )
    expect(failure).toMatchObject({ code: 'KEY_CHANGED' })
    expect(JSON.stringify(failure)).toContain(`animine: was ${one}, is ${two}`)
    // Nothing of that run is remembered.
    expect(await pinKeys(pins(), place, [{ name: 'b', fingerprint: two }])).toMatchObject([{ state: 'new' }])
    expect(await pinKeys(pins(), place, [animine])).toMatchObject([{ state: 'known' }])
  })

  it('change when that is accepted', async () => {
    await pinKeys(pins(), place, [animine])
    const accepted = await pinKeys(pins(), place, [other], { acceptChanged: true })
    expect(accepted).toEqual([{ ...other, words: fingerprintWords(two), state: 'changed', previous: one }])
    expect(await pinKeys(pins(), place, [other])).toMatchObject([{ state: 'known' }])
  })

  it('are kept apart by bucket and server', async () => {
    await pinKeys(pins(), place, [animine])
    expect(await pinKeys(pins(), { ...place, bucket: 'b2' }, [other])).toMatchObject([{ state: 'new' }])
    expect(await pinKeys(pins(), { ...place, endpoint: 'https://b' }, [other])).toMatchObject([
      { state: 'new' },
    ])
    expect(await pinKeys(pins(), place, [animine])).toMatchObject([{ state: 'known' }])
  })
})

describe('until', () => {
  const now = new Date('2026-11-21T12:00:00Z')

  it.each([
    ['90m', '2026-11-21T13:30:00.000Z'],
    ['12h', '2026-11-22T00:00:00.000Z'],
    ['14d', '2026-12-05T12:00:00.000Z'],
    ['2w', '2026-12-05T12:00:00.000Z'],
    ['2026-12-01', '2026-12-01T00:00:00.000Z'],
    ['2026-12-01T18:00+02:00', '2026-12-01T16:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(parseUntil(text, now).toISOString()).toBe(expected)
  })

  it.each([
    '',
    '14',
    '14 d',
    '-1d',
    '0d',
    '1.5h',
    '99999d',
    '2026-11-20',
    '2026-02-30',
    '2027-13-01',
    'tomorrow',
    '1/12/2026',
  ])('refuses %j', (text) => {
    expect(() => parseUntil(text, now)).toThrow(
      expect.objectContaining({ code: 'INVALID_DURATION' }) as Error,
    )
  })

  it('is always later than now', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.constantFrom('m', 'h', 'd', 'w'), (count, unit) => {
        expect(parseUntil(`${count}${unit}`, now).getTime()).toBeGreaterThan(now.getTime())
      }),
    )
  })
})

describe('names for new buckets', () => {
  it.each(['animine-data-import-1', 'abc', '1-2', 'a'.repeat(63)])('%s is one', (name) => {
    expect(() => {
      checkNewBucketName(name)
    }).not.toThrow()
  })

  it.each([
    'ab',
    'a'.repeat(64),
    'Animine',
    'a_b_c',
    'a.b.c',
    '-abc',
    'abc-',
    'xn--abc',
    'abc-s3alias',
    'proj222:inbox',
    'a/b',
    '',
  ])('%j is none', (name) => {
    expect(() => {
      checkNewBucketName(name)
    }).toThrow(expect.objectContaining({ code: 'INVALID_BUCKET_NAME' }) as Error)
  })
})
