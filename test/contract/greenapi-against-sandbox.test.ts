import { describe, expect, it } from '@jest/globals'
import { type GreenApiInstance } from '../../sandbox/messengers/greenapi.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type Inbound } from '../../src/channels/channel.ts'
import { greenapi } from '../../src/channels/greenapi/index.ts'
import { connect, messageTo, until, useSandbox, type Connection } from './sandbox.ts'

const world = useSandbox()

interface Talk {
  readonly instance: GreenApiInstance
  readonly connection: Connection<any>
  readonly phone: Handset
}

const start = async (): Promise<Talk> => {
  const instance = world.messengers.addGreenApiInstance()
  const connection = world.connectionOf(greenapi, { idInstance: instance.idInstance, apiTokenInstance: instance.apiTokenInstance, apiUrl: instance.apiUrl })
  await connect(connection)
  return { instance, connection, phone: world.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' }) }
}
const to = '+79000000001'
const send = ({ connection }: Talk, more: object = {}) => greenapi.send(messageTo(to, more), connection.context)
const told = <Type extends Inbound['type']>({ connection }: Talk, type: Type) => connection.events.filter((event): event is Extract<Inbound, { type: Type }> => event.type === type)
const levels = (talk: Talk, externalId: string) => told(talk, 'receipt').filter((event) => event.externalId === externalId).map(({ level }) => level)

describe('greenapi against a stand-in', () => {
  it('brings a message with its marks to the phone and hears all receipts', async () => {
    const talk = await start()
    const { externalId } = await send(talk, { text: 'Ждём вас', rich: [{ type: 'bold', children: [{ type: 'text', text: 'Ждём вас' }] }] })
    await until(() => levels(talk, externalId).includes('delivered'))
    talk.phone.read('whatsapp')
    await until(() => levels(talk, externalId).length === 3)
    expect(levels(talk, externalId)).toEqual(['sent', 'delivered', 'read'])
    expect(talk.phone.shown('whatsapp')).toMatchObject([{ text: 'Ждём вас', raw: '*Ждём вас*', account: talk.instance.idInstance }])
    // F21: the echo of our own message was told too, and is no message.
    expect(told(talk, 'echo')).toEqual([])
    expect(told(talk, 'message')).toEqual([])
    expect(talk.connection.refused).toEqual([])
  })

  it('hears at once that a number has no WhatsApp', async () => {
    const talk = await start()
    world.messengers.addPatient({ name: 'Без мессенджера', phone: '+79000000002', whatsapp: false })
    const { externalId } = await greenapi.send(messageTo('+79000000002'), talk.connection.context)
    await until(() => told(talk, 'failure').length > 0)
    expect(told(talk, 'failure')).toMatchObject([{ externalId, failure: { class: 'recipientPermanent', code: 'noAccount' } }])
  })

  it('talks: text, files, quotes, edits and removals, both ways', async () => {
    const talk = await start()
    const { phone, connection } = talk
    const first = phone.reply('whatsapp', 'Можно перенести приём?')
    await until(() => told(talk, 'message').length === 1)
    expect(told(talk, 'message')[0]).toMatchObject({ externalId: first.id, chat: { id: '79000000001', phone: to, name: 'Иван Петров' }, text: 'Можно перенести приём?' })
    const answered = await send(talk, { text: 'На какой день?', replyTo: first.id })
    await until(() => phone.shown('whatsapp').some(({ id }) => id === answered.externalId))
    expect(phone.shown('whatsapp').at(-1)).toMatchObject({ text: 'На какой день?', quote: { id: first.id, text: 'Можно перенести приём?' } })
    phone.reply('whatsapp', 'На пятницу', { quote: answered.externalId })
    await until(() => told(talk, 'message').length === 2)
    expect(told(talk, 'message')[1]).toMatchObject({ text: 'На пятницу', replyTo: answered.externalId, quotedText: 'На какой день?' })
    await greenapi.edit?.({ externalId: answered.externalId, to, text: 'На какой день и час?', isCaption: false }, connection.context)
    expect(phone.messages('whatsapp').find(({ id }) => id === answered.externalId)).toMatchObject({ text: 'На какой день и час?' })
    await greenapi.remove?.({ externalId: answered.externalId, to }, connection.context)
    expect(phone.shown('whatsapp').some(({ id }) => id === answered.externalId)).toBe(false)
    phone.edit(first, 'Можно перенести приём на пятницу?')
    phone.remove(first)
    await until(() => told(talk, 'delete').length === 1)
    expect(told(talk, 'edit')).toMatchObject([{ externalId: first.id, text: 'Можно перенести приём на пятницу?' }])
    expect(told(talk, 'delete')).toMatchObject([{ externalId: first.id }])
  })

  it('carries files both ways, byte for byte', async () => {
    const talk = await start()
    const photo = talk.phone.sendPhoto('whatsapp', { caption: 'Снимок' })
    talk.phone.sendVoice('whatsapp')
    await until(() => told(talk, 'message').length === 2)
    const [picture, voice] = told(talk, 'message')
    expect(picture).toMatchObject({ text: 'Снимок', files: [{ kind: 'image', mimeType: 'image/jpeg' }] })
    expect(voice).toMatchObject({ text: '', files: [{ kind: 'voice' }] })
    const { bytes } = await greenapi.download!(picture!.files![0]!, { ...talk.connection.context, maxBytes: 10_000_000 })
    expect(Buffer.from(bytes).equals(photo.files[0]!.bytes)).toBe(true)
    const pdf = Buffer.from('%PDF-1.7 результаты')
    await send(talk, { text: 'Ваш анализ', file: { kind: 'file', name: 'анализ.pdf', mimeType: 'application/pdf', bytes: pdf } })
    await until(() => talk.phone.files('whatsapp').length === 1)
    expect(talk.phone.files('whatsapp')[0]).toMatchObject({ name: 'анализ.pdf' })
    expect(talk.phone.files('whatsapp')[0]!.bytes.equals(pdf)).toBe(true)
    expect(talk.phone.shown('whatsapp').at(-1)).toMatchObject({ text: 'Ваш анализ' })
  })

  it('knows a person who hides the number by the same hidden id each time, and answers there', async () => {
    const talk = await start()
    talk.phone.hidePhone()
    talk.phone.reply('whatsapp', 'Здравствуйте')
    talk.phone.reply('whatsapp', 'Вы работаете?')
    await until(() => told(talk, 'message').length === 2)
    const [one, two] = told(talk, 'message')
    expect(one?.chat.id).toMatch(/^\d+@lid$/)
    expect(one?.chat).toEqual(two?.chat)
    expect(one?.chat.phone).toBeUndefined()
    await greenapi.send(messageTo(one!.chat.id, { text: 'Да' }), talk.connection.context)
    await until(() => talk.phone.shown('whatsapp').some(({ text }) => text === 'Да'))
  })

  it('F21 takes what staff write on the telephone for an echo, and a missed call for a call back', async () => {
    const talk = await start()
    world.messengers.greenApi.writeFromTelephone(talk.phone.patient, talk.instance.idInstance, 'Ждём вас')
    world.messengers.greenApi.missCall(talk.phone.patient, talk.instance.idInstance)
    await until(() => told(talk, 'message').length === 1)
    expect(told(talk, 'echo')).toMatchObject([{ chat: { id: '79000000001' }, text: 'Ждём вас' }])
    expect(told(talk, 'message')[0]).toMatchObject({ text: expect.stringMatching(/^Пропущенный звонок/) })
  })

  it('F40 takes back what waits while the number is logged out, so that nothing comes out when it is back', async () => {
    const talk = await start()
    const { greenApi } = world.messengers
    const { idInstance } = talk.instance
    greenApi.setState(idInstance, 'notAuthorized')
    const one = await send(talk, { text: 'Напоминание' })
    const two = await send(talk, { text: 'Ответ оператора' })
    expect(greenApi.queued(idInstance)).toBe(2)
    expect(await greenapi.withdraw?.({ externalId: one.externalId, to }, talk.connection.context)).toEqual([one.externalId, two.externalId])
    greenApi.setState(idInstance, 'authorized')
    const later = await send(talk, { text: 'Позже' })
    await until(() => levels(talk, later.externalId).includes('delivered'))
    expect(talk.phone.shown('whatsapp').map(({ text }) => text)).toEqual(['Позже'])
    expect(await greenapi.withdraw?.({ externalId: later.externalId, to }, talk.connection.context)).toEqual([])
    expect(told(talk, 'connection').map(({ state, code }) => [state, code])).toEqual([['broken', 'notAuthorized'], ['working', 'authorized']])
  })

  it('lets out what nobody took back: the trap is real', async () => {
    const talk = await start()
    world.messengers.greenApi.setState(talk.instance.idInstance, 'yellowCard')
    await send(talk, { text: 'Напоминание' })
    world.messengers.greenApi.setState(talk.instance.idInstance, 'authorized')
    await until(() => talk.phone.shown('whatsapp').length === 1)
  })

  it('is told of a tariff that is used up, a wrong token, a rate and silence', async () => {
    const talk = await start()
    talk.instance.correspondents = 0
    await expect(send(talk)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: '466' }, outcome: 'rejected' })
    talk.instance.correspondents = 10
    for (const [failure, expected] of [
      ['unauthorized', { failure: { class: 'channelPermanent' }, outcome: 'rejected' }],
      ['rateLimited', { failure: { class: 'rateLimited' }, outcome: 'rejected' }],
      ['badGateway', { failure: { class: 'transient' }, outcome: 'unknown' }],
      ['dropAfter', { failure: { class: 'transient' }, outcome: 'unknown' }],
    ] as const) {
      world.messengers.behave('whatsapp', { failure, next: 1 })
      await expect(send(talk)).rejects.toMatchObject(expected)
    }
    // The dropped one was executed: it is with the patient, once.
    await until(() => talk.phone.shown('whatsapp').length === 1)
  })

  it('F04 F10 hears the same receipts again as the same events', async () => {
    const talk = await start()
    world.messengers.behave('whatsapp', { receipts: 'twice', updates: 'twice' })
    const { externalId } = await send(talk)
    talk.phone.reply('whatsapp', 'Да')
    await until(() => levels(talk, externalId).length === 4 && told(talk, 'message').length === 2)
    const [one, two] = told(talk, 'message')
    expect(two).toEqual(one)
  })

  it('shows the number in the live check and stops the webhooks when it leaves', async () => {
    const talk = await start()
    expect(await greenapi.check(talk.connection.context)).toMatchObject({ title: '+79990000000' })
    world.messengers.greenApi.setState(talk.instance.idInstance, 'blocked')
    await expect(greenapi.check(talk.connection.context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: 'blocked' } })
    await greenapi.disconnect({ ...talk.connection.context, hookUrl: talk.connection.hookUrl })
    expect(talk.instance.settings.webhookUrl).toBe('')
  })
})
