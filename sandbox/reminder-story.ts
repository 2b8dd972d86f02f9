import { setTimeout as sleep } from 'node:timers/promises'
import { type Administrator } from './administrator.ts'
import { type Messenger } from './messengers/behaviour.ts'
import { type World } from './world.ts'

/** One line of the story, as it happened; `at` is simulated time. */
export type Tell = (line: string) => void

/** What a story found wrong; empty when everything is as it should be. */
export type Findings = string[]

const minuteMs = 60_000
/** Simulated time runs this fast while nothing is to happen, and this slowly around the moment when a step is over. */
const waitingSpeed = 1200
const watchingSpeed = 60
const limitMs = 60_000

const titles: Record<Messenger, string> = { whatsapp: 'WhatsApp', telegram: 'Telegram', max: 'MAX', vk: 'ВКонтакте', sms: 'SMS' }

/** Waits for a condition, looking again and again; real time is bounded. */
export async function until(what: string, check: () => boolean): Promise<void> {
  const end = Date.now() + limitMs
  while (!check()) {
    if (Date.now() > end) throw new Error(`Не дождались: ${what}`)
    await sleep(15)
  }
}

/**
 * The main story: WhatsApp is silent, the patient has blocked the Telegram bot, MAX takes the message and nobody answers, SMS arrives.
 *
 * @returns what is not as it should be on the phones, in the timeline, in the robot's answer and in the journal of REST calls
 */
export async function playReminder(world: World, administrator: Administrator, tell: Tell): Promise<Findings> {
  const { messengers, portal, patient, clock } = world
  const findings: Findings = []
  const expect = (what: string, isSo: boolean, seen: unknown = ''): void => {
    if (!isSo) findings.push(`${what}${seen === '' ? '' : ` (${typeof seen === 'string' ? seen : JSON.stringify(seen)})`}`)
  }
  const wall = new Intl.DateTimeFormat('ru-RU', { timeZone: 'Europe/Moscow', hour: '2-digit', minute: '2-digit', second: '2-digit' })
  const say = (line: string): void => tell(`${wall.format(clock.now())}  ${line}`)
  const sent = (messenger: Messenger): number => messengers.calls({ messenger }).filter((call) => isSend(call.method)).length
  const before = Object.fromEntries((Object.keys(titles) as Messenger[]).map((messenger) => [messenger, { calls: sent(messenger), messages: patient.messages(messenger).length }])) as Record<Messenger, { calls: number, messages: number }>
  const fresh = (messenger: Messenger) => patient.messages(messenger).slice(before[messenger].messages).filter((message) => message.direction === 'received')

  messengers.behave('whatsapp', { mode: 'silent' })
  messengers.behave('max', { mode: 'works' })
  messengers.behave('sms', { mode: 'works' })
  patient.block('telegram')
  say('WhatsApp молчит, пациент заблокировал Telegram-бота, в MAX не отвечает, SMS работает')
  await until('веб-хуки доставлены', () => messengers.pendingWebhooks() === 0)

  const text = `Напоминаем: у вас приём завтра в 10:00, доктор Смирнова. № ${Math.floor(clock.now() / 1000) % 100000}`
  const startedAt = clock.now()
  const { eventToken } = world.runRobot({ text })
  say(`Робот «Отправить эстафетой» запущен в сделке ${world.dealId}`)
  const run = () => portal.robotRun(eventToken)!

  await until('WhatsApp получил запрос', () => sent('whatsapp') > before.whatsapp.calls)
  say('WhatsApp: отправлено, ждём доставки 60 минут')
  const whatsappAt = clock.now()
  await passMinutes(world, 58)
  await until('MAX получил запрос', () => sent('max') > before.max.calls)
  const maxAt = clock.now()
  say('WhatsApp не доставил; Telegram пропущен: бот заблокирован; MAX: сообщение принято, ждём ответа 30 минут')
  await passMinutes(world, 28)
  await until('SMS получила запрос', () => sent('sms') > before.sms.calls)
  const smsAt = clock.now()
  clock.setSpeed(1)
  say('MAX: ответа нет; отправлена SMS')
  await until('SMS доставлена и робот получил ответ', () => run().returnValues !== null)
  say('SMS доставлена, робот продолжил работу')
  const record = () => portal.state({ dealId: world.dealId }).timeline.filter((entry) => entry.kind === 'configurable').at(0)
  await until('запись в сделке закрыта', () => record()?.completed === true)

  const minutes = (from: number, to: number): number => (to - from) / minuteMs
  expect('MAX должен был вступить через 60 минут после WhatsApp', minutes(whatsappAt, maxAt) >= 59.9 && minutes(whatsappAt, maxAt) < 63, `${minutes(whatsappAt, maxAt).toFixed(1)} мин`)
  expect('SMS должна была вступить через 30 минут после MAX', minutes(maxAt, smsAt) >= 29.9 && minutes(maxAt, smsAt) < 33, `${minutes(maxAt, smsAt).toFixed(1)} мин`)
  expect('WhatsApp звали не один раз', sent('whatsapp') - before.whatsapp.calls === 1, sent('whatsapp') - before.whatsapp.calls)
  expect('Telegram не должны были звать', sent('telegram') - before.telegram.calls === 0, sent('telegram') - before.telegram.calls)
  for (const messenger of ['max', 'sms'] as const) {
    const texts = fresh(messenger).map((message) => message.text)
    expect(`${titles[messenger]}: на телефоне должно быть ровно одно сообщение`, texts.filter((one) => one.includes(text)).length === 1 && texts.length === 1, texts.length)
  }
  expect('WhatsApp: на телефоне не должно быть ничего', fresh('whatsapp').filter((message) => message.arrivedAt !== undefined).length === 0)

  const values = run().returnValues as Record<string, string>
  expect('Робот должен вернуть status=reached', values.status === 'reached', values)
  expect('Робот должен вернуть channel=SMS', values.channel === 'SMS', values)
  expect('Робот должен вернуть proof=delivered', values.proof === 'delivered', values)
  expect('Робот должен вернуть время доставки', Date.parse(values.time ?? '') >= startedAt, values)
  for (const owner of ['deal', 'contact'] as const) {
    const state = owner === 'deal' ? portal.state({ dealId: world.dealId }) : portal.state({ contactId: world.contactId })
    const records = state.timeline.filter((entry) => entry.kind === 'configurable' && Date.parse(entry.createdAt) >= startedAt - minuteMs)
    const where = owner === 'deal' ? 'сделке' : 'контакте'
    expect(`В ${where} должна быть одна запись`, records.length === 1, records.length)
    const last = records[0]?.lines.at(-1) ?? ''
    expect(`Запись в ${where} должна кончаться доставкой в SMS`, /SMS/.test(last) && /доставлено/i.test(last), last)
    if (owner === 'deal' && records[0] !== undefined) {
      tell('')
      tell(`Запись в сделке и контакте: ${records[0].title} [${records[0].tags.map((tag) => tag.title).join(', ')}]`)
      for (const line of records[0].lines) tell(`  ${line}`)
      tell(`Робот вернул: ${JSON.stringify(values)}`)
    }
  }
  const refused = portal.refusedCalls()
  expect('Строгий портал отказал в вызовах', refused.length === 0, refused.map((call) => `${call.method}: ${call.error}`))
  const overview = await administrator.call('GET', '/overview')
  expect('Страница приложения должна показывать доставку', overview.body?.deliveries?.[0]?.status === 'reached', overview.body?.deliveries?.[0])
  return findings
}

/** Lets simulated time pass quickly, then runs it slowly enough to see when the next thing happens. */
async function passMinutes({ clock }: World, minutes: number): Promise<void> {
  clock.setSpeed(waitingSpeed)
  await clock.sleep(minutes * minuteMs)
  clock.setSpeed(watchingSpeed)
}

/** Calls that ask a messenger to write to somebody, as the sandbox names them. */
function isSend(method: string): boolean {
  return ['POST messages', 'sendMessage', 'sendmessage', 'POST /messages', 'send'].includes(method)
}
