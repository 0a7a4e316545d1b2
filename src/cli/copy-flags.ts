import * as Flags from '@oclif/core/flags'
import { forceFlag, progressFlag, requiredArg } from './flags.ts'
import { sourceFlags } from './source-flags.ts'
import { storeFlags } from './store-flags.ts'

/** Arguments of the commands that copy within the store. */
export const copyArgs = {
  SOURCE: requiredArg('s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ for everything below it'),
  TARGET: requiredArg('s3://BUCKET/KEY, or s3://BUCKET/PREFIX/ to keep the names'),
}

/** Flags of those. */
export const copyFlags = {
  force: forceFlag,
  include: sourceFlags.include,
  exclude: sourceFlags.exclude,
  keys: Flags.boolean({ description: 'published keys (keys/NAME.pub) as well' }),
  'dry-run': Flags.boolean({ description: 'change nothing: list every object and what it would be called' }),
  concurrency: Flags.integer({
    description: 'objects at work at the same time (default: 16)',
    min: 1,
    max: 64,
  }),
  progress: progressFlag,
  ...storeFlags,
}

/** Those that say what is copied and how, as the workflows take them. */
export function copySettings(flags: {
  force: boolean
  include?: string[] | undefined
  exclude?: string[] | undefined
  keys: boolean
  'dry-run': boolean
  concurrency?: number | undefined
}) {
  const { force, include, exclude, keys, concurrency } = flags
  return { force, include, exclude, keys, concurrency, dryRun: flags['dry-run'] }
}
