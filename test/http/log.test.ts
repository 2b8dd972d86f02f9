import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { connectMessengers, credentialsOf, introduce, openPage, saveRoute } from '../../sandbox/administrator.ts'
import { inboxIsEmpty, postForm, query, raw, startInstalledStage, until } from './support.ts'

const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-log-'))
const robotText = 'Анализы готовы, ждём вас в кабинете 412'
const answers = ['Спасибо, непременно буду', 'Ещё болит голова']
/** Access and refresh tokens of the portal, whichever they are. */
const tokenShape = /(?<![0-9a-f])[0-9a-f]{70}(?![0-9a-f])/
const phoneDigits = '9000000001'

let stage: Awaited<ReturnType<typeof startInstalledStage>>
const eventTokens: string[] = []
/** Typed in by somebody, refused, and nothing of it stored. */
const mistypes = { telegram: '7999999999:AAmistypedTelegramToken-9999', whatsapp: 'EAAmistypedWhatsAppToken9999' }

/** A whole conversation, its troubles included: what goes wrong is what is logged most. */
beforeAll(async () => {
  const clockFile = path.join(folder, 'clock.json')
  stage = await startInstalledStage({
    world: { clockFile, speed: 60, portal: { limits: { burst: 0, operatingSeconds: 0 }, tokenLifeSeconds: 7 * 24 * 3600 } },
    app: { env: { CLOCK_FILE: clockFile }, logLevel: 'debug' },
  })
  const { world, app, administrator } = stage
  const { patient, messengers, portal } = world
  for (const form of credentialsOf(world).filter(({ channel }) => channel === 'telegram' || channel === 'whatsapp')) {
    const mistyped = form.channel === 'telegram' ? { botToken: mistypes.telegram } : { accessToken: mistypes.whatsapp }
    expect((await administrator.call('POST', '/connections', { ...form, credentials: { ...form.credentials, ...mistyped } })).status).toBe(422)
  }
  const ids = await connectMessengers(administrator, world)
  await introduce(patient, until)
  for (const id of Object.values(ids)) await administrator.call('POST', `/connections/${id}/check`)
  expect((await administrator.call('POST', `/connections/${ids.smsc}/test`, { to: patient.patient.phone })).body).toMatchObject({ ok: true })

  const whatsapp = { kind: 'channel', connectionId: ids.whatsapp, proof: 'delivered', minutes: 1, content: { buttons: true, template: { name: 'appointment_reminder', language: 'ru', parameters: ['{name}', '{text}'] } } }
  const bot = (connectionId: string): unknown => ({ kind: 'channel', connectionId, proof: 'acted', minutes: 60, content: { buttons: true } })
  const sms = { kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} }
  await saveRoute(administrator, [whatsapp, sms])
  messengers.behave('whatsapp', { mode: 'silent' })
  messengers.behave('sms', { failure: 'unavailable', next: 1 })
  const run = (text: string): void => void eventTokens.push(world.runRobot({ text }).eventToken)
  const isAnswered = (): boolean => portal.robotRun(eventTokens.at(-1)!)!.answered
  run(robotText)
  await until('the SMS is there and the robot was answered', isAnswered, 30_000)
  expect(portal.robotRun(eventTokens[0]!)!.returnValues).toMatchObject({ status: 'reached', channel: 'SMS' })

  // The other messengers too: a refusal, a press, and words of the patient.
  await saveRoute(administrator, [bot(ids.telegram), bot(ids.max), sms], 'Боты')
  messengers.behave('telegram', { mode: 'refuses', refusal: 'chat-not-found', next: 1 })
  run(`${robotText}.`)
  const isOnPhone = (): boolean => patient.messages('max').some((message) => message.text.includes(robotText) && message.arrivedAt !== undefined)
  await until('MAX has it', isOnPhone, 30_000)
  patient.reply('max', answers[0]!)
  patient.reply('telegram', answers[1]!)
  await until('the robot was answered', isAnswered, 30_000)
  await until('every webhook was delivered', () => messengers.pendingWebhooks() === 0)

  // Strangers: what they send is not to be found in the log either.
  await postForm(app.origin, '/bitrix/robots/estafeta_send', `event_token=${eventTokens[0]!}&properties%5Btext%5D=${encodeURIComponent(robotText)}&auth%5Bmember_id%5D=${portal.memberId}&auth%5Bapplication_token%5D=${'9f'.repeat(16)}`)
  const [hook] = await query<{ hook_key: string }>(app, `select hook_key from connections where channel = 'telegram'`)
  await raw(app.origin, `/hooks/telegram/${hook!.hook_key}?token=${mistypes.telegram}`, { method: 'POST', headers: { 'x-telegram-bot-api-secret-token': 'wrong' }, body: JSON.stringify({ message: { text: robotText } }) })
  await raw(app.origin, `/hooks/telegram/${hook!.hook_key}`, { method: 'POST', headers: { 'x-telegram-bot-api-secret-token': world.accounts.telegram.webhook!.secretToken! }, body: `{"message":{"text":"${robotText}` })
  await raw(app.origin, '/api/routes', { method: 'POST', headers: { 'content-type': 'application/json' }, body: `{"text":"${robotText}` })
  portal.misbehave({ kind: 'internal_error', method: 'profile', times: 1 })
  await openPage(app, portal).catch(() => undefined)
  portal.behave()
  await inboxIsEmpty(app)
}, 120_000)
afterAll(async () => {
  await stage.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Everything that only we and the one who gave it may know. */
const secretsOf = async (): Promise<Record<string, string>> => {
  const { world, app } = stage
  const { whatsapp, telegram, max, sms } = world.accounts
  const { secrets, config } = app.deps
  const stored: Record<string, string> = {}
  for (const row of await query<{ user_id: string; access_token: string; refresh_token: string }>(app, 'select * from portal_tokens')) {
    stored[`access token of ${row.user_id}`] = secrets.open(row.access_token)
    stored[`refresh token of ${row.user_id}`] = secrets.open(row.refresh_token)
  }
  const found: Record<string, string | undefined> = {
    ...stored,
    'secret of the application': config.secret, 'client secret': config.bitrix.clientSecret, 'application token': world.portal.applicationToken(app.clientId),
    'WhatsApp access token': whatsapp.token, 'WhatsApp app secret': whatsapp.appSecret, 'WhatsApp verify token': 'sandbox-verify-token',
    'Telegram token': telegram.token, 'Telegram webhook secret': telegram.webhook?.secretToken,
    'MAX token': max.token, 'MAX webhook secret': max.subscriptions[0]?.secret,
    'SMSC key': sms.apiKey, 'SMSC callback secret': sms.secret, 'SMSC password': sms.password,
    'mistyped Telegram token': mistypes.telegram, 'mistyped WhatsApp token': mistypes.whatsapp,
    ...Object.fromEntries(eventTokens.map((token, index) => [`event token ${index}`, token])),
  }
  for (const [name, value] of Object.entries(found)) expect([name, value]).toEqual([name, expect.stringMatching(/^.{8,}$/)])
  return found as Record<string, string>
}

/** A secret as it is, and as it stands in an address or in JSON. */
const spellings = (secret: string): readonly string[] => [...new Set([secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), Buffer.from(secret).toString('base64').replace(/=+$/, '')])]
const leaksIn = (text: string, secrets: Readonly<Record<string, string>>): readonly string[] => [
  ...Object.entries(secrets).flatMap(([name, secret]) => (spellings(secret).some((spelling) => text.includes(spelling)) ? [name] : [])),
  ...(tokenShape.test(text) ? ['a token of the portal'] : []),
]

describe('the log of a whole conversation, at its most talkative', () => {
  it('tells something, so that its silence about the rest means something', () => {
    const lines = stage.app.logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines.length).toBeGreaterThan(5)
    expect(lines.filter(({ msg }) => msg === 'an arrival was refused').length).toBeGreaterThan(1)
    expect(lines.filter(({ code }) => code === 'INTERNAL')).toEqual([])
  })

  it('holds no secret', async () => {
    const secrets = await secretsOf()
    const hooks = await query<{ hook_key: string }>(stage.app, 'select hook_key from connections')
    const all = { ...secrets, ...Object.fromEntries(hooks.map(({ hook_key: key }, index) => [`webhook key ${index}`, key])) }
    expect(stage.app.logLines.flatMap((line) => leaksIn(line, all).map((name) => ({ name, line })))).toEqual([])
  })

  it('holds no phone, however it is written', () => {
    const { patient } = stage.world.patient
    expect(patient.phone).toContain(phoneDigits)
    const groups = ['900', '000', '00', '01'].join('[^0-9a-zа-я]{0,3}')
    expect(stage.app.logLines.filter((line) => new RegExp(groups, 'i').test(decode(line)))).toEqual([])
    const accounts = [patient.telegramId, patient.maxId, patient.maxChatId, patient.whatsappUserId].map(String)
    expect(accounts.flatMap((account) => stage.app.logLines.filter((line) => new RegExp(`(?<![\\w.-])${account}(?![\\w.-])`).test(line)))).toEqual([])
  })

  it('holds neither a name nor a word that was written', () => {
    const { patient } = stage.world
    const texts = patient.messages().map(({ text }) => text).filter((text) => text.length > 3)
    for (const text of [robotText, ...answers]) expect(texts.some((written) => written.includes(text))).toBe(true)
    const words = [...new Set([robotText, ...answers, ...texts, 'Петров', 'Иван ', '"Иван"'])].flatMap((word) => [...spellings(word), JSON.stringify(word).slice(1, -1)])
    expect(stage.app.logLines.flatMap((line) => words.filter((word) => line.includes(word) || decode(line).includes(word)).map((word) => ({ word, line })))).toEqual([])
  })
})

/** Addresses in a line read as a person would. */
const decode = (line: string): string => {
  try {
    return decodeURIComponent(line.replace(/%(?![0-9a-f]{2})/gi, '%25'))
  } catch {
    return line
  }
}

describe('the database after a whole conversation', () => {
  /** Every row of every table as text, bodies of the inbox as what came; what our own code or the queue put there. */
  const rows = async (): Promise<readonly { table: string; text: string }[]> => {
    const tables = await query<{ name: string }>(stage.app, `select format('%I.%I', table_schema, table_name) as name from information_schema.tables where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`)
    expect(tables.length).toBeGreaterThan(12)
    const found: { table: string; text: string }[] = []
    for (const { name } of tables) {
      for (const { row } of await query<{ row: string }>(stage.app, `select to_jsonb(t)::text as row from ${name} t`)) found.push({ table: name, text: row })
    }
    for (const { body } of await query<{ body: Buffer }>(stage.app, 'select body from inbox')) found.push({ table: 'inbox.body', text: body.toString('utf8') })
    return found
  }

  it('holds no secret in the clear', async () => {
    const secrets = await secretsOf()
    const found = await rows()
    expect(found.filter(({ table }) => table === 'inbox.body').length).toBeGreaterThan(5)
    expect(found.flatMap(({ table, text }) => leaksIn(text, secrets).map((name) => ({ table, name })))).toEqual([])
  })

  it('keeps in the inbox no access token, sealed or not, once it was worked on', async () => {
    const kept = await query<{ kind: string }>(stage.app, `select kind from inbox where state <> 'received' and sealed is not null`)
    expect(kept).toEqual([])
    const headers = await query<{ names: string }>(stage.app, `select distinct jsonb_object_keys(headers::jsonb) as names from inbox`)
    expect(headers.map(({ names }) => names).filter((name) => !['content-type', 'user-agent', ':method', ':proof'].includes(name))).toEqual([])
  })

  it('opens nothing with another secret', async () => {
    const [row] = await query<{ credentials: string }>(stage.app, 'select credentials from connections limit 1')
    expect(row!.credentials).toMatch(/^v1\.[\w-]+$/)
    expect(() => stage.app.deps.secrets.open(`${row!.credentials.slice(0, -3)}AAA`)).toThrow()
  })
})
