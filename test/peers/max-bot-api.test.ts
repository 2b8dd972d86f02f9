import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import path from 'node:path'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type MaxBot } from '../../sandbox/messengers/max.ts'
import { startStand, until, type Stand } from '../sandbox/messengers-support.ts'
import { describeWith, findPackage } from './peer.ts'

const maxhub = await findPackage('@maxhub/max-bot-api', () => import('@maxhub/max-bot-api'))

/** The vendor's own client: what it can do with the sandbox, an application can do with MAX. */
describeWith(maxhub !== undefined)('@maxhub/max-bot-api with the MAX of the sandbox', () => {
  const { Bot, Keyboard } = maxhub!
  let stand: Stand
  let account: MaxBot
  let phone: Handset
  let userId: number
  let bot: InstanceType<typeof Bot>
  let server: Server | undefined

  beforeEach(async () => {
    stand = await startStand(20)
    account = stand.messengers.addMaxBot()
    // Two messages a second to one dialogue: the client does not wait, so it is tested by itself.
    stand.messengers.behave('max', { limits: 'off' })
    phone = stand.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    userId = phone.patient.maxId
    bot = newBot(account.token)
  })
  afterEach(async () => {
    server?.close()
    server?.closeAllConnections()
    server = undefined
    await stand.stop()
  })

  // Its paths are relative to the base, so the base ends with a slash.
  const newBot = (token: string) => new Bot(token, { clientOptions: { baseUrl: `${account.baseUrl}/` } })
  const sample = (name: string): Buffer => readFileSync(path.join(import.meta.dirname, '../../sandbox/messengers/samples', name))
  const shown = () => phone.shown('max').filter(({ direction }) => direction === 'received')

  /** Its own webhook server behind an address of this test. */
  const listen = async (): Promise<void> => {
    // Its own way to order updates wants https, as MAX does; the sandbox takes the loopback interface as well.
    const handle = bot.webhookCallback({ domain: 'clinic.example', path: '/', secret: 'a-secret_1' })
    server = createServer((request, response) => handle(request, response))
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    await bot.api.subscribe(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, 'a-secret_1')
    expect(await bot.api.getSubscriptions()).toHaveLength(1)
  }

  it('knows itself, and is refused with a wrong token', async () => {
    expect(await bot.api.getMyInfo()).toMatchObject({ user_id: account.userId, is_bot: true, username: account.username })
    await expect(newBot('wrong-token').api.getMyInfo()).rejects.toMatchObject({ status: 401, code: 'verify.token' })
  })

  it('gets updates by webhook: a start, words, a shared contact, a press that is answered, an edit, a removal, the end', async () => {
    const heard: unknown[] = []
    bot.on('bot_started', (context) => void heard.push(['start', context.update.payload, context.update.user.user_id]))
    bot.on('message_created', (context) => void heard.push(['message', context.message.body.text, context.message.body.attachments?.map(({ type }) => type)]))
    bot.on('message_callback', async (context) => {
      heard.push(['press', context.update.callback.payload])
      // Its types do not know the notification, which the documentation has.
      await context.answerOnCallback({ ...{ notification: 'Принято' }, message: { text: 'Ждём вас', attachments: [] } })
    })
    bot.on('message_edited', (context) => void heard.push(['edit', context.message.body.text]))
    bot.on('message_removed', (context) => void heard.push(['removal', context.update.message_id]))
    bot.on('bot_stopped' as never, () => void heard.push(['end']))
    await listen()
    const heardAll = (count: number): Promise<boolean> => until(() => heard.length === count)
    phone.start('max', { payload: 'L_k3Jx9QmZb2' })
    await heardAll(1)
    await bot.api.sendMessageToUser(userId, 'Приём завтра', { attachments: [Keyboard.inlineKeyboard([[Keyboard.button.callback('Приду', 'confirm')]])] })
    await until(() => shown().length === 1)
    phone.press('max', { button: 'Приду' })
    await until(() => shown()[0]?.text === 'Ждём вас')
    expect(shown()[0]).toMatchObject({ notice: 'Принято', buttons: [] })
    const said = phone.reply('max', 'Спасибо')
    await heardAll(3)
    phone.edit(said, 'Спасибо!')
    await heardAll(4)
    phone.remove(said)
    await heardAll(5)
    phone.shareContact('max')
    await heardAll(6)
    phone.block('max')
    await heardAll(7)
    expect(heard).toEqual([['start', 'L_k3Jx9QmZb2', userId], ['press', 'confirm'], ['message', 'Спасибо', undefined], ['edit', 'Спасибо!'], ['removal', said.id], ['message', '', ['contact']], ['end']])
  })

  it('sends with formatting, quotes and every button, reads, edits and deletes', async () => {
    phone.start('max', { quietly: true })
    const { button } = Keyboard
    const keyboard = Keyboard.inlineKeyboard([[button.link('Сайт', 'https://clinic.example')], [button.requestContact('Номер')], [button.openApp('Мой визит', account.username, undefined, 'visit')], [button.message('Да')]])
    const first = await bot.api.sendMessageToUser(userId, '**Приём** завтра', { format: 'markdown', attachments: [keyboard] })
    expect(first).toMatchObject({ body: { mid: expect.stringMatching(/^mid\./), text: 'Приём завтра' }, recipient: { chat_type: 'dialog', user_id: userId } })
    await until(() => shown().length === 1)
    expect(shown()[0]!.buttons.flat().map(({ kind }) => kind)).toEqual(['url', 'contact', 'app', 'text'])
    const second = await bot.api.sendMessageToChat(phone.patient.maxChatId, '<i>Ответ</i>', { format: 'html', link: { type: 'reply', mid: first.body.mid } })
    expect(second.link).toMatchObject({ type: 'reply', message: { mid: first.body.mid } })
    expect(await bot.api.editMessage(second.body.mid, { text: 'Другой ответ' })).toMatchObject({ success: true })
    expect((await bot.api.getMessage(second.body.mid)).body.text).toBe('Другой ответ')
    expect((await bot.api.getMessages(phone.patient.maxChatId)).messages.map(({ body }) => body.mid)).toEqual([second.body.mid, first.body.mid])
    expect(await bot.api.deleteMessage(second.body.mid)).toMatchObject({ success: true })
    await expect(bot.api.getMessage(second.body.mid)).rejects.toMatchObject({ status: 404 })
    expect(await bot.api.getChat(phone.patient.maxChatId)).toMatchObject({ type: 'dialog', status: 'active' })
    expect(await bot.api.sendAction(phone.patient.maxChatId, 'typing_on')).toMatchObject({ success: true })
  })

  it('uploads files of each kind, waiting until they are ready', async () => {
    phone.start('max', { quietly: true })
    const source = Buffer.from('%PDF-1.4 results')
    const attachments = [
      (await bot.api.uploadFile({ source })).toJson(),
      (await bot.api.uploadImage({ source: sample('photo.jpg') })).toJson(),
      (await bot.api.uploadVideo({ source: sample('video.mp4') })).toJson(),
      (await bot.api.uploadAudio({ source: sample('voice.ogg') })).toJson(),
    ]
    for (const attachment of attachments) await bot.api.sendMessageToUser(userId, '', { attachments: [attachment] })
    await until(() => phone.files('max').length === 4)
    expect(phone.files('max').map(({ kind }) => kind)).toEqual(['file', 'image', 'video', 'voice'])
    expect(Buffer.from(phone.files('max')[0]!.bytes)).toEqual(source)
  })

  it('is refused as its errors expect', async () => {
    const refusal = async (call: Promise<unknown>): Promise<unknown> => call.then(() => 'done', (error: unknown) => [(error as { status?: number }).status, (error as { code?: string }).code])
    expect(await refusal(bot.api.sendMessageToUser(userId, 'x'))).toEqual([404, 'not.found'])
    phone.start('max', { quietly: true })
    expect(await refusal(bot.api.sendMessageToUser(userId, 'x'.repeat(4001)))).toEqual([400, 'proto.payload'])
    expect(await refusal(bot.api.answerOnCallback('unknown', { message: { text: 'x' } }))).toEqual([400, 'proto.payload'])
    phone.block('max')
    expect(await refusal(bot.api.sendMessageToUser(userId, 'x'))).toEqual([403, 'chat.denied'])
    stand.messengers.behave('max', { failure: 'rateLimited', next: 1 })
    expect(await refusal(bot.api.sendMessageToUser(userId, 'x'))).toEqual([429, 'too.many.requests'])
  })
})
