// Compiles src/ to dist/ and writes oclif.manifest.json, so that a command loads only its own module.
import { spawnSync } from 'node:child_process'
import { readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')

removeStale(join(root, 'dist'), join(root, 'src'))
const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, 'tsconfig.build.json')], {
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

rmSync(join(root, 'oclif.manifest.json'), { force: true })
const { Plugin } = await import('@oclif/core/config')
const plugin = new Plugin({ root, errorOnManifestCreate: true, respectNoCacheDefault: true })
await plugin.load()
if (plugin.commands.length === 0) {
  console.error('error: no command was found in dist/commands')
  process.exit(1)
}
writeFileSync(join(root, 'oclif.manifest.json'), JSON.stringify(plugin.manifest))

/** A compiled file whose source is gone would still be a command: drop the build when one is found. */
function removeStale(dist, src) {
  let files
  try {
    files = readdirSync(dist, { recursive: true })
  } catch {
    return
  }
  const stale = files.some((file) => file.endsWith('.js') && !exists(join(src, file.replace(/\.js$/, '.ts'))))
  if (!stale) return
  rmSync(dist, { recursive: true, force: true })
}

function exists(path) {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}
