import { type ChannelError } from '../channel.ts'
import { NoSocketError, openSocket, type VendorSocket } from '../network.ts'
import { socketAddressOf, type SmppCredentials } from './credentials.ts'
import { noAnswer, noConnection, refusalOf } from './errors.ts'
import { commands, createReader, encodeBind, encodePdu, isResponse, responseTo, statuses, type Pdu } from './pdu.ts'

/** A bound connection to an SMSC. */
export interface Wire {
  /** Resolves when the connection is gone. */
  readonly ended: Promise<void>
  /** Writes a request and waits for its answer, whatever its status. @throws ChannelError with outcome `unknown` when none comes */
  request(command: number, body: Buffer, signal: AbortSignal): Promise<Pdu>
  answer(pdu: Pdu, status: number): void
  /** Unbinds and waits a moment for the answer; never throws. */
  close(): Promise<void>
}

/** @throws ChannelError that nothing was written */
const connect = async (credentials: SmppCredentials, signal: AbortSignal): Promise<VendorSocket> => {
  try {
    return await openSocket(socketAddressOf(credentials), credentials, signal)
  } catch (error) {
    throw error instanceof NoSocketError ? noConnection(error.code) : error
  }
}

/** An answer to our question whether the SMSC is there may take this long. */
const enquireTimeoutMs = 10_000
const unbindTimeoutMs = 2_000

export interface WireOptions {
  readonly bindAs: 'transceiver' | 'transmitter'
  /** A request of the SMSC other than those that every peer answers in the same way. */
  onRequest(pdu: Pdu): void
}

/**
 * Connects and binds. The link is checked while nothing is heard; a link that is silent is cut.
 *
 * @throws ChannelError as the SMSC refused, or `transient` when it could not be reached
 */
export const openWire = async (credentials: SmppCredentials, signal: AbortSignal, options: WireOptions): Promise<Wire> => {
  const socket = await connect(credentials, signal)
  socket.setNoDelay(true)
  const read = createReader()
  const waiting = new Map<number, (answer: Pdu | ChannelError) => void>()
  let sequence = 0
  let heardAt = Date.now()
  let end = (): void => undefined
  const ended = new Promise<void>((resolve) => (end = resolve))

  const answer = (pdu: Pdu, status: number): void => {
    // A `deliver_sm_resp` has a message id that is not used.
    const body = pdu.command === commands.deliverSm ? Buffer.from([0]) : Buffer.alloc(0)
    if (!socket.destroyed) socket.write(encodePdu({ command: responseTo(pdu.command), status, sequence: pdu.sequence, body }))
  }
  const take = (pdu: Pdu): void => {
    if (isResponse(pdu.command)) {
      const resolve = waiting.get(pdu.sequence)
      waiting.delete(pdu.sequence)
      resolve?.(pdu)
    } else if (pdu.command === commands.enquireLink) answer(pdu, statuses.ok)
    else if (pdu.command === commands.unbind) {
      answer(pdu, statuses.ok)
      socket.end()
    } else if (pdu.command === commands.deliverSm) options.onRequest(pdu)
    else if (!socket.destroyed) socket.write(encodePdu({ command: commands.genericNack, status: statuses.invalidCommand, sequence: pdu.sequence, body: Buffer.alloc(0) }))
  }
  socket.on('data', (chunk: Buffer) => {
    heardAt = Date.now()
    try {
      for (const pdu of read(chunk)) take(pdu)
    } catch {
      socket.destroy()
    }
  })
  socket.on('end', () => socket.end())
  socket.once('close', () => {
    clearInterval(watch)
    for (const resolve of waiting.values()) resolve(noAnswer('connectionLost'))
    waiting.clear()
    end()
  })

  const request = async (command: number, body: Buffer, until: AbortSignal): Promise<Pdu> => {
    if (socket.destroyed || socket.writableEnded) throw noConnection('noSession')
    sequence = (sequence % 0x7fff_fffe) + 1
    const own = sequence
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiting.delete(own)
        reject(noAnswer('TIMEOUT'))
      }
      waiting.set(own, (got) => {
        until.removeEventListener('abort', onAbort)
        if (got instanceof Error) reject(got)
        else resolve(got)
      })
      if (until.aborted) {
        onAbort()
        return
      }
      until.addEventListener('abort', onAbort, { once: true })
      socket.write(encodePdu({ command, status: 0, sequence: own, body }))
    })
  }

  const everyMs = credentials.enquireSeconds * 1000
  const watch = setInterval(() => {
    if (Date.now() - heardAt < everyMs) return
    request(commands.enquireLink, Buffer.alloc(0), AbortSignal.timeout(Math.min(enquireTimeoutMs, everyMs))).catch(() => socket.destroy())
  }, everyMs)
  watch.unref()

  const wire: Wire = {
    ended,
    request,
    answer,
    close: async () => {
      await request(commands.unbind, Buffer.alloc(0), AbortSignal.timeout(unbindTimeoutMs)).catch(() => undefined)
      socket.destroy()
      await ended
    },
  }
  try {
    const command = options.bindAs === 'transceiver' ? commands.bindTransceiver : commands.bindTransmitter
    const bound = await request(command, encodeBind(credentials), signal)
    if (bound.status !== statuses.ok) throw refusalOf(bound.status)
    return wire
  } catch (error) {
    socket.destroy()
    throw error
  }
}
