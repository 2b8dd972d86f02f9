import { type Behaviour, type Messenger } from './behaviour.ts'
import { type Stage } from './stage.ts'

/** What a vendor can say of a message. */
export type Receipt = 'sent' | 'delivered' | 'read' | 'failed'

/** Says one receipt the way the behaviour wants receipts: at once, never, late, twice, in the wrong order. */
export type Report = (receipt: Receipt, at: number) => Promise<unknown>

/**
 * Makes the reporter of one message. `post` sends one webhook; the time it is given is the time of the event, not of the
 * post, as vendors do.
 */
export function createReport(
  stage: Stage, of: { messenger: Messenger, account: string }, behaviour: Behaviour, post: Report,
): Report {
  let heldSent: (() => Promise<unknown>) | undefined
  return (receipt, at) => {
    switch (behaviour.receipts) {
      case 'never':
        stage.poster.lose({ ...of, kind: `status:${receipt}` }, 'the sandbox was told to lose it')
        return Promise.resolve()
      case 'late':
        return stage.clock.sleep(behaviour.lateMs).then(() => post(receipt, at))
      case 'twice':
        return Promise.all([post(receipt, at), post(receipt, at)])
      case 'reversed': {
        if (receipt === 'sent') {
          heldSent = () => post(receipt, at)
          return Promise.resolve()
        }
        const later = heldSent
        heldSent = undefined
        return post(receipt, at).then(() => later?.())
      }
      case 'readOnly':
        return receipt === 'delivered' ? Promise.resolve() : post(receipt, at)
      case 'normal':
      case 'early':
        return post(receipt, at)
    }
  }
}
