import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '../util/errors.ts'
import { errnoOf } from '../util/file-errors.ts'

/** What signatures are for, so that one made for another purpose does not count (ssh-keygen -n). */
export const SIGNATURE_NAMESPACE = 'sealift-revoke'

/** Of OpenSSH, found on PATH. */
const SSH_KEYGEN = 'ssh-keygen'

/** The most that ssh-keygen has to say, in characters. */
const TALK_LIMIT = 4000

/**
 * The fingerprint of an SSH key (`SHA256:…`) that {@link signDetached} takes; no passphrase is asked for.
 * Throws SIGNING_FAILED when there is no ssh-keygen, or the file is no key.
 */
export async function sshKeyFingerprint(keyFile: string): Promise<string> {
  const { stdout } = await sshKeygen(['-l', '-E', 'sha256', '-f', keyFile], `read the key ${keyFile}`)
  const fingerprint = /SHA256:[A-Za-z0-9+/]{43}/.exec(stdout)?.[0]
  if (fingerprint !== undefined) return fingerprint
  throw new AppError('SIGNING_FAILED', `ssh-keygen does not tell the fingerprint of ${keyFile}`)
}

/**
 * A detached SSH signature (OpenSSH's PROTOCOL.sshsig), as `ssh-keygen -Y verify` takes it. ssh-keygen itself asks for a
 * passphrase at the terminal, or the agent signs when `keyFile` is a public key. Throws SIGNING_FAILED.
 */
export async function signDetached(content: string, keyFile: string): Promise<string> {
  // Through a file: with the content on stdin, ssh-keygen could not ask for a passphrase.
  const folder = await mkdtemp(join(tmpdir(), 'sealift-sign-'))
  try {
    const file = join(folder, 'report')
    await writeFile(file, content, { mode: 0o600 })
    await sshKeygen(['-Y', 'sign', '-n', SIGNATURE_NAMESPACE, '-f', keyFile, file], `sign with ${keyFile}`)
    const signature = await readFile(`${file}.sig`, 'utf8')
    if (signature.startsWith('-----BEGIN SSH SIGNATURE-----')) return signature
    throw new AppError('SIGNING_FAILED', 'what ssh-keygen wrote is no SSH signature')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function sshKeygen(args: readonly string[], what: string): Promise<{ stdout: string }> {
  const { code, stdout, stderr } = await new Promise<{
    code: number | null
    stdout: string
    stderr: string
  }>((resolve, reject) => {
    const child = spawn(SSH_KEYGEN, args, { stdio: ['inherit', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout = (stdout + text).slice(0, TALK_LIMIT)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(0, TALK_LIMIT)
    })
    child.once('error', reject)
    child.once('close', (code) => {
      resolve({ code, stdout, stderr })
    })
  }).catch((error: unknown) => {
    const isAbsent = errnoOf(error) === 'ENOENT'
    throw new AppError('SIGNING_FAILED', isAbsent ? 'there is no ssh-keygen here' : 'ssh-keygen cannot run', {
      cause: error,
      hints: ['install OpenSSH 8.1 or newer, or leave out --sign'],
    })
  })
  if (code === 0) return { stdout }
  const said = stderr.trim().split('\n').at(-1)?.trim() ?? ''
  throw new AppError(
    'SIGNING_FAILED',
    `ssh-keygen could not ${what}${said === '' ? '' : `: ${said.toLowerCase().replace(/\.$/, '')}`}`,
    { hints: ['it takes a private SSH key, or a public one whose private key is in the agent'] },
  )
}
