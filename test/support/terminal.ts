import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'

/** `script` of util-linux gives a command a terminal of its own. */
const script = spawnSync('script', ['--version'], { encoding: 'utf8' })

/** Whether commands can be given a terminal here. */
export const HAS_TERMINAL = script.status === 0 && script.stdout.includes('util-linux')

/** A question to wait for on the screen, and what is typed then. */
export type Answer = [question: string, answer: string]

/** Runs a shell command at a terminal in `home`, and types each answer when its question has appeared. */
export async function dialogue(
  home: string,
  command: string,
  answers: Answer[],
): Promise<{ code: number | null; output: string }> {
  const env = { PATH: process.env['PATH'], HOME: home, TERM: 'xterm', SHELL: '/bin/sh' }
  const child = spawn('script', ['-qefc', command, '/dev/null'], { cwd: home, env, stdio: 'pipe' })
  const left = [...answers]
  let output = ''
  let seen = 0
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    const next = left[0]
    if (next === undefined || !output.slice(seen).includes(next[0])) return
    left.shift()
    seen = output.length
    child.stdin.write(next[1])
  })
  await once(child, 'close')
  return { code: child.exitCode, output }
}
