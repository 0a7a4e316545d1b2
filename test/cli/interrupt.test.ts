import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const at = (path: string): string => new URL(`../../${path}`, import.meta.url).href

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sealift-signals-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true })
})

/** Runs a script of ours until it prints `ready`, sends it signals one after another, and says how it ended. */
async function signalled(script: string, signals: readonly NodeJS.Signals[]) {
  const file = join(folder, 'script.mjs')
  await writeFile(file, script)
  const child = spawn(process.execPath, [file], { stdio: 'pipe' })
  const stderr = text(child.stderr)
  let stdout = ''
  let sent = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk
    const signal = signals[sent]
    if (!chunk.includes('ready') || signal === undefined) return
    sent += 1
    child.kill(signal)
  })
  await once(child, 'close')
  return { code: child.exitCode, signal: child.signalCode, stdout, stderr: await stderr }
}

/** Prints `ready`, then the reason for which it shall stop; ends when it is told so. */
const listening = `
  import { listenForInterrupt } from '${at('src/cli/interrupt.ts')}'
  process.stdin.unref?.()
  const { signal } = listenForInterrupt(() => undefined)
  const alive = setTimeout(() => undefined, 20_000)
  signal.addEventListener('abort', () => {
    process.stdout.write(signal.reason.code + ': ' + signal.reason.message + '\\n')
    if (process.env.STAY === undefined) clearTimeout(alive)
  })
  process.stdout.write('ready')
`

describe('what a batch system or a person sends', () => {
  it.each([
    ['SIGINT', 'INTERRUPTED: interrupted'],
    ['SIGTERM', 'TERMINATED: terminated'],
    ['SIGUSR1', 'TERMINATED: terminated (SIGUSR1)'],
  ] as const)('%s asks once, and the work may end in its own time', async (signal, said) => {
    expect(await signalled(listening, [signal])).toMatchObject({
      code: 0,
      signal: null,
      stdout: `ready${said}\n`,
      stderr: '',
    })
  })

  it('SIGHUP means nothing where no terminal is in use, as after nohup', async () => {
    const script = `${listening}
      process.on('SIGHUP', () => setImmediate(() => { process.stdout.write('heard'); clearTimeout(alive) }))`
    expect(await signalled(script, ['SIGHUP'])).toMatchObject({ code: 0, stdout: 'readyheard' })
  })

  it('after a warning the SIGTERM that follows does not cut off what is being saved', async () => {
    const script = `${listening}
      signal.addEventListener('abort', () => process.stdout.write('ready'))
      process.on('SIGTERM', () => setImmediate(() => process.exit(75)))`
    expect(await signalled(`process.env.STAY = '1';${script}`, ['SIGUSR1', 'SIGTERM'])).toMatchObject({
      code: 75,
      signal: null,
    })
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('a second %s waits for nothing', async (signal, code) => {
    const script = `${listening}
      signal.addEventListener('abort', () => process.stdout.write('ready'))`
    const ended = await signalled(`process.env.STAY = '1';${script}`, [signal, signal])
    expect(ended).toMatchObject({ code, signal: null })
  })
})

describe('the debugger', () => {
  const bin = fileURLToPath(at('bin/run.js'))

  it('never listens, whenever SIGUSR1 comes: started as npm links it', async () => {
    const link = join(folder, 'sealift')
    await symlink(bin, link)
    for (const delay of [0, 10, 20, 30, 40, 60, 90, 150, 250]) {
      const env = { ...process.env, PATH: `${join(process.execPath, '..')}:${process.env['PATH'] ?? ''}` }
      const child = spawn(link, ['sandbox', '--help'], { stdio: 'pipe', env })
      const ended = once(child, 'close')
      const said = Promise.all([text(child.stdout), text(child.stderr)])
      await new Promise((resolve) => setTimeout(resolve, delay))
      child.kill('SIGUSR1')
      const [, stderr] = await said
      await ended
      expect(stderr).not.toContain('Debugger listening')
    }
  })
})

it('what was stopped and can be gone on with says so, and ends with 75', async () => {
  const script = `
    import { SealiftCommand } from '${at('src/cli/base-command.ts')}'
    import { AppError } from '${at('src/util/errors.ts')}'
    import { failureOf } from '${at('src/cli/failure.ts')}'
    class Slow extends SealiftCommand {
      async perform() {
        const alive = setTimeout(() => undefined, 20_000)
        process.stdout.write('ready')
        await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
        clearTimeout(alive)
        throw new AppError('RESUMABLE', 'stopped after 3 of 9 parts', { cause: this.signal.reason })
      }
      toText() { return '' }
    }
    try {
      await Slow.run([], { root: '${fileURLToPath(at('.'))}' })
    } catch (error) {
      const { code, exitCode, hints } = failureOf(error)
      process.stdout.write(JSON.stringify({ code, hints }))
      process.exit(exitCode)
    }`
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR1'] as const) {
    const ended = await signalled(script, [signal])
    expect(ended.stdout).toContain('"code":"RESUMABLE"')
    expect(ended.stdout).toContain('run the same command again')
    expect(ended.code).toBe(75)
  }
})
