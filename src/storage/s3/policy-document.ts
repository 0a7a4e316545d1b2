import { z } from 'zod'
import type { PolicyDocument } from '../access/access-store.ts'

/** Conditions may hold numbers and booleans; the policy language compares them as text (IAM, "Condition"). */
const word = z.union([z.string(), z.number(), z.boolean()]).transform(String)
const words = z.union([word, z.array(word)])
const principal = z.union([z.literal('*'), z.record(z.string(), words)])
const statement = z.looseObject({
  Sid: z.string().exactOptional(),
  Effect: z.enum(['Allow', 'Deny']),
  Principal: principal.exactOptional(),
  NotPrincipal: principal.exactOptional(),
  Action: words.exactOptional(),
  NotAction: words.exactOptional(),
  Resource: words.exactOptional(),
  NotResource: words.exactOptional(),
  Condition: z.record(z.string(), z.record(z.string(), words)).exactOptional(),
})
const document = z.looseObject({
  Version: z.string().exactOptional(),
  Id: z.string().exactOptional(),
  Statement: z.union([z.array(statement), statement.transform((only) => [only])]),
})

/** A policy as a server keeps it; undefined when the text is none. Fields we don't know stay, so that writing it back loses nothing. */
export function parsePolicy(text: string): PolicyDocument | undefined {
  try {
    return document.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
