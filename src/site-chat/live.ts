import { type FastifyReply } from 'fastify'
import { type Db } from '../db/database.ts'
import { type Hub } from './hub.ts'
import { type MessageView } from './protocol.ts'
import { changesSince, type StoredMessage, type Visitor } from './store.ts'

const batchSize = 50
const heartbeatMs = 20_000
const reconnectMs = 2_000
/** A page that does not read is cut off; it comes back and goes on at its cursor. */
const mostUnreadBytes = 1024 * 1024

export interface Stream {
  close(): void
}

/**
 * Live updates of one page as Server-Sent Events. The id of each event is the version up to which the page is complete, so that a page that
 * comes back with it as Last-Event-ID misses nothing; an event is the whole message as it is now, so that nothing is shown twice.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export const openStream = (
  reply: FastifyReply,
  options: { readonly db: Db; readonly hub: Hub; readonly visitor: Visitor; readonly cursor: number; readonly view: (message: StoredMessage) => MessageView; readonly onClose: () => void },
): Stream => {
  const { db, hub, visitor, view } = options
  reply.hijack()
  const { raw } = reply
  const headers = { ...reply.getHeaders(), 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' }
  raw.writeHead(200, headers as Record<string, string>)
  raw.write(`retry: ${reconnectMs}\n\n`)
  let cursor = options.cursor
  let isReading = false
  let isAskedAgain = false
  const say = (event: string, id: number, data: unknown): void => void raw.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

  /** @returns whether there may be more */
  const readOn = async (): Promise<boolean> => {
    const changes = await changesSince(db, visitor, cursor, batchSize)
    if (changes === undefined) {
      raw.end()
      return false
    }
    const { state } = changes
    // A cursor that we never gave - the database is an older copy - begins anew.
    if (cursor > state.version) {
      cursor = 0
      return true
    }
    const isMarked = state.marksVersion > cursor
    const isWhole = changes.messages.length < batchSize
    for (const message of changes.messages) say('message', message.version, view(message))
    cursor = isWhole ? state.version : changes.messages.at(-1)!.version
    if (isMarked) say('marks', cursor, { deliveredId: state.deliveredId, readId: state.readId, clinicReadId: state.clinicReadId })
    return !isWhole
  }
  const wake = async (): Promise<void> => {
    isAskedAgain = true
    if (isReading) return
    isReading = true
    try {
      while (isAskedAgain && !raw.writableEnded && !raw.destroyed) {
        isAskedAgain = false
        if (raw.writableLength > mostUnreadBytes) raw.destroy()
        else if (await readOn()) isAskedAgain = true
      }
    } catch {
      // The database is away: the page comes back when it is there again.
      raw.destroy()
    } finally {
      isReading = false
    }
  }

  const unwatch = hub.watch(visitor, () => void wake())
  const heartbeat = setInterval(() => raw.write(':\n\n'), heartbeatMs)
  const end = (): void => {
    clearInterval(heartbeat)
    unwatch()
    options.onClose()
  }
  // A page that left while it was being let in has closed its connection already and will not say so again.
  if (raw.destroyed) {
    setImmediate(end)
    return { close: () => undefined }
  }
  raw.once('close', end)
  void wake()
  return { close: () => raw.end() }
}
