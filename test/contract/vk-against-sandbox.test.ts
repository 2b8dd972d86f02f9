import { describe, expect, it } from '@jest/globals'
import { vk } from '../../src/channels/vk/index.ts'
import { type Inbound } from '../../src/channels/channel.ts'
import { connect, messageTo, until, useSandbox } from './sandbox.ts'

const world = useSandbox()
const buttons = [{ id: 'confirm', title: 'Приду' }, { id: 'cancel', title: 'Отменить' }]

const setUp = async () => {
  const community = world.messengers.addVkCommunity()
  const form = { groupId: String(community.groupId), accessToken: community.token, confirmation: community.confirmation, baseUrl: community.baseUrl }
  const connection = world.connectionOf(vk, form)
  const facts = await connect(connection)
  const phone = world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001', vk: true })
  const to = String(phone.patient.vkId)
  const seen = async <Type extends Inbound['type']>(type: Type, more: object = {}): Promise<Extract<Inbound, { type: Type }>> => {
    const find = () => connection.events.find((event): event is Extract<Inbound, { type: Type }> => event.type === type && Object.entries(more).every(([name, value]) => JSON.stringify(Reflect.get(event, name)) === JSON.stringify(value)))
    await until(() => find() !== undefined)
    return find()!
  }
  return { community, connection, facts, phone, to, seen }
}

describe('vk against the sandbox', () => {
  it('connects: VK asks for its string, the server works, and what it tells is answered with its word', async () => {
    const { community, connection, facts, phone, seen } = await setUp()
    await connect(connection)
    expect(facts.title).toBe(`@${community.screenName}`)
    expect(community.servers).toMatchObject([{ url: connection.hookUrl, status: 'ok', apiVersion: '5.199' }])
    phone.openLink(vk.startLink!('L_k3Jx9QmZb2', { title: facts.title, credentials: connection.context.credentials })!)
    expect(await seen('message')).toMatchObject({ text: '/start', startPayload: 'L_k3Jx9QmZb2', chat: { id: String(phone.patient.vkId) } })
    await until(() => world.messengers.webhooks().some(({ kind, outcome, tries }) => kind === 'message_new' && outcome === 'accepted' && tries === 1))
    expect(connection.refused).toEqual([])
    await vk.disconnect({ ...connection.context, hookUrl: connection.hookUrl })
    expect(community.servers).toEqual([])
  })

  it('F41 says what is wrong with the string, the rights and the eleventh server', async () => {
    const community = world.messengers.addVkCommunity()
    const form = { groupId: String(community.groupId), accessToken: community.token, confirmation: 'wrong', baseUrl: community.baseUrl }
    await expect(connect(world.connectionOf(vk, form))).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'confirmation' } })
    community.mask = 4_096
    await expect(connect(world.connectionOf(vk, { ...form, confirmation: community.confirmation }))).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '15' } })
    community.mask += 262_144
    const server = { title: 'x', secret: '', status: 'ok' as const, events: new Set<string>(), apiVersion: '5.199' }
    community.servers = Array.from({ length: 10 }, (_, index) => ({ ...server, id: index + 1, url: `https://other.example/${index}` }))
    await expect(connect(world.connectionOf(vk, { ...form, confirmation: community.confirmation }))).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '2000' } })
  })

  it('writes to nobody who has not written, and no more to whom denies it', async () => {
    const { connection, phone, to, seen } = await setUp()
    await expect(vk.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: '901' }, outcome: 'rejected' })
    phone.start('vk')
    await vk.send(messageTo(to), connection.context)
    phone.block('vk')
    expect(await seen('reachability', { state: 'blocked' })).toMatchObject({ chat: { id: to } })
    await expect(vk.send(messageTo(to, { ref: 'd2.0' }), connection.context)).rejects.toMatchObject({ failure: { code: '901' } })
    phone.unblock('vk')
    await seen('reachability', { state: 'active' })
    await vk.send(messageTo(to, { ref: 'd3.0' }), connection.context)
  })

  it('sends buttons, learns of the press and answers it; its own words do not come back (F21), an administrator\'s do', async () => {
    const { community, connection, phone, to, seen } = await setUp()
    phone.start('vk')
    const { externalId } = await vk.send(messageTo(to, { buttons }), connection.context)
    await until(() => phone.shown('vk').some(({ direction }) => direction === 'received'))
    phone.press('vk', { button: 'Приду' })
    const press = await seen('action')
    expect(press).toMatchObject({ payload: 'confirm', messageId: externalId, chat: { id: to } })
    await vk.answerAction?.({ externalId: press.externalId, chatId: to, text: 'Спасибо, передали в клинику.' }, connection.context)
    expect(phone.messages('vk').at(-1)?.notice).toBe('Спасибо, передали в клинику.')
    // A second answer to the same press finds nothing that waits.
    await vk.answerAction?.({ externalId: press.externalId, chatId: to, text: 'Ещё раз' }, connection.context)
    world.messengers.vk.writeFromCommunity(phone.patient, community.groupId, 'Ответ из ВК')
    expect(await seen('echo')).toMatchObject({ text: 'Ответ из ВК', chat: { id: to } })
    expect(connection.events.filter(({ type }) => type === 'echo')).toHaveLength(1)
  })

  it('hears one mark of reading for all that stands above it', async () => {
    const { connection, phone, to, seen } = await setUp()
    phone.start('vk')
    const ids: string[] = []
    for (const number of [1, 2, 3]) ids.push((await vk.send(messageTo(to, { ref: `d${number}.0`, text: `Сообщение ${number}` }), connection.context)).externalId)
    await until(() => phone.shown('vk').filter(({ direction }) => direction === 'received').length === 3)
    phone.read('vk', phone.messages('vk').at(-1)!.id)
    const mark = await seen('receipt')
    expect(mark).toMatchObject({ externalId: ids[2], coversFrom: `${to}:`, level: 'read' })
    expect(ids.every((id) => id >= mark.coversFrom! && id <= mark.externalId!)).toBe(true)
    expect(connection.events.filter(({ type }) => type === 'receipt')).toHaveLength(1)
  })

  it('F05 never sends twice: the same message meets VK\'s memory, and the chat\'s history later', async () => {
    const { connection, phone, to } = await setUp()
    phone.start('vk')
    world.messengers.behave('vk', { failure: 'dropAfter', next: 1 })
    await expect(vk.send(messageTo(to), connection.context)).rejects.toMatchObject({ outcome: 'unknown' })
    const again = await vk.send(messageTo(to), connection.context)
    expect(await vk.lookUp?.(messageTo(to), connection.context)).toEqual(again)
    world.clock.advance(2 * 3_600_000)
    expect(await vk.lookUp?.(messageTo(to), connection.context)).toEqual(again)
    expect(await vk.lookUp?.(messageTo(to, { ref: 'd9.0' }), connection.context)).toBeUndefined()
    expect(phone.messages('vk').filter(({ direction }) => direction === 'received')).toHaveLength(1)
  })

  it('tells refusals, silence and limits apart', async () => {
    const { connection, phone, to } = await setUp()
    phone.start('vk')
    world.messengers.behave('vk', { mode: 'refuses', refusal: '902' })
    await expect(vk.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'recipientPermanent', code: '902' } })
    world.messengers.behave('vk', { mode: 'works', failure: 'rateLimited', next: 1 })
    await expect(vk.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'rateLimited', code: '6' }, retryAfterSeconds: 1 })
    world.messengers.behave('vk', { failure: 'unavailable', next: 1 })
    await expect(vk.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'transient', code: '10' }, outcome: 'unknown' })
    world.messengers.behave('vk', { failure: 'badGateway', next: 1 })
    await expect(vk.send(messageTo(to), connection.context)).rejects.toMatchObject({ failure: { class: 'transient' }, outcome: 'unknown' })
    world.messengers.behave('vk', { failure: 'unauthorized', failing: 'all' })
    await expect(vk.check(connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '5' } })
  })

  it('carries a conversation: text, files, voices, places and quotes in; files, quotes, edits and removals out', async () => {
    const { connection, phone, to, seen } = await setUp()
    const hello = phone.reply('vk', 'Здравствуйте')
    const first = await seen('message', { text: 'Здравствуйте' })
    phone.edit(hello, 'Здравствуйте!')
    expect(await seen('edit')).toMatchObject({ externalId: first.externalId, text: 'Здравствуйте!' })
    for (const [send, kind] of [[() => phone.sendPhoto('vk', { caption: 'Фото' }), 'image'], [() => phone.sendFile('vk'), 'file'], [() => phone.sendVoice('vk'), 'voice'], [() => phone.sendSticker('vk'), 'sticker']] as const) {
      const { files } = send()
      await until(() => connection.events.some((event) => event.type === 'message' && event.files?.[0]?.kind === kind))
      const event = connection.events.find((one): one is Extract<Inbound, { type: 'message' }> => one.type === 'message' && one.files?.[0]?.kind === kind)!
      const { bytes } = await vk.download!(event.files![0]!, { ...connection.context, maxBytes: 1_000_000 })
      expect(Buffer.from(bytes).equals(files[0]!.bytes)).toBe(true)
    }
    phone.sendLocation('vk', { latitude: 55.75, longitude: 37.61 })
    await until(() => connection.events.some((event) => event.type === 'message' && event.place?.latitude === 55.75))

    const { bytes } = phone.messages('vk').find(({ files }) => files[0]?.kind === 'image')!.files[0]!
    const answer = await vk.send(messageTo(to, { ref: 'msg.1', text: 'Ваш снимок', replyTo: first.externalId, file: { kind: 'image', name: 'снимок.jpg', mimeType: 'image/jpeg', bytes } }), connection.context)
    await until(() => phone.files('vk').length === 1)
    const shown = () => phone.messages('vk').findLast(({ direction }) => direction === 'received')!
    expect(shown()).toMatchObject({ text: 'Ваш снимок', quote: { id: hello.id }, files: [{ kind: 'image' }] })
    await vk.edit?.({ externalId: answer.externalId, to, text: 'Ваш снимок готов', isCaption: true }, connection.context)
    expect(shown()).toMatchObject({ text: 'Ваш снимок готов', files: [{ kind: 'image' }] })
    phone.reply('vk', 'Спасибо', { quote: shown().id })
    expect(await seen('message', { text: 'Спасибо' })).toMatchObject({ replyTo: answer.externalId, quotedText: 'Ваш снимок готов' })
    const document = await vk.send(messageTo(to, { ref: 'msg.2', text: '', file: { kind: 'file', name: 'памятка.txt', mimeType: 'text/plain', bytes: Buffer.from('натощак') } }), connection.context)
    await until(() => phone.files('vk').length === 2)
    await vk.remove?.({ externalId: document.externalId, to }, connection.context)
    await vk.remove?.({ externalId: document.externalId, to }, connection.context)
    expect(phone.files('vk')).toHaveLength(1)
    world.clock.advance(25 * 3_600_000)
    await expect(vk.edit?.({ externalId: answer.externalId, to, text: 'Поздно', isCaption: false }, connection.context)).rejects.toMatchObject({ failure: { class: 'content', code: '909' } })
    await expect(vk.remove?.({ externalId: answer.externalId, to }, connection.context)).rejects.toMatchObject({ failure: { class: 'content', code: '924' } })
  })

  it('F42 hears nothing of chats of several people', async () => {
    const { connection, phone } = await setUp()
    world.messengers.vk.hands.writeInGroup?.(phone.patient, [...world.messengers.accounts('vk')][0]!, 'group', 'Всем привет')
    await until(() => world.messengers.webhooks().some(({ kind, outcome }) => kind === 'message_new' && outcome === 'accepted'))
    expect(connection.events).toEqual([])
  })

  it('takes a comment for a request and answers it in public with an invitation alone, once', async () => {
    const { community, connection, phone, seen } = await setUp()
    const comment = world.messengers.vk.wall.comment(phone.patient, community.groupId, 'Когда готовы мои анализы на гепатит?')
    const { chat, externalId } = await seen('message')
    expect({ chat: chat.id, externalId }).toEqual({ chat: `wall:412:${comment.id}:${phone.patient.vkId}`, externalId: `wall:${comment.id}` })
    for (const ref of ['msg.1', 'msg.2']) {
      const { instead } = await vk.send(messageTo(chat.id, { ref, text: 'Анализ на гепатит отрицательный' }), connection.context)
      expect(instead).toContain('vk.me')
    }
    const own = world.messengers.vk.wall.comments(community.groupId).filter(({ fromId }) => fromId < 0)
    expect(own).toMatchObject([{ postId: 412, parents: [comment.id] }])
    expect(own[0]!.text).not.toMatch(/анализ|гепатит/i)
    expect(phone.messages('vk')).toEqual([])
    // The community's own comment is told as well, and is nobody's request.
    await until(() => world.messengers.webhooks().filter(({ kind, outcome }) => kind === 'wall_reply_new' && outcome === 'accepted').length === 2)
    expect(connection.events).toHaveLength(1)
  })
})
