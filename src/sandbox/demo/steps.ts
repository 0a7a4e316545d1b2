import type { PracticeRole } from '../practice-projects.ts'

/** Exit code of a refusal (docs/exit-codes.md). */
export const REFUSED = 11

/** A command somebody types, and the exit code it must have. */
export interface Scene {
  who: PracticeRole
  args: readonly string[]
  expected: 0 | typeof REFUSED
  /** Said before the command. */
  scene?: string
  /** This command is started and left in the middle of its work while the next ones run. */
  inFlight?: boolean
  /** After this command the one in flight goes on. */
  releases?: boolean
}

const BUCKET = 'animine-data-import-1'
const RUN = `s3://${BUCKET}/run_12/`
const FIRST_RUN_OBJECT = `${RUN}run_12_R1.fastq.c4gh`

/** The story of the README: every command, and every refusal that must happen. */
export function storySteps(): Scene[] {
  return [...open(), ...deliver(), ...refuse(), ...prove(), ...collect()]
}

function open(): Scene[] {
  return [
    {
      scene: 'OPEN: the research group makes its key pair and an import bucket for the producer',
      ...done('group', 'key', 'generate', 'animine'),
    },
    done('group', 'project', 'add', 'project_2000111', 'rgw:project_2000111'),
    done(
      'group',
      ...['bucket', 'open', BUCKET, '--for', 'project_2000111'],
      ...['--key', 'animine.pub', '--until', '14d'],
    ),
    {
      scene: 'the group keeps something of its own in the bucket',
      ...done('group', 'upload', 'animine.pub', `s3://${BUCKET}/consent.c4gh`, '--to', 'animine.pub'),
    },
  ]
}

function deliver(): Scene[] {
  return [
    {
      scene: "DELIVER: the producer finds the group's key in the bucket and uploads the run",
      ...done('producer', 'upload', 'run_12/', RUN, '--to-bucket-keys', '--to', '@csc-sd'),
    },
  ]
}

function refuse(): Scene[] {
  return [
    {
      scene: 'PROVE: the producer may put, not look around or read what is not its own',
      ...refused('producer', 'ls', `s3://${BUCKET}/`),
    },
    refused('producer', 'download', `s3://${BUCKET}/consent.c4gh`, 'consent', '--no-decrypt'),
    {
      scene: 'an outsider is refused at every step',
      ...refused('outsider', 'ls', `s3://${BUCKET}/`),
    },
    refused('outsider', 'download', `s3://${BUCKET}/consent.c4gh`, 'consent', '--no-decrypt'),
    refused('outsider', 'upload', 'credentials', `s3://${BUCKET}/gift.c4gh`, '--to', '@csc-sd'),
    refused('outsider', 'access', 'show', BUCKET),
  ]
}

function prove(): Scene[] {
  return [
    {
      scene: 'the producer starts another upload, and the group closes the door in the middle of it',
      ...refused(
        'producer',
        ...['upload', 'run_13.fastq', `s3://${BUCKET}/run_13/`],
        ...['--to-bucket-keys', '--part-size', '5MiB'],
      ),
      inFlight: true,
    },
    {
      ...done('group', 'access', 'revoke', BUCKET, '--project', 'project_2000111'),
      releases: true,
    },
    {
      scene: 'CLOSE: the producer is out, with what it delivered as with everything else',
      ...refused('producer', 'upload', 'run_13.fastq', `s3://${BUCKET}/run_13/`, '--to', '@csc-sd'),
    },
    refused('producer', 'download', FIRST_RUN_OBJECT, 'mine', '--no-decrypt'),
    refused('producer', 'ls', `s3://${BUCKET}/keys/`),
    done('group', 'access', 'show', BUCKET),
  ]
}

function collect(): Scene[] {
  return [
    {
      scene: 'the group looks at what arrived, and decrypts it on the way in',
      ...done('group', 'ls', `s3://${BUCKET}/`),
    },
    done('group', 'download', RUN, 'run_12/', '--identity', 'animine.sec'),
    done('group', 'bucket', 'close', BUCKET),
  ]
}

function done(who: PracticeRole, ...args: string[]): Scene {
  return { who, args, expected: 0 }
}

function refused(who: PracticeRole, ...args: string[]): Scene {
  return { who, args, expected: REFUSED }
}
