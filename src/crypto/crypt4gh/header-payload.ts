/**
 * What stands inside a header packet once it is decrypted (crypt4gh.tex §2.3): a data key or an edit
 * list. A payload may be longer than its fields need, so that packets of both types can look alike from
 * outside; what follows the fields is ignored.
 */
import { AppError } from '../../util/errors.ts'
import {
  DATA_METHOD_CHACHA20,
  HEADER_LIMITS,
  KEY_SIZE,
  PACKET_TYPE_DATA_KEY,
  PACKET_TYPE_EDIT_LIST,
} from './format.ts'

export type HeaderPayload = { dataKey: Uint8Array } | { editList: readonly bigint[] }

const MAX_U64 = 2n ** 64n - 1n

/**
 * Reads a decrypted payload; what it gives are copies.
 *
 * @throws {@link AppError} INVALID_HEADER for an unknown packet type or data encryption method, or fields
 * that reach beyond the payload
 */
export function parsePayload(payload: Uint8Array): HeaderPayload {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (payload.length < 8) throw malformed(`its ${payload.length} bytes are too few`)
  const packetType = view.getUint32(0, true)
  switch (packetType) {
    case PACKET_TYPE_DATA_KEY:
      return { dataKey: parseDataKey(payload, view) }
    case PACKET_TYPE_EDIT_LIST:
      return { editList: parseEditList(view) }
    default:
      // The standard is silent here. A packet we don't understand could change what the file means.
      throw malformed(`packet type ${packetType} is unknown`, [
        'a newer program may have written it; ask the sender which one',
      ])
  }
}

/** Payload of a data key packet: packet type, data encryption method, data key (§2.3.1). */
export function serializeDataKey(dataKey: Uint8Array): Uint8Array {
  if (dataKey.length !== KEY_SIZE) {
    throw new RangeError(`a data key has ${KEY_SIZE} bytes, got ${dataKey.length}`)
  }
  const payload = new Uint8Array(8 + KEY_SIZE)
  const view = new DataView(payload.buffer)
  view.setUint32(0, PACKET_TYPE_DATA_KEY, true)
  view.setUint32(4, DATA_METHOD_CHACHA20, true)
  payload.set(dataKey, 8)
  return payload
}

/** Payload of an edit list packet: packet type, number of lengths, lengths as u64 (§2.3.2). */
export function serializeEditList(editList: readonly bigint[]): Uint8Array {
  const largest = Math.floor(HEADER_LIMITS.packetLength / 8) - 16
  if (editList.length > largest) {
    throw new AppError(
      'USAGE',
      `an edit list of ${editList.length} lengths is too long, at most ${largest} fit`,
    )
  }
  const payload = new Uint8Array(8 + 8 * editList.length)
  const view = new DataView(payload.buffer)
  view.setUint32(0, PACKET_TYPE_EDIT_LIST, true)
  view.setUint32(4, editList.length, true)
  for (const [index, length] of editList.entries()) {
    if (length < 0n || length > MAX_U64) throw new RangeError('lengths of an edit list are unsigned 64-bit')
    view.setBigUint64(8 + 8 * index, length, true)
  }
  return payload
}

function parseDataKey(payload: Uint8Array, view: DataView): Uint8Array {
  const method = view.getUint32(4, true)
  if (method !== DATA_METHOD_CHACHA20) throw malformed(`data encryption method ${method} is unknown`)
  if (payload.length < 8 + KEY_SIZE) throw malformed('its data key is too short')
  return payload.slice(8, 8 + KEY_SIZE)
}

function parseEditList(view: DataView): bigint[] {
  const count = view.getUint32(4, true)
  const room = Math.floor((view.byteLength - 8) / 8)
  if (count > room) throw malformed(`its edit list claims ${count} lengths, there is room for ${room}`)
  return Array.from({ length: count }, (_, index) => view.getBigUint64(8 + 8 * index, true))
}

function malformed(why: string, hints: readonly string[] = []): AppError {
  return new AppError('INVALID_HEADER', `a header packet sealed for us can't be used: ${why}`, { hints })
}
