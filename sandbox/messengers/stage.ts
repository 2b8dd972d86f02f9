import { type FastifyReply } from 'fastify'

import { type Clock } from '../clock.ts'
import { meets, type Behaviour, type Behaviours, type Messenger } from './behaviour.ts'
import { type Calls } from './calls.ts'
import { type Limiter } from './limits.ts'
import { type PhoneFile, type Place } from './files.ts'
import { type Patient, type PhoneMessage, type Phones } from './phones.ts'
import { type Random } from './random.ts'
import { type Poster, type Webhook } from './webhooks.ts'

/** What all stand-ins share. */
export interface Stage {
  clock: Clock
  random: Random
  behaviours: Behaviours
  phones: Phones
  poster: Poster
  calls: Calls
  limiter: Limiter
  /** Vendors demand https for webhooks; with this they also take http on the loopback interface. */
  allowLoopbackHttp: boolean
  origin(): string
}

/** What a vendor answers. `code` goes to the log. */
export interface Answer { status: number, body: unknown, code: string, headers?: Record<string, string> }

/** The vendor's own words for trouble that every vendor has. */
export type TroubleAnswers = Record<'unauthorized' | 'rateLimited' | 'unavailable' | 'badGateway', (behaviour: Behaviour) => Answer>

/** Whom and what a call is for. */
export interface CallTo {
  messenger: Messenger
  account: string
  method: string
  kind: 'send' | 'call'
  /** The call carries or fetches a file. */
  isMedia?: boolean
}

/**
 * Answers one API call: stages the trouble that is ordered, executes the call otherwise, writes the log.
 * `execute` returns the vendor's answer also for its errors; it never throws for them.
 */
export async function answerCall(
  stage: Stage, to: CallTo, reply: FastifyReply, troubles: TroubleAnswers,
  execute: (behaviour: Behaviour) => Answer | Promise<Answer>,
): Promise<FastifyReply> {
  const behaviour = stage.behaviours.draw(to.messenger, to.account, to.kind, to.isMedia)
  const log = (status: number, code: string): void => {
    stage.calls.add({ messenger: to.messenger, account: to.account, method: to.method, status, code })
    stage.phones.onChange()
  }
  if (behaviour.answerDelayMs > 0) await stage.clock.sleep(behaviour.answerDelayMs)

  const failure = meets(behaviour.failing, to.kind, to.isMedia) ? behaviour.failure : 'none'
  switch (failure) {
    case 'unauthorized':
    case 'rateLimited':
    case 'unavailable':
    case 'badGateway': {
      const answer = troubles[failure](behaviour)
      log(answer.status, answer.code)
      return give(reply, answer)
    }
    case 'dropBefore':
    case 'hangBefore':
      log(0, failure)
      return leave(reply, failure === 'dropBefore')
    case 'dropAfter':
    case 'hangAfter':
      await execute(behaviour)
      log(0, failure)
      return leave(reply, failure === 'dropAfter')
    case 'none': {
      const answer = await execute(behaviour)
      log(answer.status, answer.code)
      return give(reply, answer)
    }
  }
}

/** Sends an answer as the vendor would. */
export function give(reply: FastifyReply, answer: Answer): FastifyReply {
  reply.code(answer.status)
  if (answer.headers !== undefined) reply.headers(answer.headers)
  if (Buffer.isBuffer(answer.body)) return reply.send(answer.body)
  if (typeof answer.body === 'string') {
    if (!reply.hasHeader('content-type')) reply.type('text/html; charset=utf-8')
    return reply.send(answer.body)
  }
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.body))
}

function leave(reply: FastifyReply, drop: boolean): FastifyReply {
  reply.hijack()
  if (drop) reply.raw.socket?.destroy()
  return reply
}

/** The page that a balancer in front of a vendor answers when nothing is behind it. */
export const badGatewayPage = '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n' +
  '<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n'

/** Posts what the patient did, as the behaviour wants it: at once, late, twice or never. */
export function postUpdate(stage: Stage, webhook: Webhook): void {
  const behaviour = stage.behaviours.current(webhook.messenger, webhook.account)
  if (behaviour.updates === 'lost') {
    stage.poster.lose(webhook, 'the sandbox was told to lose it')
    return
  }
  const post = (): void => {
    void stage.poster.post(webhook)
    if (behaviour.updates === 'twice') void stage.poster.post(webhook)
  }
  if (behaviour.updates === 'late') stage.clock.after(behaviour.lateMs, post)
  else post()
}

/** Runs at once without a delay, by the clock otherwise. */
export function afterDelay(clock: Clock, ms: number, action: () => void): void {
  if (ms <= 0) action()
  else clock.after(ms, action)
}

/** Waits for webhooks that are to arrive before the answer, but not for a receiver that does not answer. */
export async function settleFirst(early: readonly Promise<unknown>[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([Promise.allSettled(early), new Promise((resolve) => { timer = setTimeout(resolve, 5_000) })])
  clearTimeout(timer)
}

/** Whether a vendor takes this address for webhooks. */
export function isWebhookAddress(stage: Stage, address: string): boolean {
  let url: URL
  try {
    url = new URL(address)
  } catch {
    return false
  }
  if (url.protocol === 'https:') return true
  return stage.allowLoopbackHttp && url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
}

/** What a person says: words, files, a place, a card, or something that the vendor does not pass on. */
export interface Said {
  text: string
  files?: PhoneFile[]
  place?: Place
  /** A card from the address book. */
  card?: { name: string, phone: string }
  /** Something that the vendor's API has no words for. */
  isUnsupported?: boolean
  /** The message that it answers, and the words of it that were picked out. */
  quote?: { id: string, text?: string }
}

/** What the owner of a phone can do in a messenger; each stand-in tells the application in its own way. */
export interface Hands {
  /** Answers every message that it became: some messengers make one of each file. */
  write(patient: Patient, account: string, said: Said): PhoneMessage[]
  press(patient: Patient, message: PhoneMessage, button: PhoneMessage['buttons'][number][number]): void
  start?(patient: Patient, account: string, payload: string, quietly: boolean): void
  shareContact?(patient: Patient, account: string, card: ContactCard): PhoneMessage
  /** Changes the text of a message of one's own that is kept under the same id. */
  edit?(patient: Patient, message: PhoneMessage, text: string): void
  /** Deletes a message of one's own for both sides. */
  remove?(patient: Patient, message: PhoneMessage): void
  /** Writes in a group or a channel that the account is a member of. */
  writeInGroup?(patient: Patient, account: string, kind: 'group' | 'channel', text: string): void
  react?(patient: Patient, message: PhoneMessage, emoji: string): void
  block(patient: Patient, account: string, blocked: boolean): void
  read?(patient: Patient, message: PhoneMessage): void
  mute?(patient: Patient, account: string, muted: boolean): void
  removeChat?(patient: Patient, account: string): void
  /** The address that opens when the account's page is launched. */
  launch?(patient: Patient, account: string, payload: string): string
}

/** A contact card as it leaves the phone; `own` by the button, anything else is a forgery or somebody else's. */
export interface ContactCard { kind: 'own' | 'foreign' | 'unsigned' | 'tampered', phone: string, name: string }

/** A message that a person wrote on the phone. */
export function writtenMessage(
  stage: Stage, messenger: Messenger, account: string, id: string, { text, files = [], place, card }: Said,
): PhoneMessage {
  const now = stage.clock.now()
  return {
    id, messenger, account, direction: 'written', text, raw: text, spans: [], files, buttons: [], state: 'read', acceptedAt: now,
    arrivedAt: now, readAt: now, earlier: [], pressed: [], ...(place === undefined ? {} : { place }), ...(card === undefined ? {} : { card }),
  }
}

/** What an application sends, read by the vendor's rules. */
export interface Accepted extends Partial<Pick<PhoneMessage, 'raw' | 'spans' | 'files' | 'place' | 'card' | 'quote' | 'buttons'>> { text: string }

/** A message that the messenger has accepted for a phone. */
export function acceptedMessage(stage: Stage, messenger: Messenger, account: string, id: string, content: Accepted): PhoneMessage {
  return {
    id, messenger, account, direction: 'received', raw: content.text, spans: [], files: [], buttons: [], state: 'waiting',
    acceptedAt: stage.clock.now(), earlier: [], pressed: [], ...content,
  }
}

/** The quoted message as the phone shows it above an answer; nothing when it is not in this conversation. */
export function quoteOf(stage: Stage, patient: Patient, messenger: Messenger, account: string, id: string | undefined, words?: string): PhoneMessage['quote'] {
  const quoted = id === undefined ? undefined : stage.phones.message(patient, messenger, id, account)
  return quoted === undefined ? undefined : { id: quoted.id, text: words ?? (quoted.text || (quoted.files[0]?.name ?? '')) }
}
