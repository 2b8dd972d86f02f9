import { randomBytes } from 'node:crypto'
import { type RawRequest } from '../../src/channels/channel.ts'
import { saveConnection } from '../../src/db/connections.ts'
import { insertDeliveries, saveDeliveries } from '../../src/db/deliveries.ts'
import { type Attempt, type Delivery } from '../../src/domain/delivery.ts'
import { attemptId, connectionId, deliveryId, portalId, routeId, type ConnectionId } from '../../src/domain/ids.ts'
import { type Proof } from '../../src/domain/receipt.ts'
import { patientWords } from '../../src/flows/chat-words.ts'
import { count, inboxIsEmpty, query, raw, startInstalledStage, until, type Reply } from './support.ts'

/** The vendors themselves are out of reach, nothing is to be sent to them. */
export const nobody = 'http://127.0.0.1:1'

/** A channel with the credentials that its samples were signed with. */
export interface Subject {
  readonly channel: string
  readonly form: Readonly<Record<string, string>>
  /** Where the sample patient is written to, and the message that the samples are about. */
  readonly to: string
  readonly message: string
  /** What the vendor adds to the address of the webhook. */
  readonly search?: string
}

export interface Line {
  readonly connection: ConnectionId
  readonly hook: string
  readonly delivery: Delivery
}

export interface LineOptions {
  readonly externalId?: string
  readonly proof?: Proof
  readonly form?: Readonly<Record<string, string>>
  /** The call has brought no answer: it is on its way, or was lost. */
  readonly state?: 'sending' | 'unknown'
}

/** Everything that a webhook may change, in one value. */
export type Trace = Readonly<Record<string, unknown>>
export const untouched = { status: 'running', answer: null, state: 'out', proof: 'accepted', failure: null, said: [], connection: 'working', people: [], messages: 0, parked: 0 }

export const reached = (proof: Proof): object => ({ status: 'reached', proof })
export const failed = (code: string): object => ({ status: 'notReached', state: 'failed', failure: code })
const known = [{ state: 'active', contact_id: null }]
/** A person of whom nothing is known but that they are there. */
export const stranger = { people: known }
/** They said or did something that ends no reminder. */
export const heard = { people: known, messages: 1 }
/** What a patient wrote or pressed ends the reminder: they have it, and staff take over. */
export const replied = { status: 'reached', answer: 'replied', proof: 'acted', ...heard }
/** A messenger that vouches for the phone lets the person be looked up without a question. */
export const repliedByPhone = { ...replied, said: ['findContact'] }
export const pressed = { ...replied, said: ['pressed'] }
export const askedFor = { said: ['askContact'] }
export const blocked = { ...failed('blocked'), people: [{ state: 'blocked', contact_id: null }] }
export const broken = (code: string): object => ({ connection: code })
/** The message failed, and none of this connection goes out any more: staff are told. */
export const failedForAll = (code: string): object => ({ ...failed(code), ...broken(code) })

type Stage = Awaited<ReturnType<typeof startInstalledStage>>

/** Which of our own sentences the patient got. */
const wordOf = (body: string): string => Object.entries(patientWords).find(([, text]) => text === body)?.[0].replace('askContactWithoutButton', 'askContact') ?? body

export interface Switchboard {
  readonly stage: Stage
  /** A connection of its own, with one notification that the vendor has accepted and nothing is known of. */
  openLine(subject: Subject, options?: LineOptions): Promise<Line>
  /** Another notification on the same connection. */
  openDelivery(subject: Subject, connection: ConnectionId, options?: LineOptions): Promise<Delivery>
  /** Posts it as the vendor does and waits until it was worked on. */
  send(hook: string, request: RawRequest): Promise<Reply>
  traceOf(line: Line): Promise<Trace>
  /** What was kept of arrivals: states and reasons. */
  keptOf(line: Line): Promise<readonly { readonly state: string; readonly reason: string | null; readonly body: Buffer }[]>
}

/** A running application, with a portal, to whose webhooks samples are posted. */
export const startSwitchboard = async (): Promise<Switchboard> => {
  const stage = await startInstalledStage()
  const { app, world } = stage
  const openDelivery: Switchboard['openDelivery'] = async ({ to, message }, connection, options = {}) => {
    const portal = portalId(world.portal.memberId)
    const now = Date.now()
    const id = deliveryId(crypto.randomUUID())
    const begun = { id: attemptId(id, 0), step: 0, connectionId: connection, startedAt: now, budgetMs: 3_600_000, tries: 1, to } as const
    const attempt: Attempt = options.state === undefined ? { ...begun, state: 'out', externalId: options.externalId ?? message, parts: 1, proof: 'accepted', times: { accepted: now } } : { ...begun, state: options.state, times: {} }
    const delivery: Delivery = {
      id, portalId: portal, dealId: String(world.dealId), purpose: 'reminder', text: 'Ждём вас', status: 'running', phase: 'trying', step: 0,
      route: { id: routeId('r'), name: 'Маршрут', stopsWhenDealMoves: false, steps: [{ kind: 'channel', connectionId: connection, proof: options.proof ?? 'delivered', minutes: 60, content: {} }] },
      attempts: [attempt], startedAt: now, contactId: String(world.contactId), taskGiven: false, fired: [],
    }
    await app.deps.db.transaction().execute(async (trx) => {
      const before: Delivery = { ...delivery, phase: 'looking', step: -1, attempts: [], contactId: undefined }
      await insertDeliveries(trx, [{ delivery: before, triggerKey: id }])
      await saveDeliveries(trx, [{ old: before, delivery }])
    })
    return delivery
  }
  return {
    stage,
    openDelivery,

    openLine: async (subject, options = {}) => {
      const { channel, form, search = '' } = subject
      const { db, secrets } = app.deps
      const connection = connectionId(`c-${randomBytes(8).toString('hex')}`)
      const hookKey = randomBytes(16).toString('hex')
      await saveConnection(db, {
        portalId: portalId(world.portal.memberId), id: connection, channel, name: channel, state: 'working', problem: undefined, sealedCredentials: secrets.seal(JSON.stringify(options.form ?? form)), hookKey, title: channel, details: [], checkedAt: new Date(),
      })
      return { connection, hook: `/hooks/${channel}/${hookKey}${search}`, delivery: await openDelivery(subject, connection, options) }
    },

    send: async (hook, request) => {
      const path = request.method === 'GET' ? `${hook}?${new URLSearchParams(request.query as Record<string, string>).toString()}` : hook
      const headers = Object.fromEntries(Object.entries(request.headers).filter((entry): entry is [string, string] => entry[1] !== undefined))
      const reply = await raw(app.origin, path, { method: request.method, headers, body: request.method === 'GET' ? undefined : request.body })
      await inboxIsEmpty(app)
      return reply
    },

    traceOf: async ({ connection, delivery }) => {
      await until('the look at the deal is over', async () => (await count(app, 'deliveries', `delivery_id = '${delivery.id}' and phase = 'looking'`)) === 0)
      await until('the contact was looked for', async () => (await count(app, 'outbox', `connection_id = '${connection}' and kind = 'findContact' and state <> 'done'`)) === 0)
      const [row] = await query(app, `select d.status, d.answer, a.state, a.proof, a.failure->>'code' as failure from deliveries d join attempts a using (portal_id, delivery_id) where d.delivery_id = '${delivery.id}'`)
      const said = await query<{ kind: string; what: string | null }>(app, `select kind, payload->>'what' as what from outbox where connection_id = '${connection}' order by id`)
      const spoken = await query<{ body: string }>(app, `select body from messages where connection_id = '${connection}' and author = 'robot' order by message_id`)
      const [own] = await query<{ state: string; problem: string | null }>(app, `select state, problem from connections where connection_id = '${connection}'`)
      const people = await query(app, `select state, contact_id from identities where connection_id = '${connection}' order by external_id`)
      return {
        ...row,
        said: [...said.map(({ kind, what }) => what ?? kind), ...spoken.map(({ body }) => wordOf(body))],
        connection: own!.problem ?? own!.state,
        people,
        messages: await count(app, 'patient_messages', `connection_id = '${connection}'`),
        parked: await count(app, 'parked_receipts', `connection_id = '${connection}'`),
      }
    },

    keptOf: async ({ connection }) => query(app, `select state, reason, body from inbox where connection_id = '${connection}' order by id`),
  }
}
