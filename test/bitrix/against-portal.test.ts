import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Misbehaviour, type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { createPortalClient, type PortalClient } from '../../src/bitrix/client.ts'
import { BitrixError } from '../../src/bitrix/errors.ts'
import { readManifest } from '../../src/bitrix/manifest.ts'
import { createOAuth, type OAuth } from '../../src/bitrix/oauth.ts'
import { recordOf, type RecordView } from '../../src/bitrix/record.ts'
import { register, unregister } from '../../src/bitrix/registration.ts'
import { answerRobotCommand, fireTriggerCommand } from '../../src/bitrix/robots.ts'
import { addedRecordIdOf, addRecordCommands, addTaskCommand, bindRecordCommand, findRecordCommand, findTaskCommand, foundRecordIdOf, foundTaskIdOf, updateRecordCommand } from '../../src/bitrix/timeline.ts'
import { contactsCommand, contactsOf, dealsCommand, dealsOf, findContactsByPhoneCommand, foundContactIdsOf } from '../../src/bitrix/world.ts'
import { memoryBudget, memoryTokens } from './memory.ts'

const manifest = readManifest()
const publicUrl = 'http://127.0.0.1:9'
const admin = { publicUrl, language: 'ru', isAdmin: true, userId: '1' } as const

let portal: Portal
let clientId: string
let oauth: OAuth
let client: PortalClient
let tokens: ReturnType<typeof memoryTokens>
let budget: ReturnType<typeof memoryBudget>

/** The way of an installation: the page's refresh token, traded at the OAuth server for one that is believed. */
const signIn = async (): Promise<void> => {
  tokens = memoryTokens(await oauth.refresh(portal.issueTokens(clientId, 1).refreshToken, portal.serverEndpoint))
  budget = memoryBudget()
  client = createPortalClient({ tokens, budget, oauth, clock: portal.clock, timeoutMs: 1_000 })
}

beforeEach(async () => {
  portal = await startPortal()
  const app = portal.registerApp({ shape: 'local', ui: true, handlerUrl: `${publicUrl}${manifest.pages.application}`, installUrl: `${publicUrl}${manifest.pages.install}`, scopes: manifest.scopes, name: 'Estafeta' })
  clientId = app.clientId
  oauth = createOAuth({ ...app, servers: [portal.oauthOrigin], clock: portal.clock })
  await portal.installApp(clientId)
  await signIn()
})
afterEach(async () => {
  const refused = portal.refusedCalls()
  await portal.close()
  // Whatever a test does: the portal has never had to refuse a call for what was in it.
  expect(refused.map(({ method, error, answer }) => ({ method, error, answer }))).toEqual(expected)
  expected = []
})
let expected: unknown[] = []

const countOfRegistrations = manifest.events.names.length + manifest.robots.length + manifest.triggers.length + manifest.connectors.length + manifest.placements.length
/** Without the pages that the portal binds itself. */
const ownPlacements = () => portal.world.apps.get(clientId)!.placements.filter(({ placement }) => placement !== 'SETTING_CONNECTOR')
const registered = (): any => {
  const app: any = portal.state({}).app
  // A connector that is registered again binds its page again: the order means nothing.
  return { ...app, placements: [...app.placements].sort((a, b) => `${a.placement} ${a.title}`.localeCompare(`${b.placement} ${b.title}`)) }
}
const failureOf = async (promise: Promise<unknown>): Promise<BitrixError> => promise.then(() => { throw new Error('The call was expected to fail.') }, (error: unknown) => {
  if (error instanceof BitrixError) return error
  throw error
})

describe('registration', () => {
  it('makes everything in the manifest, with one good line each', async () => {
    const lines = await register(client, manifest, admin)
    expect(lines.filter(({ ok }) => !ok)).toEqual([])
    expect(lines.map(({ name }) => name).sort()).toEqual([
      ...manifest.events.names.map((name) => `event ${name}`),
      'robot estafeta_send',
      ...manifest.triggers.map(({ code }) => `trigger ${code}`),
      ...manifest.connectors.map(({ id }) => `connector ${id}`),
      ...manifest.placements.map(({ placement }) => `placement ${placement}`),
    ].sort())
    portal.finishInstall(clientId)
    const app = registered()
    expect(app.events).toEqual(manifest.events.names.map((event) => ({ event, handler: `${publicUrl}/bitrix/events` })))
    expect(app.robots).toEqual(['estafeta_send'])
    expect(app.triggers).toEqual(manifest.triggers.map(({ code, name }) => ({ code, name: name.ru })))
    const connectors = portal.world.apps.get(clientId)!.connectors
    expect([...connectors.keys()]).toEqual(manifest.connectors.map(({ id }) => id))
    // What a missing or misread flag would do: greetings and names of operators would reach patients (F22, F26).
    for (const connector of connectors.values()) {
      expect(connector.flags).toEqual({
        CHAT_GROUP: false, NEED_SYSTEM_MESSAGES: false, NEED_SIGNATURE: false, NEWSLETTER: false,
        DEL_EXTERNAL_MESSAGES: true, EDIT_INTERNAL_MESSAGES: true, DEL_INTERNAL_MESSAGES: true,
      })
      expect(connector.placementHandler).toBe(`${publicUrl}/placements/connector-settings`)
    }
    const placements = ownPlacements()
    expect(placements.map(({ placement, handler }) => [placement, handler])).toEqual(manifest.placements.map(({ placement, handler }) => [placement, `${publicUrl}${handler}`]))
    expect(placements.find(({ placement }) => placement === 'IM_SIDEBAR')!.options).toMatchObject({ iconName: 'fa-user-md', context: 'LINES' })
    const robot = portal.world.apps.get(clientId)!.robots.get('estafeta_send')!
    expect(robot).toMatchObject({ useSubscription: 'Y', usePlacement: true, handler: `${publicUrl}/bitrix/robots/estafeta_send`, placementHandler: `${publicUrl}/placements/robot-settings` })
    expect(Object.keys(robot.properties)).toEqual(['text', 'route', 'purpose', 'deadline'])
    expect(Object.keys(robot.returnProperties)).toEqual(['status', 'channel', 'proof', 'time', 'answer'])
  })

  it('changes nothing when it runs again', async () => {
    await register(client, manifest, admin)
    const before = registered()
    const lines = await register(client, manifest, admin)
    expect(lines.every(({ ok, message }) => ok && message === 'Без изменений.')).toBe(true)
    expect(lines).toHaveLength(countOfRegistrations)
    expect(registered()).toEqual(before)
  })

  it('repairs what an update of the application has wiped', async () => {
    await register(client, manifest, admin)
    portal.updateApp(clientId)
    expect(registered().events).toEqual([])
    await signIn()
    expect((await register(client, manifest, admin)).every(({ ok }) => ok)).toBe(true)
    expect(registered().events).toHaveLength(manifest.events.names.length)
    expect(registered().robots).toEqual(['estafeta_send'])
  })

  it('takes away handlers of another address, with or without a slash at the end (F27)', async () => {
    await client.call('event.bind', { event: 'ONAPPUPDATE', handler: `${publicUrl}/bitrix/events/` })
    await client.call('event.bind', { event: 'ONCRMDEALUPDATE', handler: 'http://127.0.0.1:9/old' })
    await client.call('placement.bind', { PLACEMENT: 'CRM_DEAL_DETAIL_TAB', HANDLER: `${publicUrl}/old/`, TITLE: 'old' })
    await client.call('placement.bind', { PLACEMENT: 'CRM_CONTACT_DETAIL_TAB', HANDLER: `${publicUrl}/placements/patient/`, TITLE: 'slash' })
    await client.call('bizproc.robot.add', { CODE: 'old', HANDLER: `${publicUrl}/old`, NAME: 'old' })
    await client.call('crm.automation.trigger.add', { CODE: 'old', NAME: 'old' })
    expect((await register(client, manifest, { ...admin, publicUrl: `${publicUrl}/` })).every(({ ok }) => ok)).toBe(true)
    const app = registered()
    expect(app.events.map(({ handler }: any) => handler)).toEqual(manifest.events.names.map(() => `${publicUrl}/bitrix/events`))
    expect(ownPlacements().map(({ placement, handler }) => [placement, handler])).toEqual(manifest.placements.map(({ placement, handler }) => [placement, `${publicUrl}${handler}`]))
    expect(app.robots).toEqual(['estafeta_send'])
    expect(app.triggers.map(({ code }: any) => code)).not.toContain('old')
  })

  it('says so when a name does not exist, and registers the rest (F25)', async () => {
    const wrong = { ...manifest, events: { ...manifest.events, names: ['ONCRMDEALLUPDATE', ...manifest.events.names] } }
    const lines = await register(client, wrong, admin)
    expect(lines.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['event ONCRMDEALLUPDATE'])
    expect(registered().events).toHaveLength(manifest.events.names.length)
    expected = [expect.objectContaining({ method: 'event.bind', error: 'ERROR_EVENT_NOT_FOUND' })]
  })

  it('tells an employee that an administrator is needed', async () => {
    const lines = await register(client, manifest, { ...admin, isAdmin: false })
    expect(lines.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['robots and triggers'])
    expect(registered().events).toHaveLength(manifest.events.names.length)
  })

  it('says what a portal without open lines is lacking, and registers the rest', async () => {
    portal.world.apps.get(clientId)!.scopes = ['crm', 'bizproc', 'placement']
    await signIn()
    const lines = await register(client, manifest, admin)
    const failed = lines.filter(({ ok }) => !ok)
    expect(failed.map(({ name }) => name).sort()).toEqual(['connectors', ...manifest.events.names.filter((name) => name.startsWith('ONIM')).map((name) => `event ${name}`), 'placement IM_SIDEBAR'].sort())
    expect(failed.every(({ message }) => message.length > 20)).toBe(true)
    expect(ownPlacements().map(({ placement }) => placement)).toEqual(['CRM_DEAL_DETAIL_TAB', 'CRM_CONTACT_DETAIL_TAB'])
    expect(registered().robots).toEqual(['estafeta_send'])
    expected = expect.any(Array) as unknown as unknown[]
  })

  it('takes away connectors that were ours, and leaves those of others alone', async () => {
    const other = portal.registerApp({ shape: 'local', ui: true, handlerUrl: `${publicUrl}/other`, scopes: manifest.scopes, name: 'Other' })
    const icon = { DATA_IMAGE: 'data:image/svg+xml,%3Csvg%2F%3E' }
    await client.call('imconnector.register', { ID: 'estafeta_icq', NAME: 'old', ICON: icon, PLACEMENT_HANDLER: `${publicUrl}/old` })
    portal.world.apps.get(other.clientId)!.connectors.set('max_by_phone', { ...portal.world.apps.get(clientId)!.connectors.get('estafeta_icq')!, id: 'max_by_phone' })
    const lines = await register(client, manifest, admin)
    expect(lines.filter(({ ok }) => !ok)).toEqual([])
    expect(lines).toContainEqual({ name: 'connector estafeta_icq', ok: true, message: 'Старая регистрация убрана.' })
    expect([...portal.world.apps.get(clientId)!.connectors.keys()]).toEqual(manifest.connectors.map(({ id }) => id))
    expect([...portal.world.apps.get(other.clientId)!.connectors.keys()]).toEqual(['max_by_phone'])
    await unregister(client, manifest)
    expect([...portal.world.apps.get(other.clientId)!.connectors.keys()]).toEqual(['max_by_phone'])
  })

  it('leaves no trigger and no connector behind', async () => {
    await register(client, manifest, admin)
    const lines = await unregister(client, manifest)
    expect(lines.map(({ name }) => name)).toEqual([...manifest.triggers.map(({ code }) => `trigger ${code}`), ...manifest.connectors.map(({ id }) => `connector ${id}`)])
    expect(lines.every(({ ok }) => ok)).toBe(true)
    expect(registered().triggers).toEqual([])
    expect(portal.world.apps.get(clientId)!.connectors.size).toBe(0)
  })
})

describe('a notification', () => {
  const view: RecordView = {
    purpose: 'reminder',
    attempts: [{ channelTitle: 'WhatsApp', state: 'sent', times: { sent: Date.now() } }],
  }
  const options = { language: 'ru', timeZone: 'Europe/Moscow' } as const

  it('is one record on the deal and on the contact, updated in place and found again', async () => {
    const contact = portal.addContact({ name: 'Анна', secondName: 'Петровна', phones: ['+7 999 000-00-01', '8 (999) 000-00-02'] })
    const deal = portal.addDeal({ title: 'Приём', contactId: contact.id })
    const outcomes = await client.batch(addRecordCommands({ record: 'r', binding: 'b' }, { dealId: deal.id, contactId: contact.id, originId: 'd-1' }, recordOf(view, options)))
    expect([...outcomes.values()].every(({ ok }) => ok)).toBe(true)
    const added = outcomes.get('r')!
    const activityId = addedRecordIdOf(added.ok ? added.result : undefined)
    expect(portal.state({ contactId: contact.id }).timeline.filter(({ kind }) => kind === 'configurable')).toMatchObject([{ id: activityId, completed: false, title: 'Эстафета: напоминание' }])

    const outcome = { kind: 'reached', channelTitle: 'SMS', proof: 'delivered', at: Date.now() } as const
    const updates = await client.batch([
      updateRecordCommand('u', activityId, recordOf({ ...view, outcome }, options)),
      findRecordCommand('f', 'd-1'),
      findRecordCommand('none', 'd-2'),
    ])
    expect(updates.get('u')).toMatchObject({ ok: true })
    expect(foundRecordIdOf((updates.get('f') as any).result)).toBe(activityId)
    expect(foundRecordIdOf((updates.get('none') as any).result)).toBeUndefined()
    const [entry] = portal.state({ dealId: deal.id }).timeline
    expect(entry).toMatchObject({ id: activityId, completed: true, tags: [{ title: 'доставлено', type: 'success' }] })
    expect(entry!.lines.at(-1)).toMatch(/^SMS, доставлено \d\d:\d\d$/)
    expect(entry!.lines[0]).toMatch(/WhatsApp/)

    const again = (await client.batch([bindRecordCommand('again', activityId, contact.id)])).get('again')!
    expect(again).toMatchObject({ ok: false, error: { action: 'alreadyDone' } })
    expected = [expect.objectContaining({ method: 'crm.activity.binding.add', error: 'ACTIVITY_IS_ALREADY_BOUND' })]
  })

  it('makes records of 60 deliveries in three requests', async () => {
    const deals = Array.from({ length: 60 }, () => {
      const contact = portal.addContact({ name: 'Пациент' })
      return portal.addDeal({ title: 'Приём', contactId: contact.id })
    })
    const commands = deals.flatMap(({ id, contactId }) => addRecordCommands({ record: `r${String(id)}`, binding: `b${String(id)}` }, { dealId: id, contactId, originId: `d-${String(id)}` }, recordOf(view, options)))
    const outcomes = await client.batch(commands)
    expect(outcomes.size).toBe(120)
    expect([...outcomes.values()].every(({ ok }) => ok)).toBe(true)
    expect(portal.callTotals().batch).toBe(3)
    for (const { contactId } of deals) expect(portal.state({ contactId }).timeline).toHaveLength(1)
  })

  it('ends in a call task that is found by its reference', async () => {
    const deal = portal.addDeal({ title: 'Приём' })
    const answers = (await client.batch([addTaskCommand('t', { dealId: deal.id, reference: 'N-42', deadlineAt: Date.now() + 3_600_000, language: 'ru' }), findTaskCommand('f', deal.id)]))
    expect(foundTaskIdOf((answers.get('f') as any).result, 'N-42')).toBe((answers.get('t') as any).result.id)
    expect(portal.state({ dealId: deal.id }).timeline).toMatchObject([{ kind: 'todo', title: 'Позвоните пациенту', completed: false }])
  })

  it('looks at deals and contacts in one request', async () => {
    const contact = portal.addContact({ name: 'Анна', secondName: 'Петровна', phones: ['+7 999 000-00-01', '8 (999) 000-00-02'] })
    const deal = portal.addDeal({ title: 'Приём', contactId: contact.id })
    const alone = portal.addDeal({ title: 'Без контакта' })
    const seen = await client.batch([dealsCommand('d', [deal.id, alone.id, 9_999]), contactsCommand('c', [contact.id]), findContactsByPhoneCommand('p', ['+79990000001']), findContactsByPhoneCommand('q', ['+79990000009'])])
    const resultOf = (key: string): unknown => (seen.get(key) as any).result
    expect(dealsOf(resultOf('d'))).toEqual([
      { dealId: deal.id, stageId: deal.stageId, isClosed: false, contactId: contact.id, responsibleId: 1 },
      { dealId: alone.id, stageId: alone.stageId, isClosed: false, contactId: undefined, responsibleId: 1 },
    ])
    expect(contactsOf(resultOf('c'))).toEqual([{ contactId: contact.id, name: 'Анна Петровна', phones: ['+7 999 000-00-01', '8 (999) 000-00-02'], emails: [] }])
    expect(foundContactIdsOf(resultOf('p'))).toEqual([contact.id])
    expect(foundContactIdsOf(resultOf('q'))).toEqual([])
    expect(portal.callTotals().batch).toBe(1)
  })

  it('lets the waiting robot go on with what it returns, and fires a trigger', async () => {
    await register(client, manifest, admin)
    portal.finishInstall(clientId)
    const deal = portal.addDeal({ title: 'Приём' })
    const run = portal.runRobot({ dealId: deal.id, code: 'estafeta_send', properties: { text: 'Ждём вас', route: 'r-1' } })
    expect(run.properties).toMatchObject({ purpose: 'reminder' })
    const values = { status: 'reached', channel: 'SMS', proof: 'delivered', time: '2026-03-12T12:04:00+03:00', answer: '' }
    const outcomes = await client.batch([
      answerRobotCommand('a', run.eventToken, values, 'Доставлено в SMS'),
      answerRobotCommand('again', run.eventToken, values, 'Доставлено в SMS'),
      fireTriggerCommand('t', 'estafeta_delivered', deal.id),
    ])
    expect([...outcomes.values()].every(({ ok }) => ok)).toBe(true)
    expect(portal.robotRun(run.eventToken)).toMatchObject({ answered: true, returnValues: expect.objectContaining({ status: 'reached', channel: 'SMS' }) })
    expect(portal.state({ dealId: deal.id }).triggers).toMatchObject([{ code: 'estafeta_delivered', ownerTypeId: 2, ownerId: deal.id }])
  })
})

describe('a portal that misbehaves', () => {
  const cases: [Misbehaviour, Partial<BitrixError>][] = [
    ['query_limit', { action: 'backOff', outcome: 'rejected', retryable: true }],
    ['operation_limit', { action: 'pauseMethod', outcome: 'rejected', retryable: true }],
    ['internal_error', { outcome: 'unknown' }],
    ['portal_deleted', { action: 'park', outcome: 'rejected' }],
    ['overload', { action: 'stopTraffic', outcome: 'rejected' }],
    ['empty_error', { action: 'giveUp', outcome: 'rejected', description: 'Something did not work out' }],
    ['result_false', { bitrixCode: 'RESULT_FALSE', outcome: 'rejected' }],
    ['drop_before', { outcome: 'unknown' }],
    ['drop_after', { outcome: 'unknown' }],
  ]
  it.each(cases)('by %s is understood, and the call is not repeated', async (kind, meaning) => {
    const deal = portal.addDeal({ title: 'Приём' })
    portal.misbehave({ kind, method: 'crm.activity.todo.add' })
    const { method, params } = addTaskCommand('t', { dealId: deal.id, reference: 'N-1', deadlineAt: Date.now(), language: 'ru' })
    expect(await failureOf(client.call(method, params))).toMatchObject(meaning)
    expect(portal.callTotals()['crm.activity.todo.add']).toBe(1)
    expect(portal.state({ dealId: deal.id }).timeline).toHaveLength(kind === 'drop_after' ? 1 : 0)
  })

  it('by being slow leaves the outcome open', async () => {
    portal.misbehave({ kind: 'slow', ms: 1_500 })
    expect(await failureOf(client.call('server.time'))).toMatchObject({ outcome: 'unknown', retryable: true })
  })

  it('by an expired token costs one refresh', async () => {
    portal.expireAccessTokens(clientId)
    expect((await client.call('user.admin')).result).toBe(true)
    expect(tokens.refreshes).toBe(1)
    expected = [expect.objectContaining({ error: 'expired_token' })]
  })

  it('by moving to another address is followed there', async () => {
    const before = portal.origin
    const after = await portal.rename()
    expect(after).not.toBe(before)
    expect((await client.call('user.admin')).result).toBe(true)
    expect(tokens.tokens[0]!.clientEndpoint).toBe(portal.clientEndpoint)
  })

  it('by a lost answer of the OAuth server says that the call was not carried out, and then needs a new sign-in', async () => {
    portal.expireAccessTokens(clientId)
    portal.misbehave({ kind: 'oauth_drop_after' })
    expect(await failureOf(client.call('user.admin'))).toMatchObject({ method: 'oauth.token', outcome: 'rejected', retryable: true })
    expect(await failureOf(client.call('user.admin'))).toMatchObject({ action: 'reinstall', code: 'PORTAL_NEEDS_REINSTALL' })
    expected = [expect.objectContaining({ error: 'expired_token' }), expect.objectContaining({ error: 'expired_token' })]
  })

  it('by being unpaid is parked', async () => {
    portal.expireAccessTokens(clientId)
    portal.paymentRequired = true
    expect(await failureOf(client.call('user.admin'))).toMatchObject({ action: 'park', outcome: 'rejected' })
    expected = [expect.objectContaining({ error: 'expired_token' })]
  })

  it('by refusing one command of a batch leaves the others alone', async () => {
    portal.misbehave({ kind: 'operation_limit', method: 'server.time' })
    const outcomes = await client.batch([{ key: 'a', method: 'server.time', params: {} }, { key: 'b', method: 'user.admin', params: {} }])
    expect(outcomes.get('a')).toMatchObject({ ok: false, error: { action: 'pauseMethod' } })
    expect(outcomes.get('b')).toMatchObject({ ok: true, result: true })
    expect(budget.paused).toEqual([['server.time', expect.any(Number)]])
  })
})
