/** The error codes the sandbox answers with, and the HTTP status of each (S3 API, "Error responses"). */
const statusOf = {
  AccessControlListNotSupported: 400,
  AccessDenied: 403,
  AuthorizationHeaderMalformed: 400,
  BadDigest: 400,
  BucketAlreadyExists: 409,
  BucketAlreadyOwnedByYou: 409,
  BucketNotEmpty: 409,
  EntityTooLarge: 400,
  EntityTooSmall: 400,
  IncompleteBody: 400,
  InternalError: 500,
  InvalidAccessKeyId: 403,
  InvalidArgument: 400,
  InvalidBucketAclWithObjectOwnership: 400,
  InvalidBucketName: 400,
  InvalidDigest: 400,
  InvalidLocationConstraint: 400,
  InvalidObjectName: 400,
  InvalidPart: 400,
  InvalidPartOrder: 400,
  InvalidRange: 416,
  InvalidRequest: 400,
  MalformedACLError: 400,
  MalformedPolicy: 400,
  MalformedXML: 400,
  MissingContentLength: 411,
  NoSuchBucket: 404,
  NoSuchBucketPolicy: 404,
  NoSuchKey: 404,
  NoSuchUpload: 404,
  NotImplemented: 501,
  PreconditionFailed: 412,
  RequestTimeTooSkewed: 403,
  SignatureDoesNotMatch: 403,
  XAmzContentSHA256Mismatch: 400,
} as const

export type S3ErrorCode = keyof typeof statusOf

/** A request the sandbox refuses: answered as S3's error XML, never shown to a person as it is. */
export class S3Error extends Error {
  readonly code: string
  readonly status: number
  /** Extra response headers. */
  readonly headers: Readonly<Record<string, string>>

  constructor(
    code: S3ErrorCode | { code: string; status: number },
    message: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.name = 'S3Error'
    this.code = typeof code === 'string' ? code : code.code
    this.status = typeof code === 'string' ? statusOf[code] : code.status
    this.headers = headers
  }
}

/** The one refusal that says nothing more: whoever is refused learns no reason. */
export function accessDenied(message = 'access denied'): S3Error {
  return new S3Error('AccessDenied', message)
}
