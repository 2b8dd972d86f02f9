import { afterEach, beforeEach, expect, it } from '@jest/globals'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { type TelegramBot } from '../../sandbox/messengers/telegram.ts'
import { startStand, until, type Stand } from '../sandbox/messengers-support.ts'
import { describeWith, findPackage } from './peer.ts'

const grammy = await findPackage('grammy', () => import('grammy'))

/** grammY was written for the real Bot API: what it can do with the sandbox, an application can do with Telegram. */
describeWith(grammy !== undefined)('grammY with the Telegram of the sandbox', () => {
  const { Api, Bot, GrammyError, InlineKeyboard, InputFile, Keyboard, webhookCallback } = grammy!
  let stand: Stand
  let account: TelegramBot
  let phone: Handset
  let chatId: number
  let api: InstanceType<typeof Api>
  const servers: Server[] = []

  beforeEach(async () => {
    stand = await startStand(20)
    account = stand.messengers.addTelegramBot()
    phone = stand.messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
    chatId = phone.patient.telegramId
    api = new Api(account.token, { apiRoot: account.apiRoot })
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.close()
      server.closeAllConnections()
    }
    await stand.stop()
  })

  const newBot = () => new Bot(account.token, { client: { apiRoot: account.apiRoot } })
  const shown = () => phone.shown('telegram').filter(({ direction }) => direction === 'received')

  it('knows itself, and is refused with a wrong token', async () => {
    expect(await api.getMe()).toMatchObject({ id: account.botId, is_bot: true, username: account.username })
    const stranger = new Api(`${account.botId}:AAwrong-token-of-the-right-length-000`, { apiRoot: account.apiRoot })
    await expect(stranger.getMe()).rejects.toMatchObject({ error_code: 401, method: 'getMe' })
  })

  it('gets updates by long polling: a start with a payload, words, a shared contact', async () => {
    const bot = newBot()
    const heard: unknown[] = []
    bot.command('start', (context) => void heard.push(['start', context.match, context.chat.id]))
    bot.on('message:contact', (context) => void heard.push(['contact', context.message.contact.user_id === context.from.id]))
    bot.on('message:text', (context) => void heard.push(['text', context.message.text]))
    phone.start('telegram', { payload: 'L_k3Jx9QmZb2' })
    void bot.start({ drop_pending_updates: false })
    await until(() => heard.length === 1)
    phone.reply('telegram', 'Здравствуйте 👋')
    await until(() => heard.length === 2)
    phone.shareContact('telegram')
    await until(() => heard.length === 3)
    await bot.stop()
    expect(heard).toEqual([['start', 'L_k3Jx9QmZb2', chatId], ['text', 'Здравствуйте 👋'], ['contact', true]])
  })

  it('gets updates by webhook with its secret, edits among them, and answers presses', async () => {
    const bot = newBot()
    const heard: unknown[] = []
    bot.on('callback_query:data', async (context) => {
      heard.push(['press', context.callbackQuery.data, context.callbackQuery.message?.message_id])
      await context.answerCallbackQuery({ text: 'Принято' })
      await context.editMessageText('Ждём вас')
    })
    bot.on('edited_message:text', (context) => void heard.push(['edit', context.editedMessage.text]))
    bot.on('message:text', (context) => void heard.push(['text', context.message.text]))
    const handle = webhookCallback(bot, 'http', { secretToken: 'a-secret_1' })
    const server = createServer((request, response) => void handle(request, response))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await api.setWebhook(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { secret_token: 'a-secret_1', allowed_updates: ['message', 'edited_message', 'callback_query'] })
    expect(await api.getWebhookInfo()).toMatchObject({ url: expect.stringContaining('127.0.0.1'), pending_update_count: 0, allowed_updates: ['message', 'edited_message', 'callback_query'] })
    phone.start('telegram', { quietly: true })
    const sent = await api.sendMessage(chatId, 'Приём завтра', { reply_markup: new InlineKeyboard().text('Приду', 'confirm').row().url('Сайт', 'https://clinic.example') })
    await until(() => shown().length === 1)
    phone.press('telegram', { button: 'Приду' })
    await until(() => shown()[0]?.text === 'Ждём вас')
    expect(shown()[0]?.notice).toBe('Принято')
    const said = phone.reply('telegram', 'Спасибо')
    phone.edit(said, 'Спасибо!')
    await until(() => heard.length === 3)
    expect(heard).toEqual([['press', 'confirm', sent.message_id], ['text', 'Спасибо'], ['edit', 'Спасибо!']])
    await api.deleteWebhook()
    expect((await api.getWebhookInfo()).url).toBe('')
  })

  it('sends with formatting, quotes and keyboards, edits and deletes', async () => {
    phone.start('telegram', { quietly: true })
    const first = await api.sendMessage(chatId, '<b>Приём</b> завтра в <i>10:00</i> &amp; не опаздывайте', { parse_mode: 'HTML' })
    expect(first).toMatchObject({ text: 'Приём завтра в 10:00 & не опаздывайте', chat: { id: chatId, type: 'private' }, from: { is_bot: true } })
    expect(first.entities).toEqual([{ type: 'bold', offset: 0, length: 5 }, { type: 'italic', offset: 15, length: 5 }])
    const second = await api.sendMessage(chatId, 'Поделитесь номером', { reply_parameters: { message_id: first.message_id }, reply_markup: new Keyboard().requestContact('Поделиться').oneTime().resized() })
    expect(second.reply_to_message?.message_id).toBe(first.message_id)
    expect(await api.editMessageText(chatId, first.message_id, 'Приём в 11:00')).toMatchObject({ text: 'Приём в 11:00' })
    await until(() => shown().length === 2)
    expect(shown()[0]?.text).toBe('Приём в 11:00')
    expect(await api.deleteMessage(chatId, second.message_id)).toBe(true)
    expect(shown()).toHaveLength(1)
  })

  it('sends files of each kind and fetches what the patient sent', async () => {
    phone.start('telegram', { quietly: true })
    const bytes = Buffer.from('%PDF-1.4 results')
    const sent = await api.sendDocument(chatId, new InputFile(bytes, 'анализ.pdf'), { caption: 'Ваши <b>анализы</b>', parse_mode: 'HTML' })
    expect(sent).toMatchObject({ document: { file_name: 'анализ.pdf' }, caption: 'Ваши анализы', caption_entities: [{ type: 'bold' }] })
    await until(() => phone.files('telegram').length === 1)
    expect(Buffer.from(phone.files('telegram')[0]!.bytes)).toEqual(bytes)
    // What is there already is sent again by its id.
    expect((await api.sendDocument(chatId, sent.document.file_id)).document.file_unique_id).toBe(sent.document.file_unique_id)
    const bot = newBot()
    const fetched: Buffer[] = []
    bot.on(['message:photo', 'message:voice'], async (context) => {
      const file = await context.getFile()
      const answer = await fetch(`${account.apiRoot}/file/bot${account.token}/${file.file_path!}`)
      fetched.push(Buffer.from(await answer.arrayBuffer()))
    })
    void bot.start()
    const photo = phone.sendPhoto('telegram', { caption: 'Направление' })
    const voice = phone.sendVoice('telegram')
    await until(() => fetched.length === 2)
    await bot.stop()
    expect(fetched.map((one) => one.byteLength)).toEqual([photo, voice].map((message) => message.files[0]!.bytes.byteLength))
  })

  it('is refused as the types of grammY expect', async () => {
    const refusal = async (call: Promise<unknown>): Promise<unknown> => call.then(() => 'done', (error: unknown) => (error instanceof GrammyError ? [error.error_code, error.description, error.parameters] : error))
    expect(await refusal(api.sendMessage(chatId, 'x'))).toEqual([403, expect.stringMatching(/^Forbidden: /), {}])
    phone.start('telegram', { quietly: true })
    expect(await refusal(api.sendMessage(1, 'x'))).toEqual([400, 'Bad Request: chat not found', {}])
    expect(await refusal(api.sendMessage(chatId, '<b>x', { parse_mode: 'HTML' }))).toEqual([400, expect.stringContaining("can't parse entities"), {}])
    expect(await refusal(api.sendMessage(chatId, 'x'.repeat(4097)))).toEqual([400, 'Bad Request: message is too long', {}])
    expect(await refusal(api.sendMessage(chatId, ' '))).toEqual([400, expect.stringContaining('empty'), {}])
    expect(await refusal(api.sendMessage(chatId, 'x', { reply_markup: new InlineKeyboard().text('x', 'я'.repeat(33)) }))).toEqual([400, 'Bad Request: BUTTON_DATA_INVALID', {}])
    expect(await refusal(api.editMessageText(chatId, 999_999, 'x'))).toEqual([400, 'Bad Request: message to edit not found', {}])
    expect(await refusal(api.deleteMessage(chatId, 999_999))).toEqual([400, 'Bad Request: message to delete not found', {}])
    expect(await refusal(api.answerCallbackQuery('1'))).toEqual([400, expect.stringContaining('query is too old'), {}])
    phone.block('telegram')
    expect(await refusal(api.sendMessage(chatId, 'x'))).toEqual([403, 'Forbidden: bot was blocked by the user', {}])
    stand.messengers.behave('telegram', { failure: 'rateLimited', next: 1, retryAfterSeconds: 7 })
    expect(await refusal(api.sendMessage(chatId, 'x'))).toEqual([429, 'Too Many Requests: retry after 7', { retry_after: 7 }])
  })
})
