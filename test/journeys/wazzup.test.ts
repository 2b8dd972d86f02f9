import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { connectLine } from '../../sandbox/administrator.ts'
import { type WazzupChannel } from '../../sandbox/messengers/wazzup.ts'
import { startClinic, until, type Clinic } from './clinic.ts'

let clinic: Clinic
let gateway: WazzupChannel
let connectionId: string
let route: string

const connect = async (channel: string, to: WazzupChannel) =>
  clinic.administrator.call('POST', '/connections', { channel, name: 'По номеру', credentials: { apiKey: to.account.apiKey, channelId: to.channelId, baseUrl: to.baseUrl } })

beforeAll(async () => {
  clinic = await startClinic()
  gateway = clinic.world.messengers.addWazzupChannel()
  const answer = await connect('wazzup', gateway)
  expect(answer.status).toBe(200)
  connectionId = answer.body.id as string
  route = await clinic.route([{ kind: 'channel', connectionId, proof: 'delivered', minutes: 30, content: {} }, clinic.steps.sms()])
}, 60_000)
afterAll(() => clinic.stop())

describe('a notification through the second gateway', () => {
  it('ends the cascade when it is delivered', async () => {
    const story = clinic.send(await clinic.visitor({ bots: false }), { route })
    await clinic.ends(story, {
      arrived: { whatsapp: 1 }, returns: { status: 'reached', channel: 'WhatsApp', proof: 'delivered' }, lastLine: /^WhatsApp, доставлено \d\d:\d\d$/, tag: 'доставлено', triggers: ['delivered'],
    })
  })

  it('goes on at once when the patient has no WhatsApp', async () => {
    const story = clinic.send(await clinic.visitor({ bots: false, apps: { whatsapp: false } }), { route })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })
})

describe('a talk through the second gateway', () => {
  it('carries an operator\'s words and file to the phone: the file by an address of ours', async () => {
    const { portal, messengers } = clinic.world
    await connectLine({ origin: clinic.app.origin, clientId: clinic.app.clientId }, portal, { connector: 'estafeta_wazzup', connectionId, name: 'WhatsApp по номеру' })
    const phone = messengers.addPatient({ name: 'Анна', phone: '+79000006001' })
    phone.reply('whatsapp', 'пришлите памятку', { account: gateway.channelId })
    const chat = () => portal.lines.chats().map(({ id }) => portal.lines.chat(id)).find(({ messages }) => messages.some(({ text }) => text.includes('пришлите памятку')))
    await until('the message is in the line', () => chat() !== undefined)
    const bytes = Buffer.from('%PDF-1.4 sample of a leaflet')
    portal.lines.say(chat()!.id, { text: 'вот она', files: [{ name: 'памятка.pdf', bytes }] })
    await until('the file is on the phone', () => phone.files('whatsapp').length === 1)
    expect(phone.files('whatsapp')[0]!.bytes.equals(bytes)).toBe(true)
    await until('the words are there too', () => phone.shown('whatsapp').some(({ text }) => text === 'вот она'))
  })

  it('A3 lets no route write by a number of Telegram', async () => {
    const telegram = await connect('wazzuptelegram', clinic.world.messengers.addWazzupChannel({ transport: 'tgapi' }))
    expect(telegram.status).toBe(200)
    const steps = [{ kind: 'channel', connectionId: telegram.body.id as string, proof: 'delivered', minutes: 30, content: {} }]
    const saved = await clinic.administrator.call('POST', '/routes', { name: 'По номеру Telegram', isDefault: false, stopsWhenDealMoves: true, steps })
    expect(saved.status).not.toBe(200)
    expect(saved.body.fields).toMatchObject({ 'steps.0': expect.stringMatching(/только для переписки/) })
  })

  it('keeps clean books', () => {
    clinic.expectCleanBooks()
  })
})
