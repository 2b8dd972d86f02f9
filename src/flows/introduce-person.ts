import { createHmac, randomInt } from 'node:crypto'
import { listConnections, type Connection } from '../db/connections.ts'
import { bindIdentity, identitiesByNumber, lockIdentity, saveIntroduction, unbindIdentity, type Identity, type IdentityProof } from '../db/identities.ts'
import { countCodes, logIdentity, useStartLink, type IdentityAct } from '../db/introductions.ts'
import { type Trx } from '../db/database.ts'
import { put, ring } from '../db/outbox.ts'
import { introduce, type IntroductionEffect, type IntroductionEvent } from '../domain/introduction.ts'
import { normalizePhone } from '../domain/phone.ts'
import { type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { enqueueChat, noteEntry, sayInChat, type ChatRef, type TalkingChat } from './chat-effects.ts'
import { type Deps } from './deps.ts'

/** Codes in one day: more is a mistake or an attack on somebody's phone. */
const mostCodes = { ofChat: 3, ofPhone: 3, ofPortal: 200 } as const

/** What a code in a message is compared by: the digits alone never lie in the database. */
export const codeDigestOf = (deps: Deps, portal: PortalId, identity: number, text: string): string | undefined => {
  const digits = /^\s*(\d{3})[\s-]?(\d{3})\s*$/.exec(text)
  return digits === null ? undefined : createHmac('sha256', deps.secrets.purposeKey('sms code')).update(`${portal} ${identity} ${digits[1]!}${digits[2]!}`).digest('hex')
}

/**
 * Takes an unknown person one step on: what they said changes how far they are known, and what is to be said, searched or sent is
 * stored in the same transaction. A person who is bound already is not asked again.
 */
export const introducePerson = async (deps: Deps, trx: Trx, chat: TalkingChat, event: IntroductionEvent): Promise<void> => {
  const identity = await lockIdentity(trx, chat.portalId, chat.identity)
  if (identity === undefined || identity.contactId !== undefined) return
  const events: IntroductionEvent[] = [event]
  let { introduction } = identity
  const effects: IntroductionEffect[] = []
  for (let next = events.shift(); next !== undefined; next = events.shift()) {
    const step = introduce(introduction, next)
    introduction = step.introduction
    for (const effect of step.effects) {
      if (effect.type === 'sendCode') events.push(await sendCode(deps, trx, chat, effect.phone))
      else effects.push(effect)
    }
  }
  await saveIntroduction(trx, chat.portalId, chat.identity, introduction)
  for (const effect of effects) await perform(deps, trx, chat, identity, introduction.claim?.name, effect)
}

const perform = async (deps: Deps, trx: Trx, chat: TalkingChat, identity: Identity, name: string | undefined, effect: IntroductionEffect): Promise<void> => {
  const now = deps.clock.now()
  switch (effect.type) {
    case 'say':
      return sayInChat(deps, trx, chat, effect.what, true)
    case 'tellOperator':
      return enqueueChat(trx, [noteEntry(chat, effect.what, {}, now)])
    case 'log':
      return logIdentity(trx, chat.portalId, { identity: chat.identity, what: effect.what, by: 'patient' })
    case 'find': {
      // The clinic's own number stands in many cards: everybody would become one patient (F15).
      if ((await ownPhones(deps, trx, chat.portalId)).has(effect.phone)) {
        await saveIntroduction(trx, chat.portalId, chat.identity, { stage: 'asked' })
        return sayInChat(deps, trx, chat, 'badPhone', true)
      }
      const payload = { identity: chat.identity, externalId: identity.externalId, phone: effect.phone, proof: effect.proof, name: name ?? identity.name }
      await put(trx, [{ portalId: chat.portalId, connectionId: chat.connectionId, lane: 'portal', kind: 'findContact', payload, urgency: 2, runAt: now, since: now }])
      return ring(trx, 'portal')
    }
    case 'sendCode':
      return undefined
    default:
      return effect satisfies never
  }
}

/** Numbers of the clinic itself, as its connections name them. */
export const ownPhones = async (deps: Deps, trx: Trx, portal: PortalId): Promise<ReadonlySet<string>> => {
  // Where a connection's number stands is the channel's business: its title and its details are looked through.
  const told = (connection: Connection): readonly string[] => [connection.title, ...(connection.details as readonly { value: string }[]).map(({ value }) => value)]
  const phones = (await listConnections(trx, portal)).flatMap((connection) => (deps.channelById(connection.channel)?.addressedBy === 'phone' ? told(connection).flatMap((text) => normalizePhone(text) ?? []) : []))
  return new Set(phones)
}

/** Sends a code to the claimed phone, where the clinic can send SMS and not too many were sent. @returns what the person is to hear of it */
const sendCode = async (deps: Deps, trx: Trx, chat: ChatRef, phone: string): Promise<IntroductionEvent> => {
  const sender = (await listConnections(trx, chat.portalId)).find((connection) => canSendCode(deps, connection))
  const sent = await countCodes(trx, chat.portalId, chat.identity, phone)
  const isTooMany = sent.ofChat >= mostCodes.ofChat || sent.ofPhone >= mostCodes.ofPhone || sent.ofPortal >= mostCodes.ofPortal
  if (sender === undefined || isTooMany) return { type: 'codeImpossible' }
  const now = deps.clock.now()
  const code = String(randomInt(1_000_000)).padStart(6, '0')
  await logIdentity(trx, chat.portalId, { identity: chat.identity, what: 'codeSent', by: 'application', phone })
  await put(trx, [{ portalId: chat.portalId, connectionId: sender.id, lane: 'channel', kind: 'say', payload: { what: 'code', sealed: deps.secrets.seal(JSON.stringify({ to: phone, code })) }, urgency: 2, runAt: now, since: now }])
  await ring(trx, 'channel')
  return { type: 'codeLeft', digest: codeDigestOf(deps, chat.portalId, chat.identity, code)!, at: now }
}

const canSendCode = (deps: Deps, connection: Connection): boolean => {
  const channel = deps.channelById(connection.channel)
  return connection.state === 'working' && channel?.addressedBy === 'phone' && channel.canStart === 'anyone'
}

/**
 * Binds an account to a patient and draws every consequence: the log, a word to the patient, the open line's links to the card.
 *
 * @returns false when the account belongs to another contact already
 */
export const bindPerson = async (
  deps: Deps,
  trx: Trx,
  chat: TalkingChat & { externalId: string },
  contactId: string,
  how: { proof: IdentityProof; by: string; isThanked: boolean },
): Promise<boolean> => {
  const open = await deps.connections.byId(chat.portalId, chat.connectionId)
  if (open?.channel.isPublic?.(chat.externalId) === true) throw new AppError('CONFLICT', 'Это публичный комментарий, его видят все: попросите человека написать в личные сообщения и привяжите их.')
  const isBound = await bindIdentity(trx, { portalId: chat.portalId, connectionId: chat.connectionId, externalId: chat.externalId }, contactId, how.proof, how.by)
  if (!isBound) return false
  const now = deps.clock.now()
  await logIdentity(trx, chat.portalId, { identity: chat.identity, contactId, what: 'bound', proof: how.proof, by: how.by })
  await enqueueChat(trx, [{ portalId: chat.portalId, direction: 'toLine', identity: chat.identity, kind: 'link', payload: { contactId }, runAt: now, since: now }])
  if (how.isThanked) await sayInChat(deps, trx, chat, 'thanks', true)
  return true
}

/** Takes an account from its patient: nothing about that patient goes there any more. */
export const unbindPerson = async (deps: Deps, trx: Trx, chat: ChatRef, what: Extract<IdentityAct, 'unbound' | 'notMe'>, by: string): Promise<void> => {
  const contactId = await unbindIdentity(trx, chat.portalId, chat.identity)
  if (contactId === undefined) return
  const now = deps.clock.now()
  await logIdentity(trx, chat.portalId, { identity: chat.identity, contactId, what, by })
  await enqueueChat(trx, [{ portalId: chat.portalId, direction: 'toLine', identity: chat.identity, kind: 'unlink', payload: { contactId }, runAt: now, since: now }])
}

/**
 * A start link: made for one patient and one bot, good once (G2). One that was made in another chat joins this account to whoever wrote
 * there: to their card when they are known; else what they said of themselves comes along, and proves nothing.
 *
 * @returns whether the link told who this is
 */
export const takeStartLink = async (deps: Deps, trx: Trx, chat: TalkingChat & { externalId: string }, token: string): Promise<boolean> => {
  const owner = await useStartLink(trx, chat.portalId, chat.connectionId, token, new Date(deps.clock.now()))
  if (owner === undefined) return false
  if ('contactId' in owner) return bindPerson(deps, trx, chat, owner.contactId, { proof: 'startLink', by: 'patient', isThanked: true })
  const from = (await identitiesByNumber(trx, chat.portalId, [owner.fromIdentity])).get(owner.fromIdentity)
  if (from === undefined) return false
  if (from.contactId !== undefined) return bindPerson(deps, trx, chat, from.contactId, { proof: 'startLink', by: 'patient', isThanked: true })
  await enqueueChat(trx, [noteEntry(chat, 'cameFrom', { channel: (await deps.connections.byId(chat.portalId, from.connectionId))?.connection.name ?? '' }, deps.clock.now())])
  const identity = await lockIdentity(trx, chat.portalId, chat.identity)
  const { claim } = from.introduction
  if (identity?.contactId === undefined && claim !== undefined) await saveIntroduction(trx, chat.portalId, chat.identity, { stage: 'asked', claim: { ...claim, isPhoneProved: false } })
  return false
}
