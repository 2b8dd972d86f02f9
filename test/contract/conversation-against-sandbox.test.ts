import { describe, expect, it } from '@jest/globals'
import { type MaxBot } from '../../sandbox/messengers/max.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type Channel, type Inbound, type OutboundFile } from '../../src/channels/channel.ts'
import { unsupportedText } from '../../src/channels/refusal.ts'
import { max } from '../../src/channels/max/index.ts'
import { telegram } from '../../src/channels/telegram/index.ts'
import { whatsapp } from '../../src/channels/whatsapp/index.ts'
import { type RichText } from '../../src/domain/rich-text.ts'
import { connect, messageTo, until, useSandbox, type Connection } from './sandbox.ts'

const world = useSandbox()

type Id = 'telegram' | 'max' | 'whatsapp'
type Told<Type extends Inbound['type']> = Extract<Inbound, { type: Type }>

interface Talk {
  readonly id: Id
  readonly channel: Channel<any>
  readonly connection: Connection<any>
  readonly phone: Handset
  readonly to: string
}

const told = <Type extends Inbound['type']>({ connection }: Talk, type: Type): Told<Type>[] => connection.events.filter((event): event is Told<Type> => event.type === type)
/** What the patient said; the press of Start is none. */
const words = (talk: Talk): Told<'message'>[] => told(talk, 'message').filter(({ text }) => text !== '/start')
const nextMessage = async (talk: Talk, act: () => unknown): Promise<Told<'message'>> => {
  const before = words(talk).length
  act()
  await until(() => words(talk).length > before)
  return words(talk)[before]!
}

const startWhatsApp = async (): Promise<Connection<any>> => {
  const number = world.messengers.addWhatsAppNumber()
  const form = { phoneNumberId: number.phoneNumberId, businessAccountId: number.wabaId, accessToken: number.token, appSecret: number.appSecret, verifyToken: 'clinic-word', baseUrl: number.baseUrl }
  const connection = world.connectionOf(whatsapp, form)
  await connect(connection)
  await world.messengers.setWhatsAppWebhook(number.phoneNumberId, connection.hookUrl, 'clinic-word')
  return connection
}

const starts: Readonly<Record<Id, () => Promise<Connection<any>>>> = {
  whatsapp: startWhatsApp,
  telegram: async () => {
    const bot = world.messengers.addTelegramBot()
    const connection = world.connectionOf(telegram, { botToken: bot.token, apiRoot: bot.apiRoot })
    await connect(connection)
    return connection
  },
  max: async () => {
    // Seconds are short in this world: a quick machine says more to one person than MAX takes.
    world.messengers.behave('max', { limits: 'off' })
    const bot: MaxBot = world.messengers.addMaxBot()
    const connection = world.connectionOf(max, { token: bot.token, baseUrl: bot.baseUrl })
    await connect(connection)
    return connection
  },
}

/** A patient who has written to the clinic once. */
const startTalk = async (id: Id): Promise<Talk> => {
  const connection = await starts[id]()
  const phone = world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
  if (id !== 'whatsapp') phone.start(id)
  const draft = { id, channel: connection.channel, connection, phone, to: '' }
  const { chat } = await nextMessage(draft, () => phone.reply(id, 'Здравствуйте'))
  world.clock.advance(2_000)
  return { ...draft, to: chat.id }
}

const arrived = async ({ phone, id }: Talk, externalId: string) => {
  const short = externalId.split(':').at(-1)!
  const find = () => phone.messages(id).find((one) => one.direction === 'received' && (one.id === externalId || one.id === short) && one.arrivedAt !== undefined)
  await until(() => find() !== undefined)
  return find()!
}

const document: OutboundFile = { kind: 'file', name: 'Анализ крови.pdf', mimeType: 'application/pdf', bytes: Buffer.from('%PDF-1.4 анализ') }

describe.each<Id>(['telegram', 'max', 'whatsapp'])('a conversation in %s against the sandbox', (id) => {
  it('brings files of a patient and fetches their bytes', async () => {
    const talk = await startTalk(id)
    const { phone, channel, connection } = talk
    const written = [
      () => phone.sendPhoto(id, { caption: 'Снимок' }),
      () => phone.sendFile(id, { name: 'Направление.pdf' }),
      () => phone.sendVoice(id),
      () => phone.sendVideo(id),
      () => phone.sendSticker(id),
    ]
    for (const [index, write] of written.entries()) {
      let bytes: Buffer | undefined
      const message = await nextMessage(talk, () => (bytes = write().files[0]?.bytes))
      const [file] = message.files ?? []
      expect(file?.kind).toBe((['image', 'file', 'voice', 'video', 'sticker'] as const)[index])
      expect(message.text).toBe(index === 0 ? 'Снимок' : '')
      if (index === 1) expect(file?.name).toBe('Направление.pdf')
      const downloaded = await channel.download!(file!, { ...connection.context, maxBytes: 10 * 1024 * 1024 })
      expect(Buffer.compare(Buffer.from(downloaded.bytes), bytes!)).toBe(0)
      await expect(channel.download!(file!, { ...connection.context, maxBytes: 1 })).rejects.toMatchObject({ failure: { class: 'content' } })
    }
    expect(connection.refused).toEqual([])
  })

  it('brings places, cards, quotes and what cannot be shown', async () => {
    const talk = await startTalk(id)
    const { phone, channel, connection, to } = talk
    expect(await nextMessage(talk, () => phone.sendLocation(id, { latitude: 55.75, longitude: 37.61 }))).toMatchObject({ place: { latitude: 55.75, longitude: 37.61 } })
    expect(await nextMessage(talk, () => phone.sendContact(id, { name: 'Мама', phone: '+79000000077' }))).toMatchObject({ contact: { phone: '+79000000077', isOwn: false } })
    expect(await nextMessage(talk, () => phone.sendUnsupported(id))).toMatchObject({ text: unsupportedText })
    const { externalId } = await channel.send(messageTo(to), connection.context)
    const shown = await arrived(talk, externalId)
    expect(await nextMessage(talk, () => phone.reply(id, 'Да', { quote: shown.id }))).toMatchObject({ text: 'Да', replyTo: externalId })
  })

  it('shows formatting, a quote and a file on the phone as the operator meant them', async () => {
    const talk = await startTalk(id)
    const { channel, connection, to } = talk
    const asked = words(talk).at(-1)!
    const rich: RichText = [{ type: 'bold', children: [{ type: 'text', text: 'Важно' }] }, { type: 'text', text: ' <b>&amp; ' }, { type: 'italic', children: [{ type: 'text', text: 'завтра' }] }]
    const { externalId } = await channel.send(messageTo(to, { text: 'Важно <b>&amp; завтра', rich, replyTo: asked.externalId }), connection.context)
    const shown = await arrived(talk, externalId)
    expect(shown.text).toBe('Важно <b>&amp; завтра')
    expect(shown.spans).toHaveLength(2)
    expect(shown.quote?.text).toBe('Здравствуйте')
    world.clock.advance(2_000)
    const sent = await channel.send(messageTo(to, { text: 'Ваш анализ', file: document }), connection.context)
    const [file] = (await arrived(talk, sent.externalId)).files
    expect(file).toMatchObject({ kind: 'file', name: 'Анализ крови.pdf' })
    expect(Buffer.compare(file!.bytes, Buffer.from(document.bytes))).toBe(0)
    expect((await arrived(talk, sent.externalId)).text).toBe('Ваш анализ')
  })

  it('F42 hears nothing of groups', async () => {
    const talk = await startTalk(id)
    if (id === 'whatsapp') return
    const before = talk.connection.events.length
    talk.phone.writeInGroup(id, 'Всем привет')
    talk.phone.writeInGroup(id, 'Всем привет', { kind: 'channel' })
    await nextMessage(talk, () => talk.phone.reply(id, 'Только вам'))
    expect(talk.connection.events.slice(before)).toMatchObject([{ type: 'message', text: 'Только вам' }])
  })
})

describe.each<Id>(['telegram', 'max'])('changes in %s against the sandbox', (id) => {
  it('edits and removes on the phone, and says when it is too late', async () => {
    const talk = await startTalk(id)
    const { channel, connection, to } = talk
    const { externalId } = await channel.send(messageTo(to, { text: 'В 10:00' }), connection.context)
    await arrived(talk, externalId)
    world.clock.advance(2_000)
    const rich: RichText = [{ type: 'text', text: 'В ' }, { type: 'bold', children: [{ type: 'text', text: '11:00' }] }]
    await channel.edit!({ externalId, to, text: 'В 11:00', rich, isCaption: false }, connection.context)
    expect((await arrived(talk, externalId)).text).toBe('В 11:00')
    world.clock.advance(2_000)
    for (let time = 0; time < 2; time += 1) await channel.remove!({ externalId, to }, connection.context)
    expect((await arrived(talk, externalId)).deletedAt).toBeDefined()
    await expect(channel.edit!({ externalId, to, text: 'x', isCaption: false }, connection.context)).rejects.toMatchObject({ failure: { class: 'content' } })
    const withFile = await channel.send(messageTo(to, { text: 'Анализ', file: document }), connection.context)
    await arrived(talk, withFile.externalId)
    world.clock.advance(2_000)
    await channel.edit!({ externalId: withFile.externalId, to, text: 'Анализ крови', isCaption: true }, connection.context)
    const shown = await arrived(talk, withFile.externalId)
    expect([shown.text, shown.files.length]).toEqual(['Анализ крови', 1])
  })

  it('hears of what the patient edits, and of what MAX tells of removals', async () => {
    const talk = await startTalk(id)
    const { phone } = talk
    const message = phone.reply(id, 'Приду')
    await until(() => told(talk, 'message').some(({ text }) => text === 'Приду'))
    const { externalId } = told(talk, 'message').find(({ text }) => text === 'Приду')!
    phone.edit(message, 'Не приду')
    await until(() => told(talk, 'edit').length === 1)
    expect(told(talk, 'edit')).toMatchObject([{ externalId, text: 'Не приду', chat: { id: talk.to } }])
    if (id !== 'max') return
    phone.remove(message)
    await until(() => told(talk, 'delete').length === 1)
    expect(told(talk, 'delete')).toMatchObject([{ externalId, chat: { id: talk.to } }])
  })

  it('is started by its own personal link', async () => {
    const connection = await starts[id]()
    const phone = world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    const { title } = await connection.channel.check(connection.context)
    phone.openLink(connection.channel.startLink!('L_k3Jx9QmZb2', { title, credentials: connection.context.credentials })!)
    await until(() => connection.events.some((event) => event.type === 'message' && event.startPayload === 'L_k3Jx9QmZb2'))
  })
})

describe('whatsapp: what only it does, against the sandbox', () => {
  it('F46 answers a person who hides the number', async () => {
    const talk = await startTalk('whatsapp')
    talk.phone.hidePhone()
    const { chat } = await nextMessage(talk, () => talk.phone.reply('whatsapp', 'Это я'))
    expect(chat).not.toHaveProperty('phone')
    const { externalId } = await whatsapp.send(messageTo(chat.id, { text: 'Видим' }), talk.connection.context)
    expect((await arrived(talk, externalId)).text).toBe('Видим')
  })

  it('sends a voice that the phone plays', async () => {
    const talk = await startTalk('whatsapp')
    const spoken = talk.phone.sendVoice('whatsapp').files[0]!
    const file: OutboundFile = { kind: 'voice', name: 'voice.ogg', mimeType: 'audio/ogg; codecs=opus', bytes: spoken.bytes }
    const { externalId } = await whatsapp.send(messageTo(talk.to, { text: '', file }), talk.connection.context)
    expect((await arrived(talk, externalId)).files[0]).toMatchObject({ kind: 'voice' })
  })
})
