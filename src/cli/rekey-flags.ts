import * as Flags from '@oclif/core/flags'
import { sizeFlag } from './flags.ts'
import { storeFlags } from './store-flags.ts'
import { wrongWords } from './usage-error.ts'

const GROUP = 'OBJECTS'

/** Flags of `rekey` that are for objects in a store alone. */
export const rekeyObjectFlags = {
  add: Flags.string({
    description:
      'public key, or a name such as @csc-sd, of somebody who shall read it as well; may be repeated',
    helpValue: 'FILE|@NAME',
    helpGroup: GROUP,
    multiple: true,
    multipleNonGreedy: true,
  }),
  remove: Flags.string({
    description: 'public key of somebody who shall no longer read it; may be repeated',
    helpValue: 'FILE|@NAME',
    helpGroup: GROUP,
    multiple: true,
    multipleNonGreedy: true,
  }),
  'drop-others': Flags.boolean({
    description: 'drop the packets of readers whom nobody named, too',
    helpGroup: GROUP,
  }),
  into: Flags.string({
    description: 'where the new objects go, instead of in place of the old ones',
    helpValue: 's3://BUCKET/PREFIX/',
    helpGroup: GROUP,
  }),
  deep: Flags.boolean({
    description: 'a new data key and a new body too: everything passes through this machine, encrypted anew',
    helpGroup: GROUP,
  }),
  'delete-replaced': Flags.boolean({
    description: 'delete the version that was replaced, where the bucket keeps versions',
    helpGroup: GROUP,
  }),
  'dry-run': Flags.boolean({ description: 'only show what would be done', helpGroup: GROUP }),
  report: Flags.string({
    description: 'file to write what became of every object to, as JSON; replaced when it is there',
    helpValue: 'FILE',
    helpGroup: GROUP,
  }),
  concurrency: Flags.integer({
    description: 'small objects at work at the same time (default: 32)',
    min: 1,
    max: 64,
    helpGroup: GROUP,
  }),
  'part-size': sizeFlag({
    description:
      'bytes of the parts that the server copies, or that are sent with --deep (default: what suits)',
    helpGroup: GROUP,
  }),
}

/**
 * Refuses flags that mean nothing for this kind of place.
 *
 * @param given - the flags as they were parsed
 * @throws AppError USAGE
 */
export function refuseFlagsOfOtherKind(place: string, given: Readonly<Record<string, unknown>>): void {
  const isGiven = (name: string): boolean => given[name] !== undefined && given[name] !== false
  if (place.startsWith('s3://')) {
    if (!isGiven('output')) return
    throw wrongWords(
      `--output is for local files, and ${place} is in a store`,
      'objects are replaced in place, or go where --into says',
    )
  }
  const wrong = Object.keys({ ...rekeyObjectFlags, ...storeFlags }).find(isGiven)
  if (wrong === undefined) return
  throw wrongWords(
    `--${wrong} is for objects in a store, and ${place} is a local file`,
    'name everybody who shall read a local file with --to; `sealift reencrypt` changes its header alone',
    'an object is s3://BUCKET/KEY, many are s3://BUCKET/PREFIX/',
  )
}
