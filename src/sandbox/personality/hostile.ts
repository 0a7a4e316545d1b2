/** Servers that do damage or tell lies, each seen somewhere; for tests that sealift survives them. */
import { maxXmlBytes } from '../operations/limits.ts'
import { type BucketOperation, emptyAnswer, xmlAnswer } from '../request.ts'
import { buildXml } from '../xml.ts'
import type { Personality } from './personality.ts'
import { rgwRules } from './rgw.ts'

/** Ceph RGW 16.2 does this: `DELETE ?encryption` deletes a bucket that is empty, `GET ?encryption` lists it. */
export const fallThrough: Personality = {
  rules: { ...rgwRules, unknownSubResources: 'ignored' },
  operations: {},
}

/** Says yes to every change of access, and changes nothing: as MinIO does with ACLs. */
export const deaf: Personality = {
  rules: rgwRules,
  operations: {
    PutBucketPolicy: hear(204),
    DeleteBucketPolicy: () => emptyAnswer(204),
    PutBucketAcl: hear(200),
    PutObjectAcl: hear(200),
  },
}

/** Answers for a policy with half of it; where there is none with a listing, as servers do that don't know policies. */
export const garbled: Personality = {
  rules: rgwRules,
  operations: {
    GetBucketPolicy: ({ bucket: { record } }) =>
      record.policy === undefined
        ? xmlAnswer(buildXml('ListBucketResult', { Name: record.name, IsTruncated: false }))
        : {
            status: 200,
            headers: { 'content-type': 'application/json' },
            text: record.policy.slice(0, Math.ceil(record.policy.length / 2)),
          },
  },
}

function hear(status: number): BucketOperation {
  return async ({ body }) => {
    await body.text(maxXmlBytes)
    return emptyAnswer(status)
  }
}
