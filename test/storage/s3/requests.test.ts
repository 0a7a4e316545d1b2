import { describe, expect, it } from 'vitest'
import { checkRequest } from '../../../src/storage/s3/allowed-requests.ts'
import { parsePolicy } from '../../../src/storage/s3/policy-document.ts'

describe('requests that are never sent', () => {
  it.each([
    ['DELETE', 'encryption'],
    ['DELETE', 'ownershipControls'],
    ['DELETE', 'lifecycle'],
    ['DELETE', 'acl'],
    ['PUT', 'encryption'],
    ['GET', 'ownershipControls'],
    ['POST', 'delete'],
    ['PATCH', 'acl'],
  ])('%s ?%s', (method, name) => {
    expect(() => {
      checkRequest({ method, query: { [name]: '' } })
    }).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }))
  })

  it('the ones of the contract are sent', () => {
    expect(() => {
      checkRequest({ method: 'DELETE', query: { policy: '' } })
      checkRequest({ method: 'PUT', query: { partNumber: '1', uploadId: 'u', 'x-id': 'UploadPart' } })
    }).not.toThrow()
  })
})

describe('policies as servers keep them', () => {
  it('one statement may stand without a list, conditions may hold booleans, unknown fields stay', () => {
    const text = JSON.stringify({
      Version: '2012-10-17',
      Statement: {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:*',
        Resource: '*',
        Condition: { Bool: { 'aws:SecureTransport': false } },
        Future: 'field',
      },
    })
    expect(parsePolicy(text)).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:*',
          Resource: '*',
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          Future: 'field',
        },
      ],
    })
  })

  it.each(['', '<ListBucketResult/>', 'null', '[]', '{}', '{"Statement":[{"Effect":"Maybe"}]}'])(
    '%j is not a policy',
    (text) => {
      expect(parsePolicy(text)).toBeUndefined()
    },
  )
})
