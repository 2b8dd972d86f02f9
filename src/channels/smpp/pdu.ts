/** PDUs of SMPP 3.4 as this channel needs them. @see https://smpp.org/SMPP_v3_4_Issue1_2.pdf */

export const commands = {
  bindTransmitter: 0x02, submitSm: 0x04, deliverSm: 0x05, unbind: 0x06, bindTransceiver: 0x09, enquireLink: 0x15, genericNack: 0x8000_0000,
} as const

const responseBit = 0x8000_0000
export const responseTo = (command: number): number => (command | responseBit) >>> 0
export const isResponse = (command: number): boolean => command >>> 31 === 1

/** `command_status` values that are told apart. */
export const statuses = { ok: 0, invalidCommand: 0x03, alreadyBound: 0x05, temporaryApplicationError: 0x64 } as const

export interface Pdu {
  readonly command: number
  readonly status: number
  readonly sequence: number
  readonly body: Buffer
}

const headerLength = 16
/** Nothing that an SMSC sends is longer; a stream that says so is no SMPP. */
const mostLength = 70_000

export const encodePdu = ({ command, status, sequence, body }: Pdu): Buffer => {
  const header = Buffer.alloc(headerLength)
  header.writeUInt32BE(headerLength + body.length, 0)
  header.writeUInt32BE(command, 4)
  header.writeUInt32BE(status, 8)
  header.writeUInt32BE(sequence, 12)
  return Buffer.concat([header, body])
}

/** Cuts a stream into PDUs. @throws Error when it cannot be one of SMPP */
export const createReader = (): ((chunk: Buffer) => readonly Pdu[]) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const pdus: Pdu[] = []
    while (rest.length >= headerLength) {
      const length = rest.readUInt32BE(0)
      if (length < headerLength || length > mostLength) throw new Error('The stream is no SMPP.')
      if (rest.length < length) break
      pdus.push({ command: rest.readUInt32BE(4), status: rest.readUInt32BE(8), sequence: rest.readUInt32BE(12), body: Buffer.from(rest.subarray(headerLength, length)) })
      rest = rest.subarray(length)
    }
    return pdus
  }
}

/** Optional parameters by tag. */
export const tags = {
  userMessageReference: 0x0204, sarReference: 0x020c, sarTotal: 0x020e, sarNumber: 0x020f, receiptedMessageId: 0x001e, messageState: 0x0427, messagePayload: 0x0424,
} as const

export interface Address {
  readonly ton: number
  readonly npi: number
  readonly value: string
}

/** A short message in either direction, `submit_sm` or `deliver_sm`. */
export interface ShortMessage {
  readonly source: Address
  readonly destination: Address
  readonly esmClass: number
  readonly validityPeriod?: string
  readonly registeredDelivery: number
  readonly dataCoding: number
  readonly content: Buffer
  readonly options: ReadonlyMap<number, Buffer>
}

const cString = (text: string): Buffer => Buffer.from(`${text}\0`, 'latin1')
const addressBytes = ({ ton, npi, value }: Address): Buffer => Buffer.concat([Buffer.from([ton, npi]), cString(value)])

const optionBytes = (tag: number, value: Buffer): Buffer => {
  const head = Buffer.alloc(4)
  head.writeUInt16BE(tag, 0)
  head.writeUInt16BE(value.length, 2)
  return Buffer.concat([head, value])
}

export const encodeShortMessage = (message: ShortMessage): Buffer =>
  Buffer.concat([
    cString(''), addressBytes(message.source), addressBytes(message.destination),
    Buffer.from([message.esmClass, 0, 0]), cString(''), cString(message.validityPeriod ?? ''),
    Buffer.from([message.registeredDelivery, 0, message.dataCoding, 0, message.content.length]), message.content,
    ...[...message.options].map(([tag, value]) => optionBytes(tag, value)),
  ])

const createCursor = (body: Buffer) => {
  let at = 0
  const need = (count: number): number => {
    if (at + count > body.length) throw new Error('The PDU is shorter than its fields.')
    const from = at
    at += count
    return from
  }
  return {
    byte: (): number => body.readUInt8(need(1)),
    word: (): number => body.readUInt16BE(need(2)),
    bytes: (count: number): Buffer => {
      const from = need(count)
      return body.subarray(from, from + count)
    },
    text: (): string => {
      const end = body.indexOf(0, at)
      if (end === -1) throw new Error('A text of the PDU has no end.')
      const text = body.toString('latin1', at, end)
      at = end + 1
      return text
    },
    left: (): number => body.length - at,
  }
}

/** @throws Error for a body that ends within a field */
export const decodeShortMessage = (body: Buffer): ShortMessage => {
  const cursor = createCursor(body)
  const address = (): Address => ({ ton: cursor.byte(), npi: cursor.byte(), value: cursor.text() })
  cursor.text()
  const source = address()
  const destination = address()
  const esmClass = cursor.byte()
  cursor.bytes(2)
  cursor.text()
  const validityPeriod = cursor.text()
  const registeredDelivery = cursor.byte()
  cursor.byte()
  const dataCoding = cursor.byte()
  cursor.byte()
  const content = cursor.bytes(cursor.byte())
  const options = new Map<number, Buffer>()
  // What some SMSCs leave behind the last parameter is no parameter.
  while (cursor.left() >= 4) {
    const tag = cursor.word()
    const length = cursor.word()
    if (length > cursor.left()) break
    options.set(tag, cursor.bytes(length))
  }
  return { source, destination, esmClass, registeredDelivery, dataCoding, content: options.get(tags.messagePayload) ?? content, options, ...(validityPeriod === '' ? {} : { validityPeriod }) }
}

export interface BindRequest {
  readonly systemId: string
  readonly password: string
  readonly systemType: string
}

/** Interface version 3.4, any address. */
export const encodeBind = ({ systemId, password, systemType }: BindRequest): Buffer =>
  Buffer.concat([cString(systemId), cString(password), cString(systemType), Buffer.from([0x34, 0, 0]), cString('')])

/** The id in a `submit_sm_resp`; empty when the SMSC gave none. */
export const messageIdOf = (body: Buffer): string => {
  const end = body.indexOf(0)
  return body.toString('latin1', 0, end === -1 ? body.length : end)
}

/** A text of an optional parameter, with or without its end. */
export const optionText = (value: Buffer | undefined): string | undefined => (value === undefined ? undefined : value.toString('latin1').replace(/\0.*$/s, ''))
