import { headerText } from '../http-headers.ts'
import { type S3Request } from '../request.ts'
import type { ConditionContext } from './conditions.ts'

/** Parameters a listing's conditions are about. RGW leaves out those that are absent or empty. */
const parameters = ['prefix', 'delimiter', 'max-keys']
const headers = ['x-amz-acl', 'x-amz-copy-source', 'x-amz-metadata-directive']

/** What policies can ask about a request (IAM, "Condition keys for Amazon S3"). The sandbox speaks plain HTTP. */
export function conditionContext(request: S3Request, sourceIp: string): ConditionContext {
  const context = new Map([
    ['aws:CurrentTime', request.now.toISOString()],
    ['aws:SourceIp', sourceIp],
    ['aws:SecureTransport', 'false'],
    ['aws:username', request.identity.uid],
  ])
  const set = (key: string, value: string | undefined): void => {
    if (value !== undefined && value !== '') context.set(key, value)
  }
  set('aws:UserAgent', headerText(request.headers, 'user-agent'))
  set('aws:Referer', headerText(request.headers, 'referer'))
  for (const name of parameters) set(`s3:${name}`, request.query.get(name))
  for (const name of headers) set(`s3:${name}`, headerText(request.headers, name))
  return context
}
