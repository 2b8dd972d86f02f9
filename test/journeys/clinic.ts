/**
 * A clinic for a journey: the outer world, the whole application beside it, and as many patients as the test wants.
 *
 * Time is simulated: a minute of the story takes a second of the test, and less while nothing is to happen.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from '@jest/globals'
import { connectMessengers, installApplication, introduce, openPage, saveRoute, usualSteps, type Administrator, type ConnectionIds } from '../../sandbox/administrator.ts'
import { type Messenger } from '../../sandbox/messengers/behaviour.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type PhoneMessage } from '../../sandbox/messengers/phones.ts'
import { type PortalState, type RobotRun, type TimelineEntry } from '../../sandbox/portal/portal.ts'
import { startWorld, type World, type WorldOptions } from '../../sandbox/world.ts'
import { startTestApp, type TestApp } from '../support/app.ts'

/** A patient with a card, a deal and a phone. */
export interface Visitor {
  readonly phone: Handset
  readonly dealId: number
  readonly contactId: number
}

/** One run of the robot in a visitor's deal. */
export interface Story {
  readonly visitor: Visitor
  /** In every rendering of the notification, and in no other. */
  readonly mark: string
  run(): RobotRun
  /** What the messenger has accepted for the phone, of this notification. */
  sent(messenger: Messenger): PhoneMessage[]
  /** What is on the phone, of this notification. */
  arrived(messenger: Messenger): PhoneMessage[]
  /** The notification's record as the deal shows it; undefined until it is there. */
  record(): TimelineEntry | undefined
  triggers(): string[]
  tasks(): TimelineEntry[]
}

export interface Ending {
  /** What the robot gave back; undefined: it is not looked at. */
  readonly returns?: Readonly<Record<string, string>>
  /** How many messages of this notification the phone got, by messenger; 0 for one that is not named. */
  readonly arrived: Partial<Record<Messenger, number>>
  readonly lastLine: RegExp
  readonly tag: string
  /** Codes without their prefix, in any order; each exactly once. */
  readonly triggers: readonly string[]
  /** The record is on the deal alone: the deal has no contact. */
  readonly noContact?: boolean
}

export interface Clinic {
  readonly world: World
  readonly app: TestApp
  readonly administrator: Administrator
  readonly ids: ConnectionIds
  /** Waits for a condition; real time is bounded. */
  until(what: string, check: () => boolean): Promise<void>
  /** The same while time runs fast: for what comes after minutes and hours. */
  later(what: string, check: () => boolean): Promise<void>
  /** Lets so many minutes pass at once, and not a minute more on a busy machine. */
  pass(minutes: number): Promise<void>
  visitor(options?: { bots?: boolean, phones?: string[], apps?: Partial<Record<Messenger, boolean>>, reads?: boolean }): Promise<Visitor>
  route(steps: unknown[], options?: { stopsWhenDealMoves?: boolean }): Promise<string>
  send(visitor: Visitor, options?: { route?: string, deadline?: string, timeoutSeconds?: number }): Story
  /** Waits for the end and holds phones, both timelines, robot and triggers against it. */
  ends(story: Story, ending: Ending): Promise<void>
  /** Steps of a route over the four messengers. */
  readonly steps: {
    readonly whatsapp: (minutes?: number, proof?: string) => unknown
    readonly telegram: (minutes?: number, proof?: string) => unknown
    readonly max: (minutes?: number, proof?: string) => unknown
    readonly sms: (minutes?: number) => unknown
    readonly task: (minutes?: number) => unknown
  }
  /** Nothing was refused by the strict portal, nothing broke inside, and no log line holds a phone or a text. */
  expectCleanBooks(options?: { refused?: RegExp, errors?: RegExp }): void
  stop(): Promise<void>
}

const storySpeed = 60
const fastSpeed = 2400
const limitMs = 20_000
const watchMs = 15
/** The application looks at the time of the sandbox every 100 ms. */
const followMs = 250

/** Looks again and again, bounded. @throws Error that names what did not come */
export const until = async (what: string, check: () => boolean, boundMs = limitMs): Promise<void> => {
  const end = Date.now() + boundMs
  while (!check()) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await sleep(watchMs)
  }
}

export const startClinic = async (options: { env?: (world: World) => Record<string, string>, portal?: WorldOptions['portal'], accounts?: (world: World) => Promise<World['accounts']> } = {}): Promise<Clinic> => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-journey-'))
  const clockFile = path.join(folder, 'clock.json')
  const world = await startWorld({
    clockFile, speed: storySpeed,
    // In hours that pass within a second a token would end between two calls.
    portal: { tokenLifeSeconds: 30 * 24 * 3600, ...options.portal },
  })
  const app = await startTestApp(world, { env: { CLOCK_FILE: clockFile, ...options.env?.(world) } })
  const application = { origin: app.origin, clientId: app.clientId } as Parameters<typeof installApplication>[0]
  await installApplication(application, world.portal)
  const administrator = await openPage(application, world.portal)
  const ids = await connectMessengers(administrator, { ...world, accounts: (await options.accounts?.(world)) ?? world.accounts })
  await saveRoute(administrator, usualSteps(ids))
  const { clock, portal, messengers } = world
  const marks: string[] = []
  let people = 1
  let stories = 0

  const later: Clinic['later'] = async (what, check) => {
    clock.setSpeed(fastSpeed)
    try {
      await until(what, check)
    } finally {
      clock.setSpeed(storySpeed)
    }
  }

  const records = (state: PortalState, from: number): TimelineEntry[] =>
    state.timeline.filter((entry) => entry.kind === 'configurable' && Date.parse(entry.createdAt) >= from)

  const clinic: Clinic = {
    world, app, administrator, ids, until, later,
    async pass(minutes) {
      clock.advance(minutes * 60_000)
      await sleep(followMs)
    },
    async visitor({ bots = true, phones, apps = {}, reads = false } = {}) {
      people++
      const phone = messengers.addPatient({ name: `Мария Ивановна${people}`, phone: `+7900000${String(people).padStart(4, '0')}`, reads, ...apps })
      const contact = portal.addContact({ name: 'Мария', lastName: `Пример${people}`, phones: phones ?? [phone.patient.phone], assignedById: 2 })
      const deal = portal.addDeal({ title: `Приём ${people}`, stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
      if (bots) await introduce(phone, until)
      return { phone, dealId: deal.id, contactId: contact.id }
    },
    async route(steps, { stopsWhenDealMoves = true } = {}) {
      const answer = await administrator.call('POST', '/routes', { name: `Маршрут ${Date.now()}`, isDefault: false, stopsWhenDealMoves, steps })
      expect({ status: answer.status, fields: answer.body.fields }).toEqual({ status: 200, fields: undefined })
      return answer.body.id as string
    },
    send(visitor, { route = '', deadline = '', timeoutSeconds } = {}) {
      const mark = `визит-${++stories}-${visitor.dealId}`
      marks.push(mark)
      const startedAt = clock.now()
      const run = portal.runRobot({ dealId: visitor.dealId, code: 'estafeta_send', properties: { text: `Ждём вас завтра, ${mark}.`, route, deadline }, timeoutSeconds })
      const sent = (messenger: Messenger): PhoneMessage[] => visitor.phone.messages(messenger).filter((message) => message.direction === 'received' && message.text.includes(`${mark}.`))
      return {
        visitor, mark, sent,
        run: () => portal.robotRun(run.eventToken)!,
        arrived: (messenger) => sent(messenger).filter((message) => message.arrivedAt !== undefined),
        record: () => records(portal.state({ dealId: visitor.dealId }), startedAt)[0],
        triggers: () => portal.state({ dealId: visitor.dealId }).triggers.filter((trigger) => Date.parse(trigger.at) >= startedAt).map((trigger) => trigger.code.replace('estafeta_', '')),
        tasks: () => portal.state({ dealId: visitor.dealId }).timeline.filter((entry) => entry.kind === 'todo' && Date.parse(entry.createdAt) >= startedAt),
      }
    },
    async ends(story, ending) {
      const { visitor } = story
      const isWritten = (): boolean => story.record()?.completed === true && ending.lastLine.test(story.record()!.lines.at(-1)!) && story.record()!.tags[0]?.title === ending.tag
      await until('the record of the deal says how it ended', isWritten).catch(() => undefined)
      const shown = { line: story.record()?.lines.at(-1), tag: story.record()?.tags[0]?.title, completed: story.record()?.completed }
      expect(shown).toEqual({ line: expect.stringMatching(ending.lastLine), tag: ending.tag, completed: true })
      if (ending.returns !== undefined) {
        await until('the robot is answered', () => story.run().answered)
        expect(story.run().returnValues).toMatchObject(ending.returns)
        expect(story.run().lateAnswers).toBe(0)
      }
      await until('every trigger has fired', () => ending.triggers.every((code) => story.triggers().includes(code))).catch(() => undefined)
      expect([...story.triggers()].sort()).toEqual([...ending.triggers].sort())
      const counts = Object.fromEntries((['whatsapp', 'telegram', 'max', 'sms'] as const).map((messenger) => [messenger, story.arrived(messenger).length]))
      expect(counts).toEqual({ whatsapp: 0, telegram: 0, max: 0, sms: 0, ...ending.arrived })
      for (const messenger of ['whatsapp', 'telegram', 'max', 'sms'] as const) expect(story.sent(messenger).length).toBeLessThanOrEqual(1)
      // One record, and the contact shows the same one.
      const since = Date.parse(story.record()!.createdAt)
      const onDeal = records(portal.state({ dealId: visitor.dealId }), since)
      expect(onDeal).toHaveLength(1)
      const onContact = records(portal.state({ contactId: visitor.contactId }), since)
      expect(onContact.map(({ id }) => id)).toEqual(ending.noContact === true ? [] : onDeal.map(({ id }) => id))
    },
    steps: {
      whatsapp: (minutes = 60, proof = 'delivered') => ({
        kind: 'channel', connectionId: ids.whatsapp, proof, minutes,
        content: { buttons: true, template: { name: 'appointment_reminder', language: 'ru', parameters: ['{name}', '{text}'] } },
      }),
      telegram: (minutes = 30, proof = 'acted') => ({ kind: 'channel', connectionId: ids.telegram, proof, minutes, content: { buttons: true } }),
      max: (minutes = 30, proof = 'acted') => ({ kind: 'channel', connectionId: ids.max, proof, minutes, content: { buttons: true } }),
      sms: (minutes = 60) => ({ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes, content: {} }),
      task: (minutes = 120) => ({ kind: 'task', minutes }),
    },
    expectCleanBooks({ refused, errors } = {}) {
      const calls = portal.refusedCalls().map((call) => `${call.method}: ${call.error}`)
      expect(calls.filter((call) => refused?.test(call) !== true)).toEqual([])
      const broken = app.logLines.filter((line) => (JSON.parse(line) as { level: number | string }).level === 'error' || Number((JSON.parse(line) as { level: number | string }).level) >= 50)
      expect(broken.filter((line) => errors?.test(line) !== true)).toEqual([])
      const telling = app.logLines.filter((line) => /7900000\d{4}/.test(line) || marks.some((mark) => line.includes(mark)))
      expect(telling).toEqual([])
    },
    async stop() {
      await app.stop()
      await world.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return clinic
}
