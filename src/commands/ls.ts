import * as Flags from '@oclif/core/flags'
import { SealiftCommand } from '../cli/base-command.ts'
import { identityFlag, passphraseFlags, requiredArg } from '../cli/flags.ts'
import { jsonPieces } from '../cli/json-stream.ts'
import { folderLine, LsLines, lsSummary } from '../cli/ls-text.ts'
import { headersFolder } from '../cli/settings.ts'
import { count } from '../cli/report.ts'
import { keepHeapSmall } from '../cli/small-heap.ts'
import { storeFlags, storeSettings } from '../cli/store-flags.ts'
import type { HeaderCache } from '../workflows/listing/header-cache.ts'
import type { ListedObject } from '../workflows/listing/list-long.ts'
import type { FolderTotals, Totals } from '../workflows/listing/listing-totals.ts'

/** The document of --json. What stands in its arrays is printed as it comes, and never held. */
export interface LsResult extends Totals {
  bucket: string
  prefix: string
  /** Absent with --du. */
  objects?: ListedObject[]
  /** Only with --du. */
  folders?: FolderTotals[]
}

type Place = Pick<LsResult, 'bucket' | 'prefix'>
type Listed = AsyncGenerator<ListedObject, void, undefined>

/** Milliseconds between two notes on how far it is, where no lines show it. */
const NOTE_INTERVAL = 10_000

export default class Ls extends SealiftCommand<LsResult> {
  static override summary = 'list the objects of a bucket or prefix, and what their headers say'
  static override description = `Size, time of upload in UTC, owner where the server tells it, and object key, as they come, in the order of the keys.
With --long the first bytes of every object are fetched: its format, the size of its plaintext, the number of header packets, and with --identity whether that key opens it. Headers are kept for the next time, by ETag.`
  static override examples = [
    { description: 'all of a bucket', command: '<%= config.bin %> ls s3://animine-data-import-1/' },
    {
      description: 'one delivered run, for a script',
      command: '<%= config.bin %> ls s3://animine-data-import-1/run_12/ --json',
    },
    {
      description: 'what of it this key opens, and how large it will be',
      command: '<%= config.bin %> ls s3://animine-data-import-1/run_12/ --identity animine.sec',
    },
    {
      description: 'how much each run takes',
      command: '<%= config.bin %> ls s3://animine-data-import-1/ --du',
    },
  ]
  static override args = {
    PLACE: requiredArg('s3://BUCKET, or s3://BUCKET/PREFIX for all object keys that begin so'),
  }
  static override flags = {
    long: Flags.boolean({ char: 'l', description: 'look at the header of every object' }),
    identity: identityFlag,
    du: Flags.boolean({ description: 'only the totals of each folder' }),
    cache: Flags.boolean({
      description: 'use and keep headers that were fetched before, where their objects still have the ETag',
      default: true,
      allowNo: true,
    }),
    ...passphraseFlags,
    ...storeFlags,
  }

  protected override async perform(): Promise<LsResult> {
    const { args, flags } = await this.parse(Ls)
    keepHeapSmall()
    const [{ connect }, { parseS3Url }, { loadIdentities }, { listObjects }, long, { addedUp, noTotals }] =
      await Promise.all([
        import('../workflows/connect.ts'),
        import('../workflows/s3-url.ts'),
        import('../workflows/identities.ts'),
        import('../workflows/list-objects.ts'),
        import('../workflows/listing/list-long.ts'),
        import('../workflows/listing/listing-totals.ts'),
      ])
    const { bucket, objectKey: prefix } = parseS3Url(args.PLACE)
    const files = flags.identity ?? []
    const identities = files.length === 0 ? [] : await loadIdentities(files, this.askPassphrase(flags))
    const looks = { headers: flags.long || identities.length > 0, identities: identities.length > 0 }
    const { store, endpoint } = this.closing(await connect({ ...storeSettings(flags), ...this.telling }))
    const request = { store, bucket, prefix, signal: this.signal }
    const cache = looks.headers && flags.cache ? await this.#cache(endpoint, bucket, prefix) : undefined
    const totals = noTotals(looks)
    const listed = looks.headers ? long.listLong({ ...request, identities, cache }) : listObjects(request)
    const objects = this.#counted(addedUp(listed, totals), totals, flags.du)
    if (flags.du) await this.#showFolders({ bucket, prefix }, objects, totals)
    else await this.#showObjects({ bucket, prefix }, objects, totals, new LsLines(looks))
    return { bucket, prefix, ...totals }
  }

  protected override toText(totals: LsResult): string {
    return lsSummary(totals)
  }

  async #cache(endpoint: string, bucket: string, prefix: string): Promise<HeaderCache> {
    const { openHeaderCache } = await import('../workflows/listing/header-cache.ts')
    const { onNotice } = this.telling
    return openHeaderCache({ folder: headersFolder(), endpoint, bucket, prefix, onNotice })
  }

  async #showObjects(place: Place, objects: Listed, totals: Totals, lines: LsLines): Promise<void> {
    if (this.jsonEnabled()) await this.streamJson(jsonPieces(place, 'objects', objects, () => totals))
    else await this.streamLines(mapped(objects, (object) => lines.of(object)))
  }

  async #showFolders(place: Place, objects: Listed, totals: Totals): Promise<void> {
    const { folderTotals } = await import('../workflows/listing/listing-totals.ts')
    const folders = folderTotals(objects, place.prefix)
    if (this.jsonEnabled()) await this.streamJson(jsonPieces(place, 'folders', folders, () => totals))
    else await this.streamLines(mapped(folders, folderLine))
  }

  /** Says now and then how far it is, where somebody waits and no lines come. */
  async *#counted(objects: Listed, totals: Totals, du: boolean): Listed {
    const quiet = du || this.jsonEnabled() || !process.stdout.isTTY
    let saidAt = Date.now()
    for await (const object of objects) {
      yield object
      if (!quiet || !process.stderr.isTTY || Date.now() - saidAt < NOTE_INTERVAL) continue
      saidAt = Date.now()
      this.note(`${count(totals.count, 'object')} so far; now ${object.objectKey}`)
    }
  }
}

async function* mapped<Item>(
  items: AsyncIterable<Item>,
  textOf: (item: Item) => string,
): AsyncGenerator<string, void, undefined> {
  for await (const item of items) yield textOf(item)
}
