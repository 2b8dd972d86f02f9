import { z } from 'zod'
import { resultIn } from '../bitrix/answer.ts'
import { type Outcome, type PortalClient } from '../bitrix/client.ts'
import { type Command } from '../bitrix/command.ts'
import { BitrixError } from '../bitrix/errors.ts'
import { recordOf } from '../bitrix/record.ts'
import { answerRobotCommand, fireTriggerCommand } from '../bitrix/robots.ts'
import { addedRecordIdOf, addNoteCommand, addRecordCommands, addTaskCommand, bindRecordCommand, findRecordCommand, findTaskCommand, foundRecordIdOf, foundTaskIdOf, updateRecordCommand } from '../bitrix/timeline.ts'
import { addContactCommand, addedContactIdOf, findContactByOriginCommand, listedIdsOf } from '../bitrix/identity.ts'
import { findContactsByPhoneCommand, foundContactIdsOf } from '../bitrix/world.ts'
import { budgetLevel, pausedMethods } from '../db/budgets.ts'
import { loadDeliveries, portalSide, setActivities } from '../db/deliveries.ts'
import { identitiesByNumber, saveIntroduction } from '../db/identities.ts'
import { logIdentity } from '../db/introductions.ts'
import { type Trx } from '../db/database.ts'
import { claim, finish, giveUp, holdOn, leftBehind, portalsWithWork, putBack, type OutboxRow } from '../db/outbox.ts'
import { findPortal, updatePortal, type Portal } from '../db/portals.ts'
import { type Delivery, type TriggerCode } from '../domain/delivery.ts'
import { type ConnectionId, type DeliveryId, type PortalId } from '../domain/ids.ts'
import { spellingsOf } from '../domain/phone.ts'
import { messageOf } from '../errors.ts'
import { advanceDeliveries, type DeliveryEvent } from './advance-deliveries.ts'
import { talkingChat } from './chat-effects.ts'
import { type Deps } from './deps.ts'
import { bindPerson, introducePerson } from './introduce-person.ts'
import { lookAround } from './look-around.ts'
import { portalBucket } from './portal-clients.ts'
import { recordViewOf, taskDeadline } from './record-view.ts'
import { robotReturnOf } from './robot-return.ts'
import { speakAlone, speakingLeaseMs } from './speak-alone.ts'

/** Looks of one round: 50 of them are one command. */
const looksAtOnce = 1_000
/** Other rows of one round: each is one or two commands, and a round is two requests of 50. */
const othersAtOnce = 96
/** What cannot be done at the portal for this long (its clock) is given up, with the reason kept. */
const mostPatienceMs = 3 * 24 * 3600_000
/** A cascade does not wait longer for its portal: what was known before serves (see lookFailed). */
const lookPatienceMs = 60_000
const finalLookMs = 24 * 3600_000

/**
 * A portal whose bucket is half full while large rounds follow each other is busy: its rounds then start at the pace at which the bucket
 * leaks, so that what gathers meanwhile shares their requests instead of spending one each. A few calls are never held up.
 */
const largeRound = 25
const busyLevel = portalBucket.burst / 2
const busyPaceMs = (2 / portalBucket.perSecond) * 1000
const largeRoundAt = new Map<PortalId, number>()

/** Works for every portal that has something to do. Returns how many rows were taken. */
export const performPortalWork = async (deps: Deps, speaker: string): Promise<number> => {
  const portals = await portalsWithWork(deps.db, deps.clock.now(), 50)
  const counts = await Promise.all(portals.map((portal) => performFor(deps, portal, speaker)))
  return counts.reduce((sum, count) => sum + count, 0)
}

const performFor = async (deps: Deps, portalId: PortalId, speaker: string): Promise<number> => {
  const key = `portal ${portalId}`
  const sinceLastMs = performance.now() - (largeRoundAt.get(portalId) ?? Number.NEGATIVE_INFINITY)
  if (sinceLastMs < busyPaceMs && (await budgetLevel(deps.db, key, portalBucket)) > busyLevel) return 0
  let rows: readonly OutboxRow[] = []
  const hold = async (): Promise<void> => holdOn(deps.db, rows.map(({ id }) => id), speakingLeaseMs)
  return speakAlone(deps, key, speaker, hold, async () => {
    rows = await deps.db.transaction().execute(async (trx) => {
      const common = { lane: 'portal', portalId, now: deps.clock.now(), leaseMs: speakingLeaseMs } as const
      const abandoned = await leftBehind(trx, portalId)
      await putBack(trx, abandoned.map((id) => ({ id, runAt: common.now, wasTried: true })))
      return [...(await claim(trx, { ...common, kind: 'look', limit: looksAtOnce })), ...(await claim(trx, { ...common, except: 'look', limit: othersAtOnce }))]
    })
    if (rows.length === 0) return 0
    if (rows.length >= largeRound) largeRoundAt.set(portalId, performance.now())
    const portal = await findPortal(deps.db, portalId)
    if (portal === undefined) return rows.length
    await perform(deps, portal, deps.portalClient(portalId), rows)
    return rows.length
  })
}

/** One outbox row on its way through a round: its commands, and what to do with their outcomes. */
interface Task {
  readonly row: OutboxRow
  readonly commands: readonly Command[]
  /** Called when every command succeeded or was done already; may find out that more is to be done. */
  readonly conclude: (outcomes: ReadonlyMap<string, Outcome>) => Conclusion
  /** What came to be although a later command failed: a record that was made is ours, even if it does not stand on the contact. */
  readonly made?: (outcomes: ReadonlyMap<string, Outcome>) => Activity | undefined
}
interface Activity {
  readonly deliveryId: DeliveryId
  readonly activityId: number
}
type Conclusion = { readonly then: 'done'; readonly activity?: Activity; readonly found?: Found } | { readonly then: 'again'; readonly known?: Known }
/** Whose card a proved phone stands in; `isNew`: it was just made. */
interface Found {
  readonly identity: number
  readonly contactIds: readonly number[]
  readonly isNew: boolean
}
/** What a search found out about a row whose earlier outcome was lost. */
interface Known {
  readonly activityId?: number
  readonly isAbsent?: boolean
}

const done: Conclusion = { then: 'done' }

const perform = async (deps: Deps, portal: Portal, client: PortalClient, claimed: readonly OutboxRow[]): Promise<void> => {
  const paused = await pausedMethods(deps.db, `portal ${portal.id}`)
  const looks = claimed.filter((row) => row.kind === 'look')
  // Two accounts with one phone at once would each make a contact: the second looks again when the first is known.
  const phones = new Set<string>()
  const isTwin = (row: OutboxRow): boolean => row.kind === 'findContact' && phones.size === phones.add(ContactPayload.parse(row.payload).phone).size
  const [others, twins] = [[] as OutboxRow[], [] as OutboxRow[]]
  for (const row of claimed) if (row.kind !== 'look') (isTwin(row) ? twins : others).push(row)
  await postpone(deps, twins.map((row) => ({ row, error: undefined, waitMs: 2_000 })))
  const context = await contextOf(deps, portal, others)
  const tasks = others.map((row) => taskFor(deps, portal, context, row, undefined))

  // Two rounds share their requests: deals are read beside the first commands, contacts beside the rest.
  const isPaused = (task: Task): boolean => task.commands.some(({ method }) => (paused[method] ?? 0) > Date.now())
  const ready = tasks.filter((task) => !isPaused(task))
  await postpone(deps, tasks.filter(isPaused).map((task) => ({ row: task.row, error: undefined, waitMs: 10_000 })))
  const spare = looks.length === 0 ? Number.POSITIVE_INFINITY : 48
  const first: Task[] = []
  const second: Task[] = []
  let used = 0
  for (const task of ready) {
    used += task.commands.length
    ;(used <= spare ? first : second).push(task)
  }
  const look = await lookAround(deps, portal, client, looks, commandsOf(first), commandsOf(second))
  await settle(deps, portal, client, context, first, look.outcomes)
  await settle(deps, portal, client, context, second, look.outcomes)
  await deps.db.transaction().execute(async (trx) => {
    const now = deps.clock.now()
    const events: DeliveryEvent[] = []
    const finished: number[] = []
    const back: { id: number; runAt: number; reason: string; wasTried: boolean }[] = []
    for (const row of looks) {
      const world = look.worlds.get(row.deliveryId!)
      const common = { portalId: row.portalId, deliveryId: row.deliveryId! }
      if (world instanceof BitrixError) {
        const age = now - row.since
        if (age >= lookPatienceMs) events.push({ ...common, event: { type: 'lookFailed', isFinal: age >= finalLookMs, at: now } })
        back.push({ id: row.id, runAt: now + Math.min(30_000, Math.max(2_000, (world.retryAfterSeconds ?? 5) * 1000)), reason: world.bitrixCode, wasTried: true })
        continue
      }
      finished.push(row.id)
      if (world !== undefined) events.push({ ...common, event: { type: 'looked', world, at: now } })
    }
    const after = await advanceDeliveries(deps, trx, events)
    await finish(trx, finished)
    // A delivery that went on with what was known does not look again for this step.
    const isStillLooking = (row: OutboxRow): boolean => after.get(row.deliveryId!)?.phase !== 'trying' && after.get(row.deliveryId!)?.phase !== 'closed'
    const rowOf = new Map(looks.map((row) => [row.id, row]))
    await putBack(trx, back.filter(({ id }) => isStillLooking(rowOf.get(id)!)))
    await finish(trx, back.filter(({ id }) => !isStillLooking(rowOf.get(id)!)).map(({ id }) => id))
  })
}

const commandsOf = (tasks: readonly Task[]): readonly Command[] => tasks.flatMap((task) => task.commands)

interface Context {
  readonly deliveries: ReadonlyMap<DeliveryId, Delivery>
  readonly side: Awaited<ReturnType<typeof portalSide>>
  readonly titles: ReadonlyMap<ConnectionId, string>
}

const contextOf = async (deps: Deps, portal: Portal, rows: readonly OutboxRow[]): Promise<Context> => {
  const ids = [...new Set(rows.flatMap((row) => row.deliveryId ?? []))]
  const deliveries = await loadDeliveries(deps.db, ids.map((deliveryId) => ({ portalId: portal.id, deliveryId })))
  const titles = new Map<ConnectionId, string>()
  for (const id of new Set([...deliveries.values()].flatMap((delivery) => delivery.attempts.map((attempt) => attempt.connectionId)))) {
    const open = await deps.connections.byId(portal.id, id)
    titles.set(id, (open?.channel.family ?? open?.channel.title)?.[portal.language] ?? '—')
  }
  return { deliveries, side: await portalSide(deps.db, portal.id, ids), titles }
}

const TriggerPayload = z.object({ code: z.string() })
const ContactPayload = z.object({ identity: z.number(), externalId: z.string(), phone: z.string(), proof: z.enum(['ownContact', 'phone', 'smsCode', 'operator']), by: z.string().default('patient'), name: z.string().optional() })
const TaskPayload = z.object({ dueAt: z.number() })
const VisitTrigger = z.object({ dealId: z.number(), code: z.enum(['confirmed', 'moved', 'cancelled']) })
const VisitNote = z.object({ of: z.union([z.strictObject({ dealId: z.number() }), z.strictObject({ contactId: z.number() })]), title: z.string(), text: z.string() })

const taskFor = (deps: Deps, portal: Portal, context: Context, row: OutboxRow, known: Known | undefined): Task => {
  const key = (part = 'main'): string => `${row.id}.${part}`
  const plain = (commands: readonly Command[]): Task => ({ row, commands, conclude: () => done })
  if (row.kind === 'findContact') {
    const { phone, name, identity } = ContactPayload.parse(row.payload)
    const originId = `patient-${row.id}`
    if (known?.isAbsent === true) {
      const [firstName = noName[portal.language], ...lastNames] = (name ?? '').split(' ').filter((part) => part !== '')
      const contact = { originId, name: firstName, lastName: lastNames.length === 0 ? undefined : lastNames.join(' '), phone, source: sourceWords[portal.language] }
      return { row, commands: [addContactCommand(key('add'), contact)], conclude: (outcomes) => ({ then: 'done', found: { identity, contactIds: [addedContactIdOf(resultIn(outcomes, key('add')))], isNew: true } }) }
    }
    const commands = [findContactsByPhoneCommand(key(), spellingsOf(phone)), ...(row.tries > 0 ? [findContactByOriginCommand(key('origin'), originId)] : [])]
    return {
      row,
      commands,
      conclude: (outcomes) => {
        // A lost answer may have made the contact, which the search by phone does not know at once.
        const made = row.tries > 0 ? listedIdsOf(resultIn(outcomes, key('origin'))).slice(0, 1) : []
        const contactIds = [...new Set([...foundContactIdsOf(resultIn(outcomes, key())), ...made])]
        return contactIds.length === 0 ? { then: 'again', known: { isAbsent: true } } : { then: 'done', found: { identity, contactIds, isNew: false } }
      },
    }
  }
  if (row.kind === 'visitTrigger') {
    const { dealId, code } = VisitTrigger.parse(row.payload)
    return plain([fireTriggerCommand(key(), triggerCodes[code], dealId)])
  }
  if (row.kind === 'visitNote') {
    const { of, title, text } = VisitNote.parse(row.payload)
    return plain([addNoteCommand(key(), of, { title, text })])
  }
  const delivery = context.deliveries.get(row.deliveryId!)
  if (delivery === undefined) return plain([])
  const dealId = Number(delivery.dealId)
  const responsibleId = delivery.responsibleId === undefined ? undefined : Number(delivery.responsibleId)
  const titleOf = (attempt: { connectionId: ConnectionId }): string => context.titles.get(attempt.connectionId) ?? '—'
  switch (row.kind) {
    case 'record': {
      const record = recordOf(recordViewOf(delivery, titleOf), { language: portal.language, timeZone: portal.timeZone })
      const activityId = known?.activityId ?? context.side.get(delivery.id)?.activityId
      const contactId = delivery.contactId === undefined ? undefined : Number(delivery.contactId)
      const found = (id: number): Conclusion => ({ then: 'done', activity: { deliveryId: delivery.id, activityId: id } })
      // A deal that is gone takes no record; one that was made before still stands on the contact.
      if (activityId === undefined && delivery.stopReason === 'dealDeleted') return plain([])
      if (activityId !== undefined) {
        // After a lost or half-done first try the record may lack its second owner.
        const isUncertain = known?.activityId !== undefined || row.tries > 0
        const binding = isUncertain && contactId !== undefined ? [bindRecordCommand(key('bind'), activityId, contactId)] : []
        return { row, commands: [updateRecordCommand(key(), activityId, record), ...binding], conclude: () => found(activityId) }
      }
      if (row.tries > 0 && known?.isAbsent !== true) {
        return {
          row,
          commands: [findRecordCommand(key('find'), delivery.id)],
          conclude: (outcomes) => {
            const id = foundRecordIdOf(resultIn(outcomes, key('find')))
            return { then: 'again', known: id === undefined ? { isAbsent: true } : { activityId: id } }
          },
        }
      }
      return {
        row,
        commands: addRecordCommands({ record: key(), binding: key('bind') }, { dealId, contactId, originId: delivery.id, responsibleId }, record),
        conclude: (outcomes) => found(addedRecordIdOf(resultIn(outcomes, key()))),
        made: (outcomes) => (outcomes.get(key())?.ok === true ? { deliveryId: delivery.id, activityId: addedRecordIdOf(resultIn(outcomes, key())) } : undefined),
      }
    }
    case 'answerRobot': {
      const sealed = context.side.get(delivery.id)?.sealedEventToken
      if (sealed === undefined) return plain([])
      const { values, log } = robotReturnOf(delivery, titleOf, portal.language)
      return plain([answerRobotCommand(key(), deps.secrets.open(sealed), values, log)])
    }
    case 'fireTrigger':
      // A trigger moves a deal: there is none.
      if (delivery.stopReason === 'dealDeleted') return plain([])
      return plain([fireTriggerCommand(key(), triggerCodes[TriggerPayload.parse(row.payload).code as TriggerCode], dealId)])
    case 'giveTask': {
      const reference = referenceOf(delivery.id)
      if (row.tries > 0 && known?.isAbsent !== true) {
        return {
          row,
          commands: [findTaskCommand(key('find'), dealId)],
          conclude: (outcomes) => (foundTaskIdOf(resultIn(outcomes, key('find')), reference) === undefined ? { then: 'again', known: { isAbsent: true } } : done),
        }
      }
      const deadlineAt = Math.max(TaskPayload.parse(row.payload).dueAt, taskDeadline(delivery))
      return plain([addTaskCommand(key(), { dealId, reference, deadlineAt, language: portal.language, responsibleId })])
    }
    default:
      return plain([])
  }
}

const triggerCodes: Readonly<Record<TriggerCode, string>> = {
  delivered: 'estafeta_delivered', read: 'estafeta_read', confirmed: 'estafeta_confirmed', moved: 'estafeta_moved',
  cancelled: 'estafeta_cancelled', not_reached: 'estafeta_not_reached', replied: 'estafeta_replied', stopped: 'estafeta_stopped',
}

/** A notification's number for people: short, and unique enough to find it again. */
export const referenceOf = (delivery: DeliveryId): string => delivery.replaceAll('-', '').slice(-10).toUpperCase()

const noName = { ru: 'Пациент', en: 'Patient' } as const
const sourceWords = { ru: 'Написал(а) в мессенджер клиники', en: 'Wrote to the clinic in a messenger' } as const

/** A proved phone was looked up: one card is the patient's, several are a family - and then a person decides, never a guess (D6). */
const recognise = async (deps: Deps, trx: Trx, portal: Portal, row: OutboxRow, { identity: number, contactIds, isNew }: Found): Promise<void> => {
  const identity = (await identitiesByNumber(trx, portal.id, [number])).get(number)
  const open = identity === undefined ? undefined : await deps.connections.byId(portal.id, identity.connectionId)
  if (identity === undefined || open === undefined) return
  const { proof, by } = ContactPayload.parse(row.payload)
  const chat = { ...talkingChat(open, number), externalId: identity.externalId }
  const [only, ...others] = contactIds
  if (only === undefined) return
  if (others.length === 0) {
    if (isNew) await logIdentity(trx, portal.id, { identity: number, contactId: String(only), what: 'created', by: 'application' })
    // Whose phone the messenger vouches for need not be told that they are known.
    await bindPerson(deps, trx, chat, String(only), { proof, by, isThanked: proof !== 'phone' })
    return
  }
  await saveIntroduction(trx, portal.id, number, identity.introduction, contactIds.map(String))
  await introducePerson(deps, trx, chat, { type: 'ambiguous' })
}

/** Stores what a round brought, and goes on with the rows that only asked a question so far. */
const settle = async (deps: Deps, portal: Portal, client: PortalClient, context: Context, tasks: readonly Task[], outcomes: ReadonlyMap<string, Outcome>): Promise<void> => {
  if (tasks.length === 0) return
  const finished: { task: Task; conclusion: Extract<Conclusion, { then: 'done' }> }[] = []
  const again: Task[] = []
  const failed: { row: OutboxRow; error: BitrixError; isHalfDone: boolean }[] = []
  const made: Activity[] = []
  for (const task of tasks) {
    const error = task.commands.map(({ key }) => outcomes.get(key)).find((outcome): outcome is Extract<Outcome, { ok: false }> => outcome?.ok === false && outcome.error.action !== 'alreadyDone')?.error
    if (error !== undefined) {
      const activity = task.made?.(outcomes)
      if (activity !== undefined) made.push(activity)
      failed.push({ row: task.row, error, isHalfDone: activity !== undefined })
      continue
    }
    const conclusion = task.conclude(outcomes)
    if (conclusion.then === 'again') again.push(taskFor(deps, portal, context, task.row, conclusion.known))
    else finished.push({ task, conclusion })
  }
  await deps.db.transaction().execute(async (trx) => {
    await finish(trx, finished.map(({ task }) => task.row.id))
    await setActivities(trx, portal.id, [...made, ...finished.flatMap(({ conclusion }) => conclusion.activity ?? [])])
    for (const { task, conclusion } of finished) if (conclusion.found !== undefined) await recognise(deps, trx, portal, task.row, conclusion.found)
  })
  await postpone(deps, failed.map(({ row, error, isHalfDone }) => ({ row, error, isHalfDone, waitMs: (error.retryAfterSeconds ?? 30) * 1000 })))
  await notePortal(deps, portal, failed.map(({ error }) => error))
  if (again.length > 0) await settle(deps, portal, client, context, again, await client.batch(commandsOf(again)))
}

/** Rows that could not be done: later again, or given up when the portal will never do them. */
const postpone = async (deps: Deps, rows: readonly { row: OutboxRow; error: BitrixError | undefined; waitMs: number; isHalfDone?: boolean }[]): Promise<void> => {
  if (rows.length === 0) return
  const now = deps.clock.now()
  const isHopeless = ({ row, error }: (typeof rows)[number]): boolean =>
    error !== undefined && ((error.action === 'giveUp' && error.outcome === 'rejected') || (now - row.since > mostPatienceMs && row.tries > 3))
  const hopeless = rows.filter(isHopeless)
  for (const { row, error } of hopeless) deps.log.error({ code: error!.bitrixCode, method: error!.method, kind: row.kind, delivery: row.deliveryId }, 'the portal refused what it was asked to do')
  await deps.db.transaction().execute(async (trx) => {
    await giveUp(trx, hopeless.map(({ row, error }) => ({ id: row.id, reason: error!.bitrixCode })))
    // Whoever could not be looked up is a stranger again, and is asked when they next write.
    for (const { row } of hopeless) if (row.kind === 'findContact') await saveIntroduction(trx, row.portalId, ContactPayload.parse(row.payload).identity, { stage: 'new' })
  })
  await deps.db.transaction().execute((trx) =>
    putBack(
      trx,
      rows.filter((entry) => !isHopeless(entry)).map(({ row, error, waitMs, isHalfDone }) => ({
        id: row.id,
        runAt: now + Math.max(1_000, waitMs),
        reason: error?.bitrixCode,
        // What certainly did not happen needs no search before it is tried again.
        wasTried: error?.outcome === 'unknown' || isHalfDone === true,
      })),
    ),
  )
}

/** A portal without a token that works waits for its administrator; pages say so. */
const notePortal = async (deps: Deps, portal: Portal, errors: readonly BitrixError[]): Promise<void> => {
  if (portal.state === 'installed' && errors.some((error) => error.action === 'reinstall')) {
    await updatePortal(deps.db, portal.id, { state: 'needsReinstall' })
    deps.log.warn({ portal: portal.id, reason: messageOf(errors[0]) }, 'a portal has no token that works')
  }
}
