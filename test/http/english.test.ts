import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { connectLines, connectMessengers, credentialsOf, saveRoute, type ConnectionIds } from '../../sandbox/administrator.ts'
import { deriveKey } from '../../src/db/secrets.ts'
import { portalId } from '../../src/domain/ids.ts'
import { preferred } from '../../src/http/language.ts'
import { type PageSubject } from '../../src/flows/page-subject.ts'
import { createSessions, sessionMinutes } from '../../src/http/portal-session.ts'
import { pageWith, type PageAnswer } from './page-support.ts'
import { postForm, query, raw, refillBudget, startInstalledStage, until } from './support.ts'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
let ids: ConnectionIds
let lines: Awaited<ReturnType<typeof connectLines>>
beforeAll(async () => {
  stage = await startInstalledStage()
  ids = await connectMessengers(stage.administrator, stage.world)
  lines = await connectLines({ origin: stage.app.origin, clientId: stage.app.clientId }, stage.world.portal, ids)
}, 60_000)
beforeEach(async () => {
  await refillBudget(stage.app)
})
afterAll(async () => {
  await stage.stop()
})

type Language = 'ru' | 'en'

const sessionIn = (language: Language | undefined, { now = Date.now, subject }: { now?: () => number; subject?: PageSubject } = {}): string =>
  createSessions(deriveKey(stage.app.deps.config.secret, 'sessions'), now).issue({ portalId: portalId(stage.world.portal.memberId), userId: '1', isAdmin: true, language, subject })
const asked = async (language: Language, method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown, subject?: PageSubject): Promise<PageAnswer> =>
  pageWith(stage.app, sessionIn(language, { subject })).call(method, path, body)
const plainly = async (path: string, headers: Record<string, string>, body?: string) => {
  const answer = await raw(stage.app.origin, path, { headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }, body })
  return { status: answer.status, body: JSON.parse(answer.body) as { code: string; message: string } }
}

describe('a page is told in its language', () => {
  it.each([
    ['en', 'Correct the marked fields of the connection and save again.', 'A bot’s token looks like this: 123456789:AA...; copy the whole of it from @BotFather.'],
    ['ru', 'Исправьте отмеченные поля подключения и сохраните ещё раз.', 'Токен бота выглядит так: 123456789:AA...; скопируйте его у @BotFather целиком.'],
  ] as const)('what is wrong with a form of a connection: %s', async (language, message, botToken) => {
    expect(await asked(language, 'POST', '/connections', { channel: 'telegram', name: 'Бот', credentials: { botToken: 'x' } })).toEqual({ status: 422, body: { code: 'FORM_INVALID', message, fields: { botToken } } })
  })

  it.each([
    ['en', 'Telegram did not accept the bot’s token: get a new one from @BotFather and enter it in the connection.'],
    ['ru', 'Telegram не принял токен бота: получите новый у @BotFather и впишите его в подключение.'],
  ] as const)('why a messenger refuses a connection: %s', async (language, message) => {
    const form = credentialsOf(stage.world).find(({ channel }) => channel === 'telegram')!
    const answer = await asked(language, 'POST', '/connections', { ...form, credentials: { ...form.credentials, botToken: `987654321:${'A'.repeat(35)}` } })
    expect(answer.body.message).toBe(message)
  })

  it.each([
    ['en', 'This connection is no more: reload the page.', 'There is no such address here.'],
    ['ru', 'Этого подключения уже нет: обновите страницу.', 'Такого адреса здесь нет.'],
  ] as const)('what is not there: %s', async (language, connection, address) => {
    expect(await asked(language, 'DELETE', '/connections/nothing')).toEqual({ status: 404, body: { code: 'NOT_FOUND', message: connection } })
    expect(await asked(language, 'GET', '/nothing')).toEqual({ status: 404, body: { code: 'NOT_FOUND', message: address } })
  })

  it.each([['en', 'The page was opened long ago: close it and open it again.'], ['ru', 'Страница открыта давно: закройте её и откройте снова.']] as const)('that its session is over: %s', async (language, message) => {
    const old = sessionIn(language, { now: () => Date.now() - sessionMinutes * 60_000 })
    // What the browser prefers does not count where the page has a language.
    expect(await plainly('/api/overview', { authorization: `Bearer ${old}`, 'accept-language': language === 'en' ? 'ru' : 'en' })).toEqual({ status: 401, body: { code: 'SESSION_INVALID', message } })
  })

  it.each([
    ['en', 'WhatsApp has blocked this number: connect another one and move patients to official channels.', 'robot send: Bitrix24 (bizproc.robot.add, ACCESS_DENIED): this exists on the portal already.'],
    ['ru', 'WhatsApp заблокировал этот номер: подключите другой и переведите пациентов на официальные каналы.', 'robot send: Битрикс24 (bizproc.robot.add, ACCESS_DENIED): это уже есть на портале.'],
  ] as const)('what is stored in Russian - problems of connections and of the portal: %s', async (language, problem, ofPortal) => {
    const stored = 'WhatsApp заблокировал этот номер: подключите другой и переведите пациентов на официальные каналы.'
    await query(stage.app, `update connections set state = 'broken', problem = '${stored}' where connection_id = '${ids.max}'`)
    await query(stage.app, `update portals set problems = '["robot send: Битрикс24 (bizproc.robot.add, ACCESS_DENIED): это уже есть на портале."]'`)
    try {
      const { body } = await asked(language, 'GET', '/overview')
      expect([body.connections.find(({ id }: { id: string }) => id === ids.max).problem, body.portal.problems]).toEqual([problem, [ofPortal]])
      const line = await asked(language, 'GET', '/connector', undefined, { door: 'connector', connector: 'estafeta_max', lineId: String(lines.max) })
      expect(line.body.connections.find(({ id }: { id: string }) => id === ids.max).problem).toBe(problem)
    } finally {
      await query(stage.app, `update connections set state = 'working', problem = null where connection_id = '${ids.max}'`)
      await query(stage.app, `update portals set problems = '[]'`)
    }
  })

  it.each([['en', 'It works.', 'on'], ['ru', 'Работает.', 'включён']] as const)('what a live check says: %s', async (language, message, receiving) => {
    const { body } = await asked(language, 'POST', `/connections/${ids.telegram}/check`, {})
    expect(body).toMatchObject({ ok: true, message })
    expect(body.details.find(({ label }: { label: { en: string } }) => label.en === 'Receiving').value).toBe(receiving)
    const { body: overview } = await asked(language, 'GET', '/overview')
    expect(overview.connections.find(({ id }: { id: string }) => id === ids.telegram).details).toEqual(body.details)
  })
})

describe('who has no page yet is told', () => {
  it.each([['en', 'Open this page from Bitrix24.'], ['de', 'Open this page from Bitrix24.'], ['ru', 'Откройте эту страницу из Битрикс24.'], ['kz', 'Откройте эту страницу из Битрикс24.']])('outside of the portal, in the language of its form: %s', async (lang, sentence) => {
    const reply = await postForm(stage.app.origin, `/placements/dashboard?LANG=${lang}`, '')
    expect([reply.status, reply.body]).toEqual([401, expect.stringContaining(sentence)])
    expect(reply.body).toContain(sentence.startsWith('Open') ? '<html lang="en"><meta charset="utf-8"><title>Estafeta<' : '<html lang="ru"><meta charset="utf-8"><title>Эстафета<')
  })

  it.each([['en-GB,en;q=0.9', 'Open this page from Bitrix24.'], ['ru-RU,ru;q=0.9,en;q=0.8', 'Откройте эту страницу из Битрикс24.'], ['', 'Откройте эту страницу из Битрикс24.']])('without a form, in what the browser prefers: %j', async (accepted, sentence) => {
    const reply = await raw(stage.app.origin, '/placements/dashboard', { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded', 'accept-language': accepted }, body: '' })
    expect(reply.body).toContain(sentence)
  })

  it.each([['en', 'The key is not valid: make a new one in Estafeta’s settings and give it in the Authorization header.'], ['ru, en;q=0.9', 'Ключ не подходит: создайте новый в настройках «Эстафеты» и передайте его в заголовке Authorization.']])('a program that calls the API, in what it accepts: %s', async (accepted, message) => {
    const answer = await raw(stage.app.origin, '/v1/appointments/1', { method: 'PUT', headers: { authorization: 'Bearer est_none', 'accept-language': accepted, 'content-type': 'application/json' }, body: '{}' })
    expect(JSON.parse(answer.body)).toEqual({ code: 'API_KEY_INVALID', message })
  })

  it.each([['en', 'There is no such page: open it from the chat with the clinic.'], ['ru', 'Такой страницы нет: откройте её из чата с клиникой.']])('a patient on the page of a messenger, in the language of the page: %s', async (language, message) => {
    expect((await plainly(`/mini-app/${ids.telegram}/visit`, { 'accept-language': language }, '{"launchData":"x"}')).body).toEqual({ code: 'NOT_FOUND', message })
  })

  it.each([
    ['en', 'en'], ['en-US,en;q=0.9,ru;q=0.5', 'en'], ['de, en;q=0.1', 'en'], ['ru;q=0,en', 'en'], ['EN', 'en'], ['en ; q=0.3 , ru ; q=0.2', 'en'],
    ['', 'ru'], ['*', 'ru'], ['ru', 'ru'], ['en;q=0', 'ru'], ['en,ru', 'ru'], ['ru,en;q=0.9', 'ru'], ['de', 'ru'], ['english', 'ru'], ['en;q=x', 'ru'],
  ])('Accept-Language %j: %s', (header, language) => {
    expect(preferred(header)).toBe(language)
  })

  it('a header that never ends is not read to its end', () => {
    expect(preferred(`${'x,'.repeat(50_000)}en`)).toBe('ru')
  })
})

describe('an English portal', () => {
  beforeAll(async () => {
    await query(stage.app, `update portals set language = 'en'`)
  })
  afterAll(async () => {
    await query(stage.app, `update portals set language = 'ru'`)
  })

  it('E5: shows operators in English why the messenger refused their words, and the patient page says the same', async () => {
    const { portal, messengers } = stage.world
    const phone = messengers.addPatient({ name: 'Мария Примерова', phone: '+79000000777' })
    phone.start('telegram', { quietly: true })
    phone.reply('telegram', 'скоро закрою чат')
    const chat = () => portal.lines.chats().map(({ id }) => portal.lines.chat(id)).find(({ messages }) => messages.some(({ text }) => text.includes('скоро закрою чат')))
    await until('the message is in the line', () => chat() !== undefined)
    phone.block('telegram')
    portal.lines.say(chat()!.id, { text: 'вы ещё здесь?' })
    const note = () => chat()!.messages.find(({ kind, text }) => kind === 'system' && text.startsWith('❗'))?.text
    await until('the operator is told', () => note() !== undefined)
    const sentence = 'The person has stopped the bot or never wrote to it: send them the personal link to the bot.'
    expect(note()).toBe(`❗ Not delivered: ${sentence}`)

    const [dialog] = await query<{ dialog_id: number }>(stage.app, `select dialog_id from dialogs where im_chat_id = '${chat()!.id}'`)
    const problems = async (language: Language): Promise<readonly string[]> => {
      const { body } = await asked(language, 'GET', '/patient/history', undefined, { door: 'chat', dialog: dialog!.dialog_id })
      return body.entries.flatMap(({ problem }: { problem?: string }) => problem ?? [])
    }
    expect(await problems('en')).toEqual([sentence])
    expect(await problems('ru')).toEqual(['Человек остановил бота или ещё не писал ему: отправьте ему личную ссылку на бота.'])
  })

  it('reads in the deal in English that a send was refused', async () => {
    const { portal, messengers, dealId } = stage.world
    await saveRoute(stage.administrator, [{ kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} }])
    messengers.behave('sms', { mode: 'refuses' })
    portal.runRobot({ dealId, code: 'estafeta_send', properties: { text: 'Ждём вас завтра', route: '', deadline: '' } })
    const record = () => portal.state({ dealId }).timeline.find(({ kind }) => kind === 'configurable')
    await until('the record says how it ended', () => record()?.completed === true)
    expect(record()!.lines.join('\n')).toMatch(/SMS.*not sent/)
    expect([...record()!.lines, ...record()!.tags.map(({ title }) => title)].join('\n')).not.toMatch(/[а-яё]/i)
  })
})
