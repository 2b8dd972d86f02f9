import { startPeer } from './smsc-peer.ts'
import { type Trouble, type VendorKind } from './vendor-side.ts'

/** What an SMSC says to a bind or to a submit: `command_status`. */
export type SmscAnswer = { readonly bind: number } | { readonly submit: number }

/** An SMSC keeps what nobody took and tries again. */
const repeatMs = 20

const start: VendorKind<SmscAnswer>['start'] = async () => {
  const peer = await startPeer()
  let queue: (SmscAnswer | Trouble)[] = [{ submit: 0 }]
  const waiting: string[] = []
  let isClosed = false
  peer.onSubmit = (_pdu, session, count) => {
    const answer = (queue.length > 1 ? queue.shift() : queue[0])!
    if (answer === 'hangUp') session.socket.destroy()
    if (typeof answer === 'string' || 'bind' in answer) return undefined
    return { command_status: answer.submit, message_id: answer.submit === 0 ? `id${count}` : '' }
  }
  const handOn = async (): Promise<void> => {
    while (!isClosed) {
      const [text] = waiting
      const isTaken =
        text !== undefined && peer.sessions.size > 0 && (await peer.deliver({ source_addr: '79000000001', destination_addr: '79990000000', data_coding: 8, short_message: text })) === 0
      if (isTaken) waiting.shift()
      else await new Promise((resolve) => setTimeout(resolve, repeatMs))
    }
  }
  void handOn()
  return {
    form: { address: peer.url },
    url: peer.url,
    replies: (...answers) => {
      queue = answers.length === 0 ? [{ submit: 0 }] : [...answers]
      peer.bindStatus = answers.flatMap((answer) => (typeof answer !== 'string' && 'bind' in answer ? [answer.bind] : [])).at(-1) ?? 0
      peer.submits.length = 0
    },
    taken: () => peer.submits.length,
    session: {
      receives: (text) => void waiting.push(text),
      cut: () => [...peer.sessions].forEach((session) => session.socket.destroy()),
      held: () => peer.sessions.size,
    },
    close: async () => {
      isClosed = true
      await peer.close()
    },
  }
}

/** An operator's SMSC, made of a package that knows nothing of ours. */
export const overSmpp: VendorKind<SmscAnswer> = { start, nobody: { address: 'smpp://127.0.0.1:1' }, hangUpCode: 'connectionLost' }
