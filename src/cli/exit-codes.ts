import type { ErrorCode } from '../util/errors.ts'

/** What the process ends with; docs/exit-codes.md explains each to users. */
export const EXIT = {
  done: 0,
  failure: 1,
  usage: 2,
  someFailed: 3,
  notFound: 10,
  accessDenied: 11,
  notForUs: 12,
  damaged: 13,
  conflict: 14,
  findings: 15,
  resumable: 75,
  interrupted: 130,
  terminated: 143,
} as const

/** One of the documented exit codes. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

/** Exit code of each error code: a Record, so that a new code does not compile until it has its place here. */
export const EXIT_CODES: Readonly<Record<ErrorCode, ExitCode>> = {
  USAGE: EXIT.usage,
  INVALID_BUCKET_NAME: EXIT.usage,
  INVALID_S3_URL: EXIT.usage,
  INVALID_DURATION: EXIT.usage,
  INVALID_RANGE: EXIT.usage,
  INVALID_KEY: EXIT.usage,
  UNKNOWN_PROJECT: EXIT.notFound,

  FILE_NOT_FOUND: EXIT.notFound,
  FILE_UNREADABLE: EXIT.failure,
  FILE_EXISTS: EXIT.conflict,
  FILE_CHANGED: EXIT.conflict,
  DISK_FULL: EXIT.failure,
  UNSAFE_PATH: EXIT.damaged,
  OUTPUT_CLOSED: EXIT.failure,

  WRONG_PASSPHRASE: EXIT.notForUs,
  PASSPHRASE_NEEDED: EXIT.notForUs,
  NO_MATCHING_KEY: EXIT.notForUs,
  NOT_CRYPT4GH: EXIT.damaged,
  ALREADY_ENCRYPTED: EXIT.conflict,
  INVALID_HEADER: EXIT.damaged,
  AUTHENTICATION_FAILED: EXIT.damaged,
  UNEXPECTED_SENDER: EXIT.damaged,
  KEY_CHANGED: EXIT.conflict,
  KEYS_DIFFER: EXIT.conflict,
  KEY_NOT_TRUSTED: EXIT.damaged,
  UNNAMED_READERS: EXIT.conflict,
  NO_BUCKET_KEYS: EXIT.notFound,

  BUCKET_NOT_FOUND: EXIT.notFound,
  BUCKET_EXISTS: EXIT.conflict,
  BUCKET_NOT_EMPTY: EXIT.conflict,
  WRONG_BUCKET: EXIT.conflict,
  OBJECT_NOT_FOUND: EXIT.notFound,
  OBJECT_EXISTS: EXIT.conflict,
  OBJECT_CHANGED: EXIT.conflict,
  UPLOAD_NOT_FOUND: EXIT.notFound,
  ACCESS_DENIED: EXIT.accessDenied,
  INVALID_CREDENTIALS: EXIT.accessDenied,
  NO_CREDENTIALS: EXIT.accessDenied,
  CLOCK_SKEW: EXIT.failure,
  ENDPOINT_UNREACHABLE: EXIT.failure,
  STORE_FAILURE: EXIT.failure,
  INTEGRITY: EXIT.damaged,
  UNSUPPORTED: EXIT.failure,
  STILL_ACCESSIBLE: EXIT.failure,
  AUDIT_FAILED: EXIT.findings,
  ACCESS_DEVIATES: EXIT.failure,
  SIGNING_FAILED: EXIT.failure,
  POLICY_CHANGED: EXIT.conflict,

  TRANSFER_NOT_FOUND: EXIT.notFound,
  INVALID_JOURNAL: EXIT.damaged,
  TRANSFER_RUNNING: EXIT.conflict,
  RESUMABLE: EXIT.resumable,

  SOME_FAILED: EXIT.someFailed,
  INTERRUPTED: EXIT.interrupted,
  TERMINATED: EXIT.terminated,
}
