import { ChannelError, type OutboundMessage, type Sent, type Session, type SessionContext } from '../channel.ts'
import { phoneAddress, senderOf, type SmppCredentials } from './credentials.ts'
import { meaningOf, noAnswer, noConnection, refusalOf } from './errors.ts'
import { createMemory, digestOf, type SessionMemory } from './memory.ts'
import { commands, decodeShortMessage, encodeShortMessage, messageIdOf, optionText, statuses, tags, type Pdu, type ShortMessage } from './pdu.ts'
import { decodeText, headerOf, readHeader, splitText, type Part } from './text.ts'
import { delivered, isReceipt, plainId, receiptOf, spellingsOf, type Delivered } from './webhook.ts'
import { openWire, type Wire } from './wire.ts'

/** Waits its turn; the SMSC takes so many unanswered messages and no more. */
const createWindow = (size: number) => {
  let free = size
  const queue: (() => void)[] = []
  return {
    enter: async (signal: AbortSignal): Promise<void> => {
      if (free > 0) {
        free--
        return
      }
      await new Promise<void>((resolve, reject) => {
        const turn = (): void => {
          signal.removeEventListener('abort', onAbort)
          resolve()
        }
        const onAbort = (): void => {
          queue.splice(queue.indexOf(turn), 1)
          reject(noConnection('windowFull'))
        }
        queue.push(turn)
        signal.addEventListener('abort', onAbort, { once: true })
      })
    },
    leave: (): void => {
      const next = queue.shift()
      if (next === undefined) free++
      else next()
    },
  }
}

/** `YYMMDDhhmmss000R`: so long from now. From a minute to three days. */
const validityOf = (seconds: number): string => {
  const whole = Math.min(Math.max(Math.floor(seconds), 60), 3 * 24 * 3600)
  const two = (value: number): string => String(value).padStart(2, '0')
  return `0000${two(Math.floor(whole / 86_400))}${two(Math.floor(whole / 3600) % 24)}${two(Math.floor(whole / 60) % 60)}${two(whole % 60)}000R`
}

const number = (size: 1 | 2, value: number): Buffer => {
  const bytes = Buffer.alloc(size)
  bytes.writeUIntBE(value & (size === 1 ? 0xff : 0xffff), 0, size)
  return bytes
}

/** What goes out for one text: one PDU, or several that the phone puts together. */
export const submitsOf = (message: OutboundMessage, credentials: SmppCredentials): readonly Buffer[] => {
  const { dataCoding, parts } = splitText(message.text, credentials.alphabet)
  const common = {
    source: senderOf(credentials), destination: phoneAddress(message.to, credentials), registeredDelivery: 1, dataCoding,
    ...(message.expiresInSeconds === undefined ? {} : { validityPeriod: validityOf(message.expiresInSeconds) }),
  }
  if (parts.length === 1) return [encodeShortMessage({ ...common, esmClass: 0, content: parts[0]!, options: new Map() })]
  if (credentials.longMessages === 'payload') {
    return [encodeShortMessage({ ...common, esmClass: 0, content: Buffer.alloc(0), options: new Map([[tags.messagePayload, Buffer.concat(parts)]]) })]
  }
  return parts.map((content, index) => {
    const part: Part = { reference: message.number, total: parts.length, number: index + 1 }
    return credentials.longMessages === 'udh'
      ? encodeShortMessage({ ...common, esmClass: 0x40, content: Buffer.concat([headerOf(part), content]), options: new Map() })
      : encodeShortMessage({ ...common, esmClass: 0, content, options: new Map([[tags.sarReference, number(2, part.reference)], [tags.sarTotal, number(1, part.total)], [tags.sarNumber, number(1, part.number)]]) })
  })
}

/** A later part that meets a full queue or the limit is tried again for a while: the first ones are out. */
const partWaitMs = 1_000
const mostPartTries = 10

/** A receipt may be quicker than the answer that names what it is about: so long it waits for that, unheard of by the SMSC. */
const mostReceiptWaitMs = 2_000
const mostNames = 10_000

/** What is on its way out, and what went out whole: a receipt of an unknown id may be one of a part that has no name yet. */
const createUnderway = () => {
  const sends = new Set<Promise<unknown>>()
  const whole = new Set<string>()
  return {
    inParts: async <Result>(send: () => Promise<Result>): Promise<Result> => {
      const result = send()
      const settled = result.catch(() => undefined)
      sends.add(settled)
      void settled.then(() => sends.delete(settled))
      return result
    },
    wentWhole: (id: string): void => {
      whole.add(id)
      if (whole.size > mostNames) whole.delete(whole.values().next().value!)
    },
    /** Resolves when every part that may be meant has its name. */
    named: async (ids: readonly string[]): Promise<void> => {
      if (sends.size === 0 || ids.some((id) => whole.has(id))) return
      const wait = Promise.withResolvers<undefined>()
      const timer = setTimeout(() => wait.resolve(undefined), mostReceiptWaitMs)
      await Promise.race([Promise.all(sends), wait.promise])
      clearTimeout(timer)
    },
  }
}

const partOf = (sm: ShortMessage): { readonly part?: Part; readonly content: Buffer } => {
  if ((sm.esmClass & 0x40) !== 0) {
    const { part, text } = readHeader(sm.content)
    return { ...(part === undefined ? {} : { part }), content: text }
  }
  const [reference, total, which] = [sm.options.get(tags.sarReference), sm.options.get(tags.sarTotal), sm.options.get(tags.sarNumber)]
  if (reference?.length !== 2 || total?.length !== 1 || which?.length !== 1) return { content: sm.content }
  return { part: { reference: reference.readUInt16BE(), total: total.readUInt8(), number: which.readUInt8() }, content: sm.content }
}

/** Binds and keeps the bind: sends through it, and takes in what the SMSC delivers before the SMSC hears that it was taken. */
export const openSession = async (context: SessionContext<SmppCredentials>): Promise<Session> => {
  const { credentials } = context
  const memory = createMemory(await context.cursor.load())
  // One after another: messages of patients in their order, and what the cursor holds follows what was stored.
  let work: Promise<void> = Promise.resolve()
  const underway = createUnderway()
  const taken = createTaker(context, memory, underway.named)
  const wire: Wire = await openWire(credentials, context.signal, {
    bindAs: 'transceiver',
    onRequest: (pdu) => {
      work = work.then(async () => {
        // Without storage the SMSC keeps it and tries again.
        const status = await taken(pdu).then(() => statuses.ok, () => statuses.temporaryApplicationError)
        wire.answer(pdu, status)
      })
    },
  })
  const window = createWindow(credentials.window)

  const submit = async (body: Buffer, signal: AbortSignal): Promise<string> => {
    await window.enter(signal)
    try {
      const answer = await wire.request(commands.submitSm, body, signal)
      if (answer.status !== statuses.ok) throw refusalOf(answer.status)
      return plainId(messageIdOf(answer.body))
    } finally {
      window.leave()
    }
  }

  /** The first part is out: what follows is sent at any price, and a failure leaves the outcome open. */
  const submitLater = async (body: Buffer, signal: AbortSignal): Promise<string> => {
    for (let tries = 1; ; tries++) {
      try {
        return await submit(body, signal)
      } catch (error) {
        const mayPass = error instanceof ChannelError && error.outcome === 'rejected' && ['transient', 'rateLimited'].includes(error.failure.class)
        if (!mayPass || tries >= mostPartTries || signal.aborted) throw noAnswer('partLost')
        await new Promise((resolve) => setTimeout(resolve, partWaitMs))
      }
    }
  }

  // An SMSC that gives no ids has accepted all the same: nothing will be told of the message.
  const externalIdOf = (id: string, message: OutboundMessage): string => (id === '' ? `none.${message.ref}` : id)

  const sendParts = async ([first, ...others]: readonly Buffer[], message: OutboundMessage, signal: AbortSignal): Promise<string> => {
    const id = await submit(first!, signal)
    const externalId = externalIdOf(id, message)
    // From the first part on: its receipt may be quicker than the answer to the last one.
    memory.openGroup(externalId, id, others.length + 1, Date.now())
    for (const body of others) memory.joinGroup(externalId, await submitLater(body, signal))
    // Not known for certain after a crash: then the first part's receipt stands for all.
    await context.cursor.save(memory.write()).catch(() => undefined)
    return externalId
  }

  const sendWhole = async (body: Buffer, message: OutboundMessage, signal: AbortSignal): Promise<string> => {
    const id = await submit(body, signal)
    underway.wentWhole(id)
    return externalIdOf(id, message)
  }

  return {
    ended: wire.ended,
    send: async (message, signal): Promise<Sent> => {
      const bodies = submitsOf(message, credentials)
      const externalId = bodies.length > 1 ? await underway.inParts(async () => sendParts(bodies, message, signal)) : await sendWhole(bodies[0]!, message, signal)
      return { externalId, parts: splitText(message.text, credentials.alphabet).parts.length }
    },
    close: async () => {
      await work
      await context.cursor.save(memory.write()).catch(() => undefined)
      await wire.close()
    },
  }
}

/** Takes one `deliver_sm` into the inbox, or keeps it until its other parts are there. Resolves when nothing of it can be lost. */
const createTaker = (context: SessionContext<SmppCredentials>, memory: SessionMemory, named: (ids: readonly string[]) => Promise<void>) => {
  const { credentials, cursor } = context
  const emit = async (body: string): Promise<void> => context.emit({ method: 'POST', headers: { 'content-type': 'application/json' }, query: {}, body: Buffer.from(body) })
  const put = async (pdu: Delivered): Promise<void> => emit(JSON.stringify(pdu))

  const takeReceipt = async (pdu: Delivered): Promise<void> => {
    const receipt = receiptOf(pdu)
    const ids = receipt === undefined ? [] : spellingsOf(receipt.id, credentials.messageIds)
    if (receipt !== undefined && !memory.isPart(ids)) await named(ids)
    if (receipt === undefined || !memory.isPart(ids)) return put(pdu)
    const meaning = meaningOf(receipt.state, receipt.err)
    // On its way: so are all parts, or will be.
    if (meaning === undefined || ('level' in meaning && meaning.level === 'sent')) return undefined
    const part = memory.partReceipt(ids, 'level' in meaning)
    if (part.tells !== undefined) await put({ ...pdu, receipt_of: part.tells })
    part.pass()
    return cursor.save(memory.write())
  }

  /** What is to be put for this message; null while its other parts are not there. */
  const bodyOf = (pdu: Delivered, part: Part | undefined, now: number): string | null => {
    const ends = { from: pdu.source_addr, to: pdu.destination_addr }
    const whole =
      part === undefined || part.total < 2
        ? { text: pdu.short_message }
        : memory.addPart(digestOf([ends.from, ends.to, part.reference, part.total]), part, pdu.short_message, ends, now)
    return whole === undefined ? null : JSON.stringify({ ...pdu, short_message: whole.text, id: digestOf([ends.from, ends.to, whole.text, pdu.sequence_number, now]) })
  }

  /** Whatever moment the process dies at, a message that is delivered again is put as the same bytes, or passed over: it counts once, and is never lost. */
  const takeMessage = async (pdu: Delivered, part: Part | undefined, now: number): Promise<void> => {
    const digest = digestOf([pdu.source_addr, pdu.destination_addr, pdu.short_message, part?.number])
    const known = memory.recall(digest, now)
    if (known?.body === null) return
    const body = known?.body ?? bodyOf(pdu, part, now)
    memory.storing(digest, body, now)
    // Parts that lack their others go alone, in the name of whoever sent them.
    for (const { key, text, from, to, at } of memory.staleParts(now)) {
      await put({ command: pdu.command, esm_class: 0, source_addr: from, destination_addr: to, short_message: text, id: digestOf([key, at]) })
      memory.dropParts(key)
    }
    if (body !== null) {
      await cursor.save(memory.write())
      await emit(body)
      memory.stored(digest)
    }
    await cursor.save(memory.write())
    memory.answered(digest)
  }

  return async (request: Pdu): Promise<void> => {
    let sm: ShortMessage
    try {
      sm = decodeShortMessage(request.body)
    } catch {
      // Nobody can read it, and it would come again and again.
      return
    }
    const now = Date.now()
    const { part, content } = partOf(sm)
    const pdu = delivered.parse({
      command: 'deliver_sm', sequence_number: request.sequence, esm_class: sm.esmClass, source_addr: sm.source.value, destination_addr: sm.destination.value,
      short_message: isReceipt(sm.esmClass) ? content.toString('latin1') : (decodeText(content, sm.dataCoding, credentials.alphabet) ?? null),
      receipted_message_id: optionText(sm.options.get(tags.receiptedMessageId)), message_state: sm.options.get(tags.messageState)?.[0],
    })
    if (isReceipt(sm.esmClass)) return takeReceipt(pdu)
    return takeMessage(pdu, part, now)
  }
}
