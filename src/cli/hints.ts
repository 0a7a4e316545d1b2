import type { ErrorCode } from '../util/errors.ts'

/**
 * What to do about a failure when nothing more precise came with it. The layers below do not know of flags, and nobody
 * should be left with only what went wrong. A Record, so that a new code does not compile until someone thought of it.
 */
const HINTS: Readonly<Record<ErrorCode, string>> = {
  USAGE: 'add --help to see arguments, flags and examples',
  INVALID_BUCKET_NAME: 'bucket names have 3 to 63 lower-case letters, digits and hyphens',
  INVALID_S3_URL: 'write s3://BUCKET/KEY, or s3://TENANT:BUCKET/KEY for a bucket of another tenant on Ceph',
  INVALID_DURATION: 'write a time from now such as 14d or 12h, or a date such as 2026-12-01',
  INVALID_RANGE: 'write START:LENGTH or START: in bytes of the plaintext, counted from 0, within the file',
  UNKNOWN_PROJECT:
    'enter it with `sealift project add NAME IDENTITY`; `sealift project list` shows who is known',

  FILE_NOT_FOUND: 'check the name; it counts from the folder the command runs in',
  FILE_UNREADABLE: 'check its permissions, and that it is a regular file',
  FILE_EXISTS: 'choose another name, or give --force to replace it',
  FILE_CHANGED: 'wait until nothing writes to it any more, then start again',
  DISK_FULL: 'free some space or quota there, or write to another file system',
  UNSAFE_PATH: 'download the object alone, and name the file it should become',
  OUTPUT_CLOSED: 'what was written to it is incomplete',

  INVALID_KEY:
    '`sealift key show FILE` tells what a key file is; recipients are public keys, identities secret ones',
  WRONG_PASSPHRASE: 'try again; without its passphrase a secret key cannot be opened by anybody',
  PASSPHRASE_NEEDED: 'set C4GH_PASSPHRASE, or give --passphrase-file or --passphrase-command',
  NO_MATCHING_KEY:
    'give another secret key with --identity, or ask the sender to encrypt it for yours as well',
  NOT_CRYPT4GH: 'to take it as it is: download --no-decrypt',
  ALREADY_ENCRYPTED: 'give --encrypt-again if it shall be encrypted once more',
  INVALID_HEADER: 'fetch it again; if that does not help, ask the sender for a new copy',
  AUTHENTICATION_FAILED: 'it was damaged or changed: fetch it again, or ask the sender for a new copy',
  UNEXPECTED_SENDER: 'do not use it before its sender confirmed it over another channel',
  KEY_CHANGED: 'ask the owner over another channel; if the change is right, give --accept-changed-key',
  KEYS_DIFFER: '`sealift key show` tells more about each; what is sealed for one is not opened by the other',
  KEY_NOT_TRUSTED: "ask the bucket's owner for the key file over another channel, and give it with --to FILE",
  UNNAMED_READERS: 'name everybody who stays with --add, or give --drop-others',
  NO_BUCKET_KEYS: 'ask its owner to run `sealift key publish`, or name a key file with --to FILE',

  BUCKET_NOT_FOUND: 'check the name; a bucket of another tenant on Ceph is TENANT:BUCKET',
  BUCKET_EXISTS: 'choose another name, or give --reuse if it is yours',
  BUCKET_NOT_EMPTY: 'move or delete what is in it first, older versions and unfinished uploads too',
  WRONG_BUCKET: 'a bucket of another tenant is s3://TENANT:BUCKET/',
  OBJECT_NOT_FOUND: '`sealift ls s3://BUCKET/` shows what is there',
  OBJECT_EXISTS: 'choose another name, or give --force to replace it',
  OBJECT_CHANGED: 'start again; somebody wrote the object meanwhile',
  UPLOAD_NOT_FOUND: 'start the upload again; it was ended or aborted meanwhile',
  ACCESS_DENIED: "check who you are (--profile), and ask the bucket's owner whether you have access (still)",
  INVALID_CREDENTIALS: 'check the access key and the secret, and that they belong to this endpoint',
  NO_CREDENTIALS: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with --profile',
  CLOCK_SKEW: "set this machine's clock",
  ENDPOINT_UNREACHABLE: 'check --endpoint-url, AWS_ENDPOINT_URL and the profile, the network and any proxy',
  STORE_FAILURE: 'try again later; with --verbose the causes are shown',
  INTEGRITY: 'try again; what was stored or fetched is not what was sent',
  UNSUPPORTED: 'this store cannot do it; docs/ says which can',
  STILL_ACCESSIBLE: 'run the command again; what the server refuses to change, its operator has to end',
  ACCESS_DEVIATES:
    'look at `sealift access show`; what the server answers and what was granted are not the same',
  SIGNING_FAILED: 'check the SSH key with `ssh-keygen -l -f KEY`, or leave out --sign',
  AUDIT_FAILED: '`sealift access show BUCKET` tells more; `sealift access revoke` and `bucket close` end it',
  POLICY_CHANGED: 'run the command again; somebody else changed the access at the same moment',

  TRANSFER_NOT_FOUND: '`sealift transfer list` shows the unfinished ones',
  INVALID_JOURNAL: 'drop it with `sealift transfer abort ID`, and start the transfer again',
  TRANSFER_RUNNING: 'wait until the other process has ended; `sealift transfer list` shows what is going on',
  RESUMABLE: 'run the same command again: it goes on where it stopped',

  SOME_FAILED: 'run the command again for those that failed',
  INTERRUPTED: 'run the command again',
  TERMINATED: 'run the command again',
}

/** The hints that came with a failure, or the general one for its code. */
export function hintsFor(code: string, hints: readonly string[]): readonly string[] {
  if (hints.length > 0) return hints
  return isErrorCode(code) ? [HINTS[code]] : []
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(HINTS, code)
}
