import { S3Error } from '../s3-error.ts'
import { isBucketAction, isObjectAction } from './actions.ts'
import type { Policy, PolicyDialect, Statement } from './policy-document.ts'

/** The bucket a policy is put on, and who is known there. */
export interface PolicySubject {
  readonly bucketName: string
  readonly isKnownPrincipal: (name: string) => boolean
}

/**
 * What stricter servers than Ceph RGW ask of a policy when it is put, in the words of AWS S3.
 * Throws MalformedPolicy.
 */
export function checkPolicy(policy: Policy, dialect: PolicyDialect, subject: PolicySubject): void {
  if (dialect.resources === 'checked') {
    if (policy.statements.length === 0) {
      throw malformed('Could not parse the policy: Statement is empty!')
    }
    for (const statement of policy.statements) checkResources(statement, subject.bucketName)
  }
  if (dialect.unknownPrincipals === 'refused') {
    for (const { principals } of policy.statements) checkPrincipals(principals.names, subject)
  }
}

function checkPrincipals(names: readonly string[], { isKnownPrincipal }: PolicySubject): void {
  const everybody = names.length === 1 && names[0] === '*'
  if (!everybody && !names.every((name) => name !== '*' && isKnownPrincipal(name))) {
    throw malformed('Invalid principal in policy')
  }
}

function checkResources({ resources, actions }: Statement, bucketName: string): void {
  if (!resources.every((resource) => resource === bucketName || resource.startsWith(`${bucketName}/`))) {
    throw malformed('Policy has invalid resource')
  }
  const [onObjects, onBucket] = [
    resources.some((resource) => resource.includes('/')),
    resources.some((resource) => !resource.includes('/')),
  ]
  const fits = (action: string): boolean =>
    (onObjects && isObjectAction(action)) || (onBucket && isBucketAction(action))
  if (!actions.every(fits)) throw malformed('Action does not apply to any resource(s) in statement')
}

function malformed(message: string): S3Error {
  return new S3Error('MalformedPolicy', message)
}
