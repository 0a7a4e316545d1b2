import { describe, expect, it } from 'vitest'
import { TRANSFER_ID, transferId, type TransferRequest } from '../../../src/transfer/journal/transfer-id.ts'

const request: TransferRequest = {
  direction: 'upload',
  endpoint: 'https://s3.example.org',
  bucket: 'animine-data-import-1',
  objectKey: 'run_12/',
  paths: ['/data/a', '/data/b'],
  readers: ['key 1', 'key 2'],
}
const id = transferId(request)

describe('the id of a transfer', () => {
  it('is the same for the same request, in whatever order things are named', () => {
    expect(id).toMatch(TRANSFER_ID)
    expect(
      transferId({ ...request, paths: ['/data/b', '/data/a'], readers: ['key 2', 'key 1', 'key 2'] }),
    ).toBe(id)
  })

  it('is another for any other request', () => {
    const others: TransferRequest[] = [
      { ...request, direction: 'download' },
      { ...request, endpoint: 'https://s3.example.com' },
      { ...request, bucket: 'animine-data-import-2' },
      { ...request, objectKey: 'run_13/' },
      { ...request, paths: ['/data/a'] },
      { ...request, paths: ['/data/a","/data/b'] },
      { ...request, readers: ['key 1'] },
      { ...request, readers: 'decrypt' },
      { ...request, readers: 'as-is' },
    ]
    expect(new Set([id, ...others.map(transferId)]).size).toBe(others.length + 1)
  })
})
