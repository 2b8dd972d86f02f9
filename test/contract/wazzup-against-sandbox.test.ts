import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type WazzupChannel } from '../../sandbox/messengers/wazzup.ts'
import { type Channel, type Inbound } from '../../src/channels/channel.ts'
import { wazzup, wazzupTelegram } from '../../src/channels/wazzup/index.ts'
import { connect, messageTo, until, useSandbox, type Connection } from './sandbox.ts'

const world = useSandbox()

interface Talk {
  readonly channel: Channel<any>
  readonly gateway: WazzupChannel
  readonly connection: Connection<any>
  readonly phone: Handset
}

const start = async (channel: Channel<any> = wazzup, options: Partial<WazzupChannel> = {}): Promise<Talk> => {
  const gateway = world.messengers.addWazzupChannel(options)
  const connection = world.connectionOf(channel, { apiKey: gateway.account.apiKey, channelId: gateway.channelId, baseUrl: gateway.baseUrl })
  await connect(connection)
  // The vendor's test of a subscription carries the secret of the address like everything else.
  expect(connection.refused).toEqual([])
  return { channel, gateway, connection, phone: world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' }) }
}
const to = '+79000000001'
const send = ({ connection }: Talk, more: object = {}) => wazzup.send(messageTo(to, more), connection.context)
const told = <Type extends Inbound['type']>({ connection }: Talk, type: Type) => connection.events.filter((event): event is Extract<Inbound, { type: Type }> => event.type === type)
const levels = (talk: Talk, externalId: string) => new Set(told(talk, 'receipt').filter((event) => event.externalId === externalId).map(({ level }) => level))

describe('wazzup against a stand-in', () => {
  it('brings a message to the phone and hears all receipts, and its own echo as no message (F21)', async () => {
    const talk = await start()
    const { externalId } = await send(talk)
    await until(() => levels(talk, externalId).has('delivered'))
    talk.phone.read('whatsapp')
    await until(() => levels(talk, externalId).has('read'))
    expect(talk.phone.shown('whatsapp')).toMatchObject([{ text: messageTo(to).text, account: talk.gateway.channelId }])
    expect([...told(talk, 'echo'), ...told(talk, 'message')]).toEqual([])
  })

  it('hears a moment later that a number has no WhatsApp', async () => {
    const talk = await start()
    const { externalId } = await wazzup.send(messageTo('+79000000099'), talk.connection.context)
    await until(() => told(talk, 'failure').length > 0)
    expect(told(talk, 'failure')).toMatchObject([{ externalId, failure: { class: 'recipientPermanent', code: 'BAD_CONTACT' } }])
  })

  it('F05 does not send twice under one id within a minute', async () => {
    const talk = await start()
    world.messengers.behave('whatsapp', { failure: 'dropAfter', next: 1 })
    await expect(send(talk)).rejects.toMatchObject({ outcome: 'unknown' })
    await expect(send(talk)).rejects.toMatchObject({ outcome: 'unknown', failure: { code: 'repeated' } })
    await until(() => talk.phone.shown('whatsapp').length === 1)
  })

  it('talks: text, quotes, edits and removals, both ways', async () => {
    const talk = await start()
    const { phone, connection } = talk
    const first = phone.reply('whatsapp', 'Можно перенести приём?')
    await until(() => told(talk, 'message').length === 1)
    expect(told(talk, 'message')[0]).toMatchObject({ externalId: first.id, chat: { id: '79000000001', phone: to, name: 'Иван Петров' }, text: 'Можно перенести приём?' })
    const answered = await send(talk, { text: 'На какой день?', replyTo: first.id })
    await until(() => phone.shown('whatsapp').some(({ id }) => id === answered.externalId))
    expect(phone.shown('whatsapp').at(-1)).toMatchObject({ quote: { id: first.id } })
    phone.reply('whatsapp', 'На пятницу', { quote: answered.externalId })
    await until(() => told(talk, 'message').length === 2)
    expect(told(talk, 'message')[1]).toMatchObject({ text: 'На пятницу', replyTo: answered.externalId, quotedText: 'На какой день?' })
    await wazzup.edit?.({ externalId: answered.externalId, to, text: 'На какой день и час?', isCaption: false }, connection.context)
    expect(phone.messages('whatsapp').find(({ id }) => id === answered.externalId)).toMatchObject({ text: 'На какой день и час?' })
    await wazzup.remove?.({ externalId: answered.externalId, to }, connection.context)
    expect(phone.shown('whatsapp').some(({ id }) => id === answered.externalId)).toBe(false)
    phone.edit(first, 'Можно на пятницу?')
    phone.remove(first)
    await until(() => told(talk, 'delete').length === 1)
    expect(told(talk, 'edit')).toMatchObject([{ externalId: first.id, text: 'Можно на пятницу?' }])
  })

  it('F21 takes what staff write in the gateway\'s chats for an echo', async () => {
    const talk = await start()
    world.messengers.wazzup.writeFromChats(talk.phone.patient, talk.gateway.channelId, 'Ждём вас')
    await until(() => told(talk, 'echo').length === 1)
    expect(told(talk, 'echo')).toMatchObject([{ chat: { id: '79000000001' }, text: 'Ждём вас' }])
  })

  it('C7 hears of the state of its channel, and its live check agrees', async () => {
    const talk = await start()
    world.messengers.wazzup.setState(talk.gateway.channelId, 'qr')
    await until(() => told(talk, 'connection').length === 1)
    await expect(wazzup.check(talk.connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'qr' } })
    await expect(send(talk)).rejects.toMatchObject({ failure: { class: 'channelTemporary' }, outcome: 'rejected' })
    world.messengers.wazzup.setState(talk.gateway.channelId, 'ACTIVE')
    await until(() => told(talk, 'connection').length === 2)
    expect(told(talk, 'connection').map(({ state }) => state)).toEqual(['broken', 'working'])
  })

  it('A6 does not connect MAX by number', async () => {
    await expect(start(wazzup, { transport: 'max' })).rejects.toMatchObject({ failure: { code: 'WRONG_TRANSPORT' } })
    await expect(start(wazzupTelegram, { transport: 'max' })).rejects.toMatchObject({ failure: { code: 'WRONG_TRANSPORT' } })
  })

  it('shows the key of the CRM where the account has one, and nothing else then', async () => {
    const gateway = world.messengers.addWazzupChannel()
    gateway.account.crmKey = 'clinic-crm-key'
    const connection = world.connectionOf(wazzup, { apiKey: gateway.account.apiKey, channelId: gateway.channelId, baseUrl: gateway.baseUrl, crmKey: 'clinic-crm-key' })
    // The test of the subscription has no key; the application answers 200 to everything, this stand-in of it does not.
    await expect(connect(connection)).rejects.toMatchObject({ failure: { code: 'testPostNotPassed' } })
    Object.assign(gateway.account, { webhooksUri: connection.hookUrl, subscriptions: { messagesAndStatuses: true, channelsUpdates: true, contactsAndDealsCreation: false, templateStatus: false } })
    connection.refused.length = 0
    world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' }).reply('whatsapp', 'Да')
    await until(() => connection.events.length === 1)
    expect(connection.refused).toEqual([])
  })

  it('talks in Telegram with a person who wrote first', async () => {
    const talk = await start(wazzupTelegram, { transport: 'tgapi', plainId: '79990000002' })
    talk.phone.hidePhone()
    talk.phone.reply('telegram', 'Здравствуйте')
    await until(() => told(talk, 'message').length === 1)
    const { chat } = told(talk, 'message')[0]!
    expect(chat.phone).toBeUndefined()
    const { externalId } = await wazzupTelegram.send(messageTo(chat.id, { text: 'Чем помочь?' }), talk.connection.context)
    await until(() => levels(talk, externalId).has('delivered'))
    expect(talk.phone.shown('telegram').at(-1)).toMatchObject({ text: 'Чем помочь?' })
    talk.phone.hidePhone(false)
    talk.phone.reply('telegram', 'Запишите меня')
    await until(() => told(talk, 'message').length === 2)
    expect(told(talk, 'message')[1]?.chat).toMatchObject({ id: chat.id, phone: to })
  })

  it('is told of a rate, a wrong key and silence', async () => {
    const talk = await start()
    for (const [failure, expected] of [
      ['unauthorized', { failure: { class: 'channelPermanent' }, outcome: 'rejected' }],
      ['rateLimited', { failure: { class: 'rateLimited' }, outcome: 'rejected' }],
      ['badGateway', { failure: { class: 'transient' }, outcome: 'unknown' }],
    ] as const) {
      world.messengers.behave('whatsapp', { failure, next: 1 })
      await expect(send(talk, { ref: failure })).rejects.toMatchObject(expected)
    }
    await wazzup.disconnect({ ...talk.connection.context, hookUrl: talk.connection.hookUrl })
    expect(talk.gateway.account.subscriptions.messagesAndStatuses).toBe(false)
  })
})

describe('files by address', () => {
  let server: Server | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })

  it('carries files both ways, byte for byte, and says when ours could not be fetched', async () => {
    const talk = await start()
    const pdf = Buffer.from('%PDF-1.7 результаты')
    server = createServer((request, response) => {
      if (request.url?.startsWith('/moved') === true) response.writeHead(302, { location: '/a.pdf' }).end()
      else response.writeHead(200, { 'content-type': 'application/pdf' }).end(pdf)
    })
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const file = { kind: 'file', name: 'анализ.pdf', mimeType: 'application/pdf', bytes: pdf } as const
    await send(talk, { text: '', file: { ...file, link: `${origin}/files/${encodeURIComponent('анализ.pdf')}` } })
    await until(() => talk.phone.files('whatsapp').length === 1)
    expect(talk.phone.files('whatsapp')[0]).toMatchObject({ name: 'анализ.pdf' })
    expect(talk.phone.files('whatsapp')[0]!.bytes.equals(pdf)).toBe(true)
    await expect(send(talk, { ref: 'd1.4', text: '', file: { ...file, link: `${origin}/moved.pdf` } })).rejects.toMatchObject({ failure: { class: 'content', code: 'MESSAGE_DOWNLOAD_CONTENT_ERROR' } })
    const photo = talk.phone.sendPhoto('whatsapp', { caption: 'Снимок' })
    await until(() => told(talk, 'message').length === 1)
    const [picture] = told(talk, 'message')
    expect(picture).toMatchObject({ text: 'Снимок', files: [{ kind: 'image', name: 'photo.jpg' }] })
    const { bytes } = await wazzup.download!(picture!.files![0]!, { ...talk.connection.context, maxBytes: 10_000_000 })
    expect(Buffer.from(bytes).equals(photo.files[0]!.bytes)).toBe(true)
  })
})
