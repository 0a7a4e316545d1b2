/** What hooks are told about a request. */
export interface RequestNotice {
  method: string
  /** The decoded path, `/bucket/object key`. */
  path: string
  /** The S3 operation; empty for one the sandbox does not know. */
  operation: string
  /** The uid; undefined for the anonymous and for a sender that could not be verified. */
  project: string | undefined
}

export interface AnsweredNotice extends RequestNotice {
  /** HTTP status; 0 when the connection was closed without an answer. */
  status: number
}
