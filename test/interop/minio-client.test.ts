import { Client } from 'minio'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { beforeAll, expect, it } from 'vitest'

import { filesBelow, sequencingRun, writeTree } from '../support/files.ts'
import { onEveryBackend } from '../support/on-every-backend.ts'

const BUCKET = 'interop-minio-client'

onEveryBackend("the minio client, which shares no code with sealift's", (stage) => {
  let client: Client

  beforeAll(async () => {
    const { backend, group } = stage()
    const { hostname, port } = new URL(backend.endpoint)
    const { accessKeyId: accessKey, secretAccessKey: secretKey } = group.project
    const region = 'us-east-1'
    client = new Client({
      endPoint: hostname,
      port: Number(port),
      useSSL: false,
      accessKey,
      secretKey,
      region,
    })
    await client.makeBucket(BUCKET)
    await group.json(['key', 'generate', 'animine', '--no-passphrase'])
    await writeTree(join(group.home, 'run_12'), sequencingRun())
    await group.json(['upload', 'run_12/', `s3://${BUCKET}/run_12/`, '--to', 'animine.pub'])
  })

  it('lists the objects with their names', async () => {
    const { group } = stage()
    const names: string[] = []
    const listing: AsyncIterable<{ name: string }> = client.listObjectsV2(BUCKET, 'run_12/', true)
    for await (const { name } of listing) names.push(name)
    const files = await filesBelow(join(group.home, 'run_12'))
    expect(names.sort()).toEqual(files.map((file) => `run_12/${file}.c4gh`).sort())
  })

  it('reads each object byte for byte as sealift downloads it', async () => {
    const { group } = stage()
    await group.json(['download', `s3://${BUCKET}/run_12/`, 'as-stored/', '--no-decrypt'])
    const files = await filesBelow(join(group.home, 'as-stored'))
    expect(files).toHaveLength(4)
    for (const file of files) {
      const body = await buffer(await client.getObject(BUCKET, `run_12/${file}`))
      expect(body.subarray(0, 8).toString('latin1')).toBe('crypt4gh')
      expect(body.equals(await readFile(join(group.home, 'as-stored', file))), file).toBe(true)
    }
  })

  it('puts an object that sealift lists and downloads', async () => {
    const { group } = stage()
    await client.putObject(BUCKET, 'notes/hello.txt', Buffer.from('hello'))
    const listed = await group.sealift(['ls', `s3://${BUCKET}/notes/`])
    expect(listed.stdout).toContain('notes/hello.txt')
    await group.json(['download', `s3://${BUCKET}/notes/hello.txt`, 'hello.txt', '--no-decrypt'])
    expect(await readFile(join(group.home, 'hello.txt'), 'utf8')).toBe('hello')
  })
})
