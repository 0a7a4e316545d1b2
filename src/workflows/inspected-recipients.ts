import type { ExaminedPacket } from '../crypto/crypt4gh/examine-header.ts'
import { fingerprint } from '../crypto/keys/fingerprint.ts'
import type { KeyPair } from '../crypto/keys/key-pair.ts'
import type { Recipient } from './recipients.ts'

/** Whether somebody can open a file: part of the --json contract. */
export interface InspectedRecipient {
  name: string
  fingerprint: string
  /** `unknown` without a secret key of the reader or the sender: a packet does not say whom it is for. */
  opens: 'yes' | 'no' | 'unknown'
  /** Numbers of the packets that are for this recipient, from 0. */
  packets: number[]
}

/** What examined packets say about each recipient. */
export function inspectedRecipients(
  packets: readonly ExaminedPacket[],
  recipients: readonly Recipient[],
  identities: readonly KeyPair[],
): InspectedRecipient[] {
  const ours = new Set(identities.map(({ publicKey }) => fingerprint(publicKey)))
  const known = packets.map(({ writerPublicKey, readerPublicKey, contents }) => ({
    sender: writerPublicKey && fingerprint(writerPublicKey),
    reader: readerPublicKey && fingerprint(readerPublicKey),
    hasDataKey: contents !== undefined && 'dataKeyNumber' in contents,
  }))
  return recipients.map(({ name, fingerprint: recipient }) => {
    const own = known.flatMap(({ reader }, number) => (reader === recipient ? [number] : []))
    // Tried and failed: by the recipient's own identity, or by the sender's, or it is somebody else's.
    const excluded = known.every(
      ({ sender, reader }) =>
        sender === undefined || reader !== undefined || ours.has(recipient) || ours.has(sender),
    )
    const opens = own.some((number) => known[number]?.hasDataKey)
    return { name, fingerprint: recipient, opens: opens ? 'yes' : excluded ? 'no' : 'unknown', packets: own }
  })
}
