import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { caller, goodLayout, register, type RestAnswer, startApplication, vectors } from './portal-support.ts'

let portal: Portal
let clientId: string
let call: (method: string, params?: Record<string, unknown>) => Promise<RestAnswer>
let dealId: number
let contactId: number

beforeEach(async () => {
  portal = await startPortal({ limits: { burst: 0 } })
  ;({ clientId } = register(portal, 'http://127.0.0.1:9'))
  call = caller(portal, clientId)
  contactId = portal.addContact({ name: 'Иван', phones: ['+79000000001'] }).id
  dealId = portal.addDeal({ contactId }).id
})
afterEach(() => portal.close())

const add = (layout: unknown, fields: unknown = {}): Promise<RestAnswer> =>
  call('crm.activity.configurable.add', { ownerTypeId: 2, ownerId: dealId, fields, layout })

const text = (value = 'x'): object => ({ type: 'text', properties: { value } })
const withBlocks = (blocks: unknown): object => goodLayout({ body: { logo: { code: 'sms' }, blocks } })
const action = { type: 'restEvent', id: 'again' }

describe('a configurable activity', () => {
  it('is created with the layout of the documentation and read back', async () => {
    const { layout, fields } = vectors['call.crm.activity.configurable.get.ok'].response.body.result.activity
    const { body } = await add(layout, { ...fields, deadline: '2030-02-01T01:00:00+03:00' })
    const id = body.result.activity.id
    const read = (await call('crm.activity.configurable.get', { id })).body.result.activity
    expect(read).toEqual({ id, ownerTypeId: 2, ownerId: dealId, layout, fields: { ...fields, deadline: '2030-02-01T01:00:00+03:00' } })
  })

  it('is refused for everything that its structure forbids', async () => {
    const twentyOne = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`b${index}`, text()]))
    const tag = { title: 'a', type: 'success' }
    const cases: [string, unknown, unknown?][] = [
      ['ERROR_EMPTY_LAYOUT', {}],
      ['FIELD_IS_REQUIRED', goodLayout({ icon: undefined })],
      ['FIELD_IS_REQUIRED', goodLayout({ header: { tags: {} } })],
      ['FIELD_IS_REQUIRED', withBlocks({})],
      ['FIELD_IS_REQUIRED', withBlocks({ a: { type: 'text', properties: {} } })],
      ['FIELD_IS_REDUNDANT', goodLayout({ colour: 'red' })],
      ['FIELD_IS_REDUNDANT', withBlocks({ a: { type: 'text', properties: { value: 'x', html: true } } })],
      ['FIELD_IS_REDUNDANT', goodLayout({ header: { title: 'x', tags: { a: { ...tag, scope: 'web' } } } })],
      ['ENUM_FIELD', goodLayout({ header: { title: 'x', tags: { a: { title: 'a', type: 'lavender' } } } })],
      ['ENUM_FIELD', goodLayout({ icon: { code: 'smoke-signal' } })],
      ['ENUM_FIELD', goodLayout({ body: { logo: { code: 'smoke-signal' }, blocks: { a: text() } } })],
      ['ENUM_FIELD', withBlocks({ a: { type: 'picture', properties: {} } })],
      ['ENUM_FIELD', withBlocks({ a: { type: 'text', properties: { value: 'x', size: 'xl' } } })],
      ['ENUM_FIELD', goodLayout({ footer: { buttons: { a: { title: 'x', type: 'danger', action } } } })],
      ['TOO_MANY_ITEMS', goodLayout({ header: { title: 'x', tags: { a: tag, b: tag, c: tag } } })],
      ['TOO_MANY_ITEMS', withBlocks(twentyOne)],
      ['TOO_MANY_ITEMS', goodLayout({ footer: { buttons: { a: { title: 'x', type: 'primary', action }, b: { title: 'x', type: 'primary', action }, c: { title: 'x', type: 'primary', action } } } })],
      ['KEY_CONTAIN_WRONG_SYMBOLS', withBlocks({ 'канал': text() })],
      ['WRONG_LANG', goodLayout({ header: { title: { ru: 'Да', de: 'Ja' } } })],
      ['WRONG_FIELD_VALUE', withBlocks({ a: { type: 'withTitle', properties: { title: 'x', block: { type: 'largeText', properties: { value: 'x' } } } } })],
      ['WRONG_FIELD_VALUE', goodLayout(), { badgeCode: 'unknown' }],
      ['WRONG_FIELD_VALUE', goodLayout(), { completed: 'perhaps' }],
      ['WRONG_FIELD_VALUE', goodLayout(), { typeId: 'OWN' }],
      ['FIELD_IS_REDUNDANT', goodLayout(), { title: 'x' }],
      ['INCOMING_ACTIVITY_CAN_NOT_BE_WITH_DEADLINE', goodLayout(), { isIncomingChannel: 'Y', deadline: '2030-01-01T10:00:00+03:00' }],
    ]
    for (const [index, [error, layout, fields]] of cases.entries()) {
      expect({ index, error: (await add(layout, fields)).body.error }).toEqual({ index, error })
    }
    expect(portal.state({ dealId }).timeline).toEqual([])
  })

  it('takes texts in the installed languages and shows the own one', async () => {
    await add(goodLayout({ header: { title: { en: 'Reminder', ru: 'Напоминание' } } }))
    expect(portal.state({ dealId }).timeline[0]).toMatchObject({ title: 'Напоминание', tags: [], lines: ['Канал: SMS'] })
  })

  it('is updated in place, only by its application', async () => {
    const { id } = (await add(goodLayout(), { originatorId: 'estafeta', originId: 'd-1' })).body.result.activity
    const changed = goodLayout({ header: { title: 'Напоминание', tags: { status: { title: 'прочитано', type: 'primary' } } } })
    expect((await call('crm.activity.configurable.update', { id, fields: { completed: true }, layout: changed })).body.result).toEqual({ activity: { id } })
    expect(portal.state({ dealId }).timeline).toEqual([expect.objectContaining({ id, completed: true, tags: [{ title: 'прочитано', type: 'primary' }] })])
    const found = await call('crm.activity.list', { filter: { PROVIDER_ID: 'CONFIGURABLE_REST_APP', ORIGINATOR_ID: 'estafeta', ORIGIN_ID: 'd-1' }, select: ['ID', 'COMPLETED'] })
    expect(found.body.result).toEqual([{ ID: String(id), COMPLETED: 'Y' }])
    const stranger = caller(portal, register(portal, 'http://127.0.0.1:9').clientId)
    expect((await stranger('crm.activity.configurable.update', { id, fields: {}, layout: changed })).body.error).toBe('ERROR_WRONG_APPLICATION')
  })

  it('stands on the deal and on the contact when it is bound to both', async () => {
    const { id } = (await add(goodLayout())).body.result.activity
    const bind = { activityId: id, entityTypeId: 3, entityId: contactId }
    expect((await call('crm.activity.binding.add', bind)).body.result).toBe(true)
    expect((await call('crm.activity.binding.add', bind)).body.error).toBe('ACTIVITY_IS_ALREADY_BOUND')
    expect((await call('crm.activity.binding.add', { ...bind, entityId: 999 })).body.error).toBe('OWNER_NOT_FOUND')
    expect((await call('crm.activity.binding.add', { ...bind, activityId: 999 })).body.error).toBe('NOT_FOUND')
    expect(portal.state({ contactId }).timeline.map((one) => one.id)).toEqual([id])
    expect((await call('crm.activity.binding.list', { activityId: id })).body.result).toEqual([{ entityTypeId: 2, entityId: dealId }, { entityTypeId: 3, entityId: contactId }])
    expect((await call('crm.activity.binding.delete', bind)).body.result).toBe(true)
    expect((await call('crm.activity.binding.delete', { ...bind, entityTypeId: 2, entityId: dealId })).body.error).toBe('LAST_BINDING_CANNOT_BE_DELETED')
  })

  it('sends the click on its button to its application', async () => {
    const application = await startApplication()
    const owner = register(portal, application.origin)
    const own = caller(portal, owner.clientId)
    await own('event.bind', { event: 'ONCRMTIMELINEITEMACTION', handler: `${application.origin}/event` })
    portal.finishInstall(owner.clientId)
    const layout = goodLayout({ footer: { buttons: { again: { title: 'Ещё раз', type: 'primary', action: { ...action, actionParams: { deliveryId: 'd-1' } } } } } })
    const { id } = (await own('crm.activity.configurable.add', { ownerTypeId: 2, ownerId: dealId, fields: {}, layout })).body.result.activity
    portal.clickAction(id, 'again')
    await portal.settle()
    expect(application.received[0]!.form.data).toEqual({ deliveryId: 'd-1', id: 'again', entityTypeId: '2', entityId: String(dealId), activityId: String(id), userId: '1' })
    application.close()
  })
})

describe('other records', () => {
  it('a todo appears in the timeline and needs a deadline', async () => {
    expect((await call('crm.activity.todo.add', { ownerTypeId: 2, ownerId: dealId, title: 'Позвонить' })).body.error).toBe('100')
    const { id } = (await call('crm.activity.todo.add', { ownerTypeId: 2, ownerId: dealId, title: 'Позвонить', deadline: '2030-01-01T10:00:00+03:00', responsibleId: 2 })).body.result
    expect(portal.state({ dealId }).timeline).toEqual([expect.objectContaining({ id, kind: 'todo', title: 'Позвонить', completed: false, deadline: '2030-01-01T10:00:00+03:00' })])
    await call('crm.activity.update', { id, fields: { COMPLETED: 'Y' } })
    expect((await call('crm.activity.todo.updateDeadline', { id, ownerTypeId: 2, ownerId: dealId, value: '2031-01-01T10:00:00+03:00' })).body.error).toBe('CAN_NOT_UPDATE_COMPLETED_TODO')
  })

  it('a task with CRM bindings appears in the timeline of both cards', async () => {
    const fields = { TITLE: 'Позвонить пациенту', RESPONSIBLE_ID: 2, UF_CRM_TASK: [`D_${dealId}`, `C_${contactId}`], DEADLINE: '2030-01-01T10:00:00+03:00' }
    const { task } = (await call('tasks.task.add', { fields })).body.result
    expect(task).toMatchObject({ id: '1', title: 'Позвонить пациенту', responsibleId: '2', status: '2' })
    for (const query of [{ dealId }, { contactId }]) expect(portal.state(query).timeline[0]).toMatchObject({ kind: 'task', title: 'Позвонить пациенту' })
    expect((await call('tasks.task.list', { filter: { UF_CRM_TASK: `D_${dealId}` } })).body.result.tasks).toHaveLength(1)
    expect((await call('tasks.task.add', { fields: { RESPONSIBLE_ID: 2 } })).body.error).toBe('ERROR_CORE')
  })

  it('a comment and a log message appear in the timeline', async () => {
    expect((await call('crm.timeline.comment.add', { fields: { ENTITY_ID: dealId, ENTITY_TYPE: 'deal', COMMENT: 'Слово' } })).body.result).toEqual(expect.any(Number))
    expect((await call('crm.timeline.logmessage.add', { fields: { entityTypeId: 2, entityId: dealId, title: 'Т', text: 'След', iconCode: 'info' } })).body.result.logMessage).toMatchObject({ title: 'Т' })
    expect(portal.state({ dealId }).timeline.map((one) => one.kind).sort()).toEqual(['comment', 'log'])
  })

  it('badges, icons and logos are there to be asked for', async () => {
    const { request, response } = vectors['call.crm.activity.badge.add.ok']
    expect((await call('crm.activity.badge.add', request.params)).body.result).toEqual(response.body.result)
    expect((await add(goodLayout(), { badgeCode: request.params.code })).status).toBe(200)
    expect((await call('crm.timeline.icon.list')).body.result.icons).toContainEqual({ code: 'whatsapp', isSystem: true, fileUri: '' })
    expect((await call('crm.timeline.logo.list')).body.result.logos).toContainEqual({ code: 'channel-telegram', isSystem: true, fileUri: '' })
  })

  it('a notification with the same tag replaces the older one', async () => {
    for (const MESSAGE of ['раз', 'два']) await call('im.notify.system.add', { USER_ID: 2, MESSAGE, TAG: 'estafeta|1' })
    expect(portal.state({}).notifications.map((one) => one.message)).toEqual(['два'])
  })
})
