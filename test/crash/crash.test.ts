/**
 * Killed without warning, again and again: whatever was accepted ends, nobody is written to twice, and every deal says so.
 *
 * The moments are drawn from a seed: `SEED=… npm test -- test/crash` plays the same kills again.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import pg from 'pg'
import { connectMessengers, installApplication, introduce, openPage, saveRoute, type ConnectionIds } from '../../sandbox/administrator.ts'
import { startApplication, type Application } from '../../sandbox/application.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type RobotRun } from '../../sandbox/portal/portal.ts'
import { startWorld, type World } from '../../sandbox/world.ts'
import { seeded } from '../support/random.ts'

const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9))
const wanted = 200
/** Patients for robots whose calls met a dead process. */
const spare = 80
/** A minute of the story is a second; the longest way through the route takes half a minute. SMS have time enough for a receipt that met a dead process: a task would be right after that. */
const speed = 60

interface Case { readonly phone: Handset, readonly dealId: number, readonly contactId: number, run?: RobotRun, mark: string }

interface Stage { isOver: boolean, readonly world: World, readonly app: Application, readonly folder: string, readonly cases: Case[], query<Row>(text: string): Promise<Row[]> }

const stages: Stage[] = []

const stepsOf = (ids: ConnectionIds): unknown[] => [
  { kind: 'channel', connectionId: ids.whatsapp, proof: 'delivered', minutes: 3, content: { buttons: true, template: { name: 'appointment_reminder', language: 'ru', parameters: ['{name}', '{text}'] } } },
  { kind: 'channel', connectionId: ids.telegram, proof: 'acted', minutes: 2, content: { buttons: true } },
  { kind: 'channel', connectionId: ids.max, proof: 'acted', minutes: 2, content: { buttons: true } },
  { kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 20, content: {} },
  { kind: 'task', minutes: 120 },
]

/** A clinic with its application as a process on a PostgreSQL of its own, and patients of every kind. */
const startStage = async (people: number): Promise<Stage> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-crash-'))
  const clockFile = path.join(folder, 'clock.json')
  const world = await startWorld({ clockFile, speed, seed, portal: { tokenLifeSeconds: 30 * 24 * 3600, limits: { burst: 0, operatingSeconds: 0 } } })
  const app = await startApplication({ portal: world.portal, dataDir: path.join(folder, 'data'), clockFile, env: { REQUEST_TIMEOUT_SECONDS: '2', LOG_LEVEL: 'warn' } })
  await installApplication(app, world.portal)
  const administrator = await openPage(app, world.portal)
  const ids = await connectMessengers(administrator, world)
  await saveRoute(administrator, stepsOf(ids))
  const cases: Case[] = []
  for (let index = 1; index <= people; index++) {
    const name = `Пациент ${index}`
    const phone = world.messengers.addPatient({ name, phone: `+7900000${String(1000 + index)}`, whatsapp: index % 3 !== 0, reads: index % 5 === 0 })
    const contact = world.portal.addContact({ name, phones: [phone.patient.phone] })
    const deal = world.portal.addDeal({ title: name, contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
    cases.push({ phone, dealId: deal.id, contactId: contact.id, mark: `визит-${index}.` })
  }
  const query = async <Row>(text: string): Promise<Row[]> => {
    const client = new pg.Client({ host: socketOf(path.join(folder, 'data', 'postgres')), port: 5432, user: 'estafeta', database: 'estafeta' })
    await client.connect()
    try {
      return (await client.query(text)).rows as Row[]
    } finally {
      await client.end()
    }
  }
  const stage = { isOver: false, world, app, folder, cases, query }
  stages.push(stage)
  return stage
}

/** Line 5 of the server's own file says where its socket is. */
const socketOf = (dataDir: string): string => readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[4]!

const misbehave = ({ messengers }: World): void => {
  messengers.behave('whatsapp', { probability: 0.2, receipts: 'late', lateMs: 4 * 60_000 })
  messengers.behave('whatsapp', { probability: 0.2, receipts: 'twice' })
  messengers.behave('whatsapp', { probability: 0.15, receipts: 'early' })
  messengers.behave('whatsapp', { probability: 0.1, receipts: 'never' })
  messengers.behave('whatsapp', { probability: 0.1, failure: 'dropAfter' })
  messengers.behave('whatsapp', { probability: 0.1, failure: 'hangAfter' })
  messengers.behave('telegram', { probability: 0.2, failure: 'dropAfter' })
  messengers.behave('max', { probability: 0.2, failure: 'dropAfter' })
  messengers.behave('max', { probability: 0.1, failure: 'rateLimited' })
  messengers.behave('sms', { probability: 0.2, receipts: 'late', lateMs: 2 * 60_000 })
  messengers.behave('sms', { probability: 0.1, receipts: 'early' })
  messengers.behave('sms', { probability: 0.15, failure: 'dropAfter' })
  messengers.behave('sms', { probability: 0.1, failure: 'dropBefore' })
  messengers.behave('sms', { probability: 0.1, failure: 'unavailable' })
}

const looking = async (what: string, check: () => boolean): Promise<void> => {
  const end = Date.now() + 30_000
  while (!check()) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await sleep(10)
  }
}

/**
 * Starts the robot. What the portal could not hand over is lost, as in life - or taken by a process that died on its answer: then it
 * is not wanted, but must be carried out once like any other.
 */
const startRobot = async ({ world }: Stage, one: Case): Promise<boolean> => {
  one.run = world.portal.runRobot({ dealId: one.dealId, code: 'estafeta_send', properties: { text: `Ждём вас, ${one.mark}` } })
  await looking('the portal has handed the robot over', () => one.run!.delivered !== null)
  return one.run.delivered === 200
}

/** Waits until nothing is left to be done. */
const finish = async (stage: Stage, boundMs: number): Promise<void> => {
  const end = Date.now() + boundMs
  let left = ''
  while (Date.now() < end) {
    const rows = await stage.query<{ name: string, count: number }>(`
      select 'deliveries ' || phase as name, count(*)::int from deliveries where status = 'running' group by 1
      union all select 'outbox ' || kind || ' ' || state, count(*)::int from outbox where state in ('ready', 'performing') group by 1
      union all select 'inbox', count(*)::int from inbox where state = 'received' having count(*) > 0`).catch(() => undefined)
    left = rows === undefined ? 'the database is away' : rows.map(({ name, count }) => `${name}: ${count}`).join(', ')
    if (rows?.length === 0 && stage.world.messengers.pendingWebhooks() === 0) return
    await sleep(200)
  }
  throw new Error(`It does not come to an end (SEED=${seed}): ${left}`)
}

const expectEnds = async (stage: Stage): Promise<void> => {
  const { world, cases } = stage
  const deliveries = await stage.query<{ deal_id: string, status: string }>('select deal_id, status from deliveries')
  expect(deliveries.filter(({ status }) => status === 'running')).toEqual([])
  const taken = new Set(deliveries.map(({ deal_id: dealId }) => Number(dealId)))
  expect(taken.size).toBe(deliveries.length)
  const faults: string[] = []
  for (const one of cases) {
    const texts = new Map<string, number>()
    for (const message of one.phone.messages()) {
      if (message.direction !== 'received' || !message.text.includes('Ждём вас')) continue
      if (!message.text.includes(one.mark)) faults.push(`${one.mark} got the message of somebody else`)
      texts.set(message.messenger, (texts.get(message.messenger) ?? 0) + 1)
    }
    for (const [messenger, times] of texts) if (times > 1) faults.push(`${one.mark} was written to ${times} times in ${messenger}`)
    const state = world.portal.state({ dealId: one.dealId })
    const records = state.timeline.filter((entry) => entry.kind === 'configurable')
    const runs = state.robotRuns.filter((run) => run.eventToken === one.run?.eventToken)
    if (one.run?.delivered === 200 && !taken.has(one.dealId)) faults.push(`${one.mark} was acknowledged and is gone`)
    if (!taken.has(one.dealId)) continue
    if (records.length !== 1) faults.push(`${one.mark} has ${records.length} records`)
    else if (!records[0]!.completed) faults.push(`${one.mark} has a record that is not closed`)
    const onContact = world.portal.state({ contactId: one.contactId }).timeline.filter((entry) => entry.kind === 'configurable')
    if (onContact.length !== 1) faults.push(`${one.mark} has ${onContact.length} records on the contact`)
    if (runs[0]?.answered !== true) faults.push(`${one.mark}: the robot waits for ever`)
    const tasks = state.timeline.filter((entry) => entry.kind === 'todo')
    const isReached = runs[0]?.returnValues?.status === 'reached'
    if (tasks.length !== (isReached ? 0 : 1)) faults.push(`${one.mark} has ${tasks.length} tasks and the robot heard ${String(runs[0]?.returnValues?.status)}`)
  }
  // Only what was done just before a kill and is done again may be refused as done already.
  for (const call of world.portal.refusedCalls()) if (call.error !== 'ACTIVITY_IS_ALREADY_BOUND') faults.push(`the portal refused ${call.method}: ${call.error}`)
  expect({ seed, faults }).toEqual({ seed, faults: [] })
}

afterEach(async () => {
  for (const stage of stages.splice(0)) {
    const { app, world, folder } = stage
    stage.isOver = true
    await app.stop()
    await world.stop()
    rmSync(folder, { recursive: true, force: true })
  }
})
afterAll(() => console.info(`crash tests: SEED=${seed}`))

describe('kill -9', () => {
  it(`of the process at random moments of ${wanted} notifications loses nothing and repeats nothing`, async () => {
    const random = seeded(seed)
    const stage = await startStage(wanted + spare)
    const { world, app, cases } = stage
    for (const one of cases.slice(0, 12)) await introduce(one.phone, looking)
    misbehave(world)

    // Robots start the whole time; some patients press, block and answer meanwhile.
    const waiting = [...cases]
    let acknowledged = 0
    const robots = (async () => {
      while (acknowledged < wanted && !stage.isOver) {
        if (waiting.length === 0) throw new Error(`Too many robots met a dead process (SEED=${seed})`)
        const size = Math.min(1 + Math.floor(random() * 10), wanted - acknowledged)
        const isUp = await fetch(`${app.origin}/healthz`).then((answer) => answer.ok, () => false)
        if (isUp) acknowledged += (await Promise.all(waiting.splice(0, size).map((one) => startRobot(stage, one)))).filter(Boolean).length
        await sleep(50 + random() * 250)
      }
    })()
    const patients = (async () => {
      const pressed = new Set<string>()
      while (!stage.isOver) {
        for (const { phone } of cases.slice(0, 8)) {
          const message = phone.messages('telegram').find((one) => one.text.includes('Ждём вас') && one.arrivedAt !== undefined && !pressed.has(one.id))
          if (message === undefined || random() < 0.5) continue
          pressed.add(message.id)
          phone.press('telegram', { messageId: message.id, button: 'Приду', times: 2 })
        }
        await sleep(100)
      }
    })()

    const startedAt = Date.now()
    const kills = 8 + Math.floor(random() * 5)
    for (let kill = 0; kill < kills; kill++) {
      await sleep(random() < 0.3 ? random() * 300 : 300 + random() * 1_700)
      // Sometimes while it is starting: it is not waited for.
      const starting = app.kill().then(() => app.restart())
      if (random() < 0.3) {
        await sleep(100 + random() * 900)
        await app.kill()
        await starting.catch(() => undefined)
        await app.restart()
      } else await starting
    }
    const killedAt = Date.now()
    await robots
    world.messengers.resetBehaviour()
    await finish(stage, 90_000)
    console.info(`SEED=${seed}: ${kills} kills in ${Math.round((killedAt - startedAt) / 1000)} s, then ${Math.round((Date.now() - killedAt) / 1000)} s to the end`)
    stage.isOver = true
    await patients
    await finish(stage, 20_000)
    await expectEnds(stage)
  }, 240_000)

  it('of PostgreSQL itself is survived: the process goes on with it when it is back, or ends and is started again', async () => {
    const random = seeded(seed + 1)
    const stage = await startStage(40)
    const { world, app, cases, folder } = stage
    misbehave(world)
    const dataDir = path.join(folder, 'data', 'postgres')
    const first = await Promise.all(cases.slice(0, 20).map((one) => startRobot(stage, one)))
    expect(first).not.toContain(false)
    await sleep(200 + random() * 800)
    process.kill(Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL')
    // Whoever runs the process starts it again when it has ended or cannot work any more.
    await sleep(1_500)
    const isReady = await fetch(`${app.origin}/readyz`).then((answer) => answer.ok, () => false)
    if (!isReady) {
      await app.kill()
      await app.restart()
    }
    expect(existsSync(dataDir)).toBe(true)
    for (const one of cases.slice(20)) expect(await startRobot(stage, one)).toBe(true)
    world.messengers.resetBehaviour()
    await finish(stage, 90_000)
    await expectEnds(stage)
  }, 120_000)
})
