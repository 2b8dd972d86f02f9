import { afterEach, describe, expect, it } from '@jest/globals'
import { from, type LinePortal, lineVectors, startLines } from './open-lines-support.ts'

let lines: LinePortal
const closers: (() => unknown)[] = []

async function start(line: Record<string, unknown> = {}, flags: Record<string, unknown> = {}): Promise<LinePortal> {
  lines = await startLines({ line, flags })
  closers.push(lines.close)
  return lines
}

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const chatOf = (result: any): number => Number(result.session.CHAT_ID)

async function activityOf(sessionId: string): Promise<any> {
  const filter = { PROVIDER_ID: 'IMOPENLINES_SESSION', ASSOCIATED_ENTITY_ID: sessionId }
  return (await lines.call('crm.activity.list', { filter, select: ['ID', 'OWNER_ID', 'OWNER_TYPE_ID', 'PROVIDER_TYPE_ID', 'ORIGIN_ID', 'PROVIDER_PARAMS', 'COMMUNICATIONS', 'COMPLETED'] })).body.result[0]
}

async function contact(fields: Record<string, unknown> = {}): Promise<any> {
  return (await lines.call('crm.item.add', { entityTypeId: 3, fields: { name: 'Пётр', lastName: 'Пробный', ...fields } })).body.result.item
}

const phone = (value: string): Record<string, unknown> => ({ fm: [{ typeId: 'PHONE', valueType: 'MOBILE', value }] })

describe('what the portal does by itself when a session begins', () => {
  it('finds the contact by the phone in another spelling, writes the messenger into it, binds the activity', async () => {
    const { send, portal, call, line } = await start()
    const { id } = await contact(phone('8 (900) 000-00-01'))
    const [sent] = await send(from('1', 'привет', { user: { phone: '+79000000001', email: 'ivan@clinic.example' } }))
    const chat = portal.lines.chat(chatOf(sent))
    expect(chat.entityData1).toMatch(new RegExp(`^Y\\|CONTACT\\|${id}\\|N\\|N\\|${sent.session.ID}\\|`))
    expect([chat.entityData2, chat.crm]).toEqual([`LEAD|0|COMPANY|0|CONTACT|${id}|DEAL|0`, { leadId: 0, companyId: 0, contactId: id, dealId: 0, title: 'Пётр Пробный', path: `/crm/contact/details/${id}/` }])
    const { item } = (await call('crm.item.get', { entityTypeId: 3, id })).body.result
    expect(item.fm.map((entry: any) => [entry.typeId, entry.valueType, entry.value])).toEqual([
      ['PHONE', 'MOBILE', '8 (900) 000-00-01'], ['IM', 'IMOL', `imol|clinic_chat|${line}|c1|${sent.user}`], ['LINK', 'USER', sent.user], ['EMAIL', 'WORK', 'ivan@clinic.example'],
    ])
    expect(await activityOf(sent.session.ID)).toEqual({
      ID: expect.any(String), OWNER_ID: String(id), OWNER_TYPE_ID: '3', PROVIDER_TYPE_ID: String(line), ORIGIN_ID: `IMOL_${sent.session.ID}`, COMPLETED: 'N',
      PROVIDER_PARAMS: { USER_CODE: chat.entityId }, COMMUNICATIONS: [expect.objectContaining({ TYPE: 'IM', VALUE: `imol|${chat.entityId}` })],
    })
    portal.lines.finish(chat.id)
    expect((await activityOf(sent.session.ID)).COMPLETED).toBe('Y')
  })

  it('finds nobody and creates nothing with CRM_CREATE none', async () => {
    const { send, portal } = await start()
    const [sent] = await send(from('1', 'привет', { user: { phone: '+79000000001' } }))
    expect([portal.world.contacts.size, portal.world.leads.size, await activityOf(sent.session.ID)]).toEqual([0, 0, undefined])
    expect(portal.lines.chat(chatOf(sent)).crm.title).toBe('')
  })

  it('F13: makes a lead for each stranger with CRM_CREATE lead, and finds it again by the messenger', async () => {
    const { send, portal, call } = await start({ CRM_CREATE: 'lead' })
    const [first] = await send(from('1', 'привет'))
    portal.lines.finish(chatOf(first))
    const [second] = await send(from('1', 'снова'))
    await send(from('2', 'привет', { user: { name: 'Мария' } }))
    expect([second.session.ID === first.session.ID, portal.world.leads.size]).toEqual([false, 2])
    const { items } = (await call('crm.item.list', { entityTypeId: 1, select: ['id', 'title', 'imol', 'stageId'] })).body.result
    expect(items[0]).toEqual({ id: 1, title: expect.stringContaining('Иван'), imol: expect.stringContaining('imol|clinic_chat|'), stageId: 'NEW' })
  })

  it('F12: does not find its lead again when person and chat have one id', async () => {
    const { send, portal } = await start({ CRM_CREATE: 'lead' })
    const same = { chat: { id: 'p1' } }
    const [first] = await send(from('1', 'привет', same))
    portal.lines.finish(chatOf(first))
    await send(from('1', 'снова', same))
    expect(portal.world.leads.size).toBe(2)
  })

  it('F14: makes a third lead when two open ones have the phone', async () => {
    const { send, portal, call } = await start({ CRM_CREATE: 'lead' })
    for (const title of ['a', 'b']) await call('crm.item.add', { entityTypeId: 1, fields: { title, ...phone('+79000000001') } })
    await send(from('1', 'привет', { user: { phone: '+79000000001' } }))
    expect(portal.world.leads.size).toBe(3)
  })

  it('makes a deal with a contact, and takes the open deal of the known contact', async () => {
    const { send, portal } = await start({ CRM_CREATE: 'deal' })
    const [first] = await send(from('1', 'привет', { user: { phone: '+79000000001' } }))
    const deal = [...portal.world.deals.values()][0]!
    expect([portal.world.contacts.size, deal.contactIds, portal.lines.chat(chatOf(first)).entityData2]).toEqual([1, [1], 'LEAD|0|COMPANY|0|CONTACT|1|DEAL|1'])
    portal.lines.finish(chatOf(first))
    const [second] = await send(from('1', 'снова'))
    expect([portal.world.deals.size, portal.world.contacts.size]).toEqual([1, 1])
    const { ID: activityId } = await activityOf(second.session.ID)
    expect((await lines.call('crm.activity.binding.list', { activityId })).body.result).toEqual([{ entityTypeId: 2, entityId: 1 }, { entityTypeId: 3, entityId: 1 }])
  })

  it('looks nobody up with disable_crm or on a line without CRM', async () => {
    const { send, portal, line } = await start({ CRM_CREATE: 'lead' })
    await contact(phone('+79000000001'))
    const known = { user: { phone: '+79000000001' } }
    const [silent] = await send(from('1', 'привет', { ...known, message: { disable_crm: 'Y' } }))
    expect(silent.extra).toEqual({ disable_tracker: 'Y' })
    // The session has begun without CRM: later messages without the mark do not change it, the next session does.
    await send(from('1', 'мой телефон +79000000001', known))
    expect([await activityOf(silent.session.ID), portal.lines.chat(chatOf(silent)).crm.contactId]).toEqual([undefined, 0])
    portal.lines.update(line, { CRM: 'N' })
    await send(from('2', 'привет', known))
    expect(portal.world.leads.size).toBe(0)
    portal.lines.update(line, { CRM: 'Y' })
    portal.lines.finish(chatOf(silent))
    const [next] = await send(from('1', 'снова', known))
    expect(portal.lines.chat(chatOf(next)).crm.contactId).toBe(1)
  })

  it('binds the contact whose phone stands in a later text, once', async () => {
    const { send, portal } = await start()
    const [first] = await send(from('1', 'привет'))
    const { id } = await contact(phone('+79000000001'))
    await contact({ name: 'Второй', ...phone('+79000000002') })
    await send(from('1', 'я же +7 (900) 000-00-01'), from('1', 'или 8 900 000 00 02'))
    expect((await activityOf(first.session.ID)).OWNER_ID).toBe(String(id))
    expect(portal.lines.chat(chatOf(first)).crm.contactId).toBe(id)
    expect((await lines.call('crm.item.get', { entityTypeId: 3, id })).body.result.item.hasImol).toBe('Y')
  })
})

describe('a late binding', () => {
  it('adds and removes bindings of the session, and only they decide whose chat it is', async () => {
    const { send, call, portal, events, line } = await start({ CRM_CREATE: 'lead' })
    const [sent] = await send(from('1', 'привет'))
    const chatId = chatOf(sent)
    const { id } = await contact()
    const { ID: activityId } = await activityOf(sent.session.ID)
    const of = (type: string, entity: number): Record<string, unknown> => ({ CRM_ENTITY_TYPE: type, CRM_ENTITY: entity })
    const write = (): Promise<any> => call('imopenlines.crm.message.add', { ...of('contact', id), USER_ID: 2, CHAT_ID: chatId, MESSAGE: 'пишу первым' }).then((answer) => answer.body)
    expect(await write()).toEqual({ error: 'CHAT_NOT_IN_CRM', error_description: 'Chat does not belong to the CRM entity being checked' })
    expect((await call('imopenlines.crm.chat.getLastId', of('contact', id))).body.error).toBe('CRM_CHAT_EMPTY_CRM_DATA')

    expect((await call('crm.activity.binding.delete', { activityId, entityTypeId: 1, entityId: 1 })).body.error).toBe('LAST_BINDING_CANNOT_BE_DELETED')
    await call('crm.activity.binding.add', { activityId, entityTypeId: 3, entityId: id })
    await call('crm.activity.binding.delete', { activityId, entityTypeId: 1, entityId: 1 })
    expect((await call('imopenlines.crm.chat.get', of('contact', id))).body.result).toEqual([{ CHAT_ID: String(chatId), CONNECTOR_ID: 'clinic_chat', CONNECTOR_TITLE: 'Чат клиники' }])
    expect((await call('imopenlines.crm.chat.get', of('lead', 1))).body.result).toEqual([])
    expect((await call('imopenlines.crm.chat.getLastId', of('contact', id))).body.result).toBe(chatId)
    // The card in the head of the chat stays as it was until the next session.
    expect(portal.lines.chat(chatId).crm).toMatchObject({ leadId: 1, contactId: 0 })

    const { result } = await write()
    expect(typeof result).toBe(typeof lineVectors['call.imopenlines.crm.message.add.ok'].response.body.result)
    expect(await events('ONIMCONNECTORMESSAGEADD')).toEqual([{
      CONNECTOR: 'clinic_chat', LINE: String(line),
      MESSAGES: [{ im: { chat_id: String(chatId), message_id: String(result) }, message: { user_id: '2', text: 'пишу первым' }, chat: { id: 'c1' } }],
    }])
    expect(portal.lines.chat(chatId)).toMatchObject({ operatorId: 2 })
    portal.lines.finish(chatId)
    expect((await call('imopenlines.crm.chat.get', of('contact', id))).body.result).toEqual([])
    expect((await call('imopenlines.crm.chat.get', { ...of('contact', id), ACTIVE_ONLY: 'N' })).body.result).toHaveLength(1)
  })

  it('makes the next session find the contact by the messenger value that was written', async () => {
    const { send, call, portal } = await start()
    const [sent] = await send(from('1', 'привет', { message: { disable_crm: 'Y' } }))
    const { id } = await contact()
    const { entity_id: entityId } = (await call('imopenlines.dialog.get', { CHAT_ID: chatOf(sent) })).body.result
    await call('crm.item.update', { entityTypeId: 3, id, fields: { fm: { n0: { typeId: 'IM', valueType: 'IMOL', value: `imol|${entityId}` } } } })
    const found = await call('crm.item.list', { entityTypeId: 3, select: ['id', 'imol'], filter: { '=imol': `imol|${entityId}` } })
    expect(found.body.result.items).toEqual([{ id, imol: `imol|${entityId}` }])
    portal.lines.finish(chatOf(sent))
    const [next] = await send(from('1', 'снова'))
    expect([portal.lines.chat(chatOf(next)).crm.contactId, (await activityOf(next.session.ID)).OWNER_ID]).toEqual([id, String(id)])
  })
})

describe('the CRM around it', () => {
  it('finds duplicates by type, an empty answer is a list', async () => {
    const { call } = await start()
    await contact(phone('+79000000001'))
    await call('crm.item.add', { entityTypeId: 1, fields: { title: 'Лид', ...phone('89000000001') } })
    await call('crm.item.add', { entityTypeId: 4, fields: { title: 'Клиника', fm: [{ typeId: 'EMAIL', valueType: 'WORK', value: 'a@clinic.example' }] } })
    const find = async (params: Record<string, unknown>): Promise<any> => (await call('crm.duplicate.findbycomm', params)).body.result
    expect(await find({ type: 'PHONE', values: ['79000000001'] })).toEqual({ LEAD: [1], CONTACT: [1] })
    expect(await find({ type: 'PHONE', values: ['79000000001'], entity_type: 'CONTACT' })).toEqual({ CONTACT: [1] })
    expect(await find({ type: 'EMAIL', values: ['A@clinic.example'] })).toEqual({ COMPANY: [1] })
    expect(await find({ type: 'PHONE', values: ['79000000009'] })).toEqual([])
  })

  it('merges contacts into the first: multifields, activities and deals move; different names are a conflict', async () => {
    const { call, send, portal } = await start()
    const main = await contact({ name: 'Пётр', lastName: '', ...phone('+79000000001') })
    const other = await contact({ name: 'Пётр', lastName: 'Пробный', ...phone('+79000000002') })
    const stranger = await contact({ name: 'Мария' })
    await call('crm.item.add', { entityTypeId: 2, fields: { title: 'Приём', contactId: other.id } })
    const [sent] = await send(from('1', 'привет', { user: { phone: '+79000000002' } }))
    const merge = async (...entityIds: number[]): Promise<any> => (await call('crm.entity.mergeBatch', { params: { entityTypeId: 3, entityIds } })).body
    expect((await merge(main.id, stranger.id)).result).toEqual({ STATUS: 'CONFLICT', ENTITY_IDS: [] })
    expect((await merge(main.id, other.id)).result).toEqual({ STATUS: 'SUCCESS', ENTITY_IDS: [other.id] })
    expect((await merge(main.id)).error).toBe('The parameter entityIds must contains at least two elements.')
    expect((await merge(main.id, 99)).error).toBe('Owner was not found')
    const { item } = (await call('crm.item.get', { entityTypeId: 3, id: main.id })).body.result
    expect([item.lastName, item.fm.filter((entry: any) => entry.typeId === 'PHONE').map((entry: any) => entry.value), item.hasImol]).toEqual(['Пробный', ['+79000000001', '+79000000002'], 'Y'])
    expect([portal.world.contacts.has(other.id), portal.world.deals.get(1)!.contactIds, (await activityOf(sent.session.ID)).OWNER_ID]).toEqual([false, [main.id], String(main.id)])
  })

  it('lists contacts and deals in the older form', async () => {
    const { call } = await start()
    const { id } = await contact(phone('+79000000001'))
    await call('crm.item.add', { entityTypeId: 2, fields: { title: 'Приём', contactId: id } })
    const found = (await call('crm.contact.list', { filter: { PHONE: '+79000000001' }, select: ['ID', 'NAME', 'PHONE'] })).body
    expect(found).toMatchObject({ result: [{ ID: String(id), NAME: 'Пётр', PHONE: [{ VALUE: '+79000000001', VALUE_TYPE: 'MOBILE' }] }], total: 1 })
    // Another spelling is another value here.
    expect((await call('crm.contact.list', { filter: { PHONE: '89000000001' } })).body.result).toEqual([])
    expect((await call('crm.deal.list', { filter: { CONTACT_ID: id }, select: ['ID', 'TITLE', 'STAGE_ID'] })).body.result).toEqual([{ ID: '1', TITLE: 'Приём', STAGE_ID: 'NEW' }])
    expect((await call('crm.deal.list', { filter: { PATIENT: 1 } })).body.error).toBe('INVALID_ARG_VALUE')
  })
})
