import { createRequire } from 'node:module'
import { type AddressInfo } from 'node:net'

// The package has no types; what is used of it is written down here.
/** A PDU as the package reads and writes it. */
export interface PeerPdu {
  command: string
  sequence_number: number
  command_status: number
  isResponse(): boolean
  response(fields?: Record<string, unknown>): PeerPdu
  [field: string]: unknown
}
export interface PeerSession {
  on(event: string, listener: (pdu: PeerPdu) => void): void
  send(pdu: PeerPdu, answered?: (answer: PeerPdu) => void): void
  deliver_sm(fields: Record<string, unknown>, answered?: (answer: PeerPdu) => void): void
  enquire_link(answered?: (answer: PeerPdu) => void): void
  unbind(answered?: (answer: PeerPdu) => void): void
  close(): void
  destroy(): void
  socket: { destroy(): void }
}
interface PeerServer {
  listen(port: number, host: string, done: () => void): void
  close(done?: () => void): void
  address(): AddressInfo
}
interface Package {
  createServer(options: Record<string, unknown>, onSession: (session: PeerSession) => void): PeerServer
  PDU: new (command: string, fields?: Record<string, unknown>) => PeerPdu & { toBuffer(): Buffer }
}
export const smppPackage = createRequire(import.meta.url)('smpp') as Package

/** An SMSC made of a package that knows nothing of ours. */
export interface Peer {
  readonly url: string
  readonly sessions: Set<PeerSession>
  readonly submits: PeerPdu[]
  readonly binds: PeerPdu[]
  enquiries: number
  unbinds: number
  /** Leaves questions whether it is there without an answer. */
  isMute: boolean
  /** How a bind is answered: 0 is a yes. */
  bindStatus: number
  /** Answers a submit; undefined: never. */
  onSubmit(pdu: PeerPdu, session: PeerSession, count: number): Record<string, unknown> | undefined
  /** Delivers to the bound peer and resolves with its answer's status. */
  deliver(fields: Record<string, unknown>): Promise<number>
  close(): Promise<void>
}

export const startPeer = async (options: Record<string, unknown> = {}): Promise<Peer> => {
  const sessions = new Set<PeerSession>()
  const peer: Peer = {
    url: '', sessions, submits: [], binds: [], enquiries: 0, unbinds: 0, isMute: false, bindStatus: 0,
    onSubmit: (_pdu, _session, count) => ({ message_id: `id${count}` }),
    deliver: async (fields) =>
      new Promise((resolve) => {
        const [session] = sessions
        session!.deliver_sm(fields, (answer) => resolve(answer.command_status))
      }),
    close: async () => {
      for (const session of sessions) session.destroy()
      await new Promise<void>((resolve) => server.close(resolve))
    },
  }
  const server = smppPackage.createServer(options, (session) => {
    const bind = (pdu: PeerPdu): void => {
      peer.binds.push(pdu)
      if (peer.bindStatus === 0) sessions.add(session)
      session.send(pdu.response({ command_status: peer.bindStatus, system_id: 'peer' }))
    }
    session.on('bind_transceiver', bind)
    session.on('bind_transmitter', (pdu) => session.send(pdu.response({ command_status: peer.bindStatus })))
    session.on('enquire_link', (pdu) => {
      peer.enquiries++
      if (!peer.isMute) session.send(pdu.response())
    })
    session.on('unbind', (pdu) => {
      peer.unbinds++
      session.send(pdu.response())
      session.close()
    })
    session.on('submit_sm', (pdu) => {
      peer.submits.push(pdu)
      const answer = peer.onSubmit(pdu, session, peer.submits.length)
      if (answer !== undefined) session.send(pdu.response(answer))
    })
    session.on('close', () => sessions.delete(session))
    session.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(peer, { url: `smpp://127.0.0.1:${server.address().port}` })
}
