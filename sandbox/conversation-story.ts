import { openPage, type Administrator, type Installable } from './administrator.ts'
import { type Handset } from './messengers/handset.ts'
import { type Messenger } from './messengers/behaviour.ts'
import { type PhoneMessage } from './messengers/phones.ts'
import { until, type Findings, type Tell } from './reminder-story.ts'
import { type World } from './world.ts'

const weekMs = 7 * 24 * 3_600_000

/** What the story is played with: a patient with a card who wrote in WhatsApp a week ago. */
export interface Talk {
  readonly phone: Handset
  readonly contactId: number
  readonly dealId: number
  readonly name: string
}

/** Makes the patient of the story, with a card and a deal; the Telegram bot has never heard of them. */
export function addTalker(world: World, { name = 'Анна', lastName = 'Смирнова', phone = '+79000000077' } = {}): Talk {
  const patient = world.messengers.addPatient({ name: `${name} ${lastName}`, phone })
  const contact = world.portal.addContact({ name, lastName, phones: [phone.replace('+7', '8')], assignedById: 2 })
  const deal = world.portal.addDeal({ title: 'Приём у кардиолога', stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2 })
  return { phone: patient, contactId: contact.id, dealId: deal.id, name: `${name} ${lastName}` }
}

/**
 * A conversation: last week's question in WhatsApp; today a stranger in Telegram is asked, shares the own number and is recognised; the
 * operator sees the card and the whole history, answers with formatting and a file, and corrects the answer.
 *
 * @returns what is not as it should be on the phone, in the open line, in the card and in the journal of REST calls
 */
export async function playConversation(world: World, _administrator: Administrator, tell: Tell, application: Installable): Promise<Findings> {
  const { portal, clock } = world
  const findings: Findings = []
  const expect = (what: string, isSo: boolean, seen: unknown = ''): void => {
    if (!isSo) findings.push(`${what}${seen === '' ? '' : ` (${typeof seen === 'string' ? seen : JSON.stringify(seen)})`}`)
  }
  const wall = new Intl.DateTimeFormat('ru-RU', { timeZone: 'Europe/Moscow', day: '2-digit', month: '2-digit', hour: '2-digit', minute: '2-digit' })
  const say = (line: string): void => tell(`${wall.format(clock.now())}  ${line}`)
  const talker = addTalker(world)
  const { phone } = talker
  const received = (messenger: Messenger): PhoneMessage[] => phone.shown(messenger).filter((message) => message.direction === 'received')
  const chatOf = (text: string) => {
    const found = portal.lines.chats().find(({ id }) => portal.lines.chat(id).messages.some((message) => message.kind === 'patient' && message.text.includes(text)))
    return found === undefined ? undefined : portal.lines.chat(found.id)
  }
  const isNoted = (text: string, words: string): boolean => chatOf(text)?.messages.some((message) => message.kind === 'system' && message.text.includes(words)) === true

  const oldQuestion = 'Можно ли перенести приём на следующую неделю?'
  phone.reply('whatsapp', oldQuestion)
  await until('вопрос из WhatsApp пришёл в открытую линию', () => chatOf(oldQuestion) !== undefined)
  await until('WhatsApp узнал пациента по номеру', () => isNoted(oldQuestion, talker.name))
  portal.lines.say(chatOf(oldQuestion)!.id, { text: 'Да, подберём время.', userId: 2 })
  await until('ответ в WhatsApp', () => received('whatsapp').some((message) => message.text === 'Да, подберём время.'))
  say('Неделю назад: вопрос в WhatsApp, ответ оператора')
  clock.advance(weekMs)

  const question = 'Здравствуйте! Как подготовиться к приёму?'
  phone.start('telegram', { quietly: true })
  phone.reply('telegram', question)
  await until('сообщение в открытой линии Telegram', () => chatOf(question) !== undefined)
  say('Пациент пишет в Telegram: оператор видит сообщение, бот просит представиться')
  await until('бот просит номер', () => received('telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
  await until('оператор предупреждён, что личность не подтверждена', () => isNoted(question, 'не подтверждена'))
  phone.shareContact('telegram')
  await until('пациент узнан', () => received('telegram').some((message) => message.text.includes('мы вас узнали')))
  await until('оператор видит, кто это', () => isNoted(question, talker.name))
  say('Пациент поделился своим номером: чат привязан к карточке, оператор видит имя')

  const chat = chatOf(question)!
  const sidebar = await openPage(application, portal, { placement: 'IM_SIDEBAR', options: { dialogId: chat.dialogId }, userId: 2 })
  const view = await sidebar.call('GET', '/patient')
  expect('Страница рядом с чатом должна показывать пациента', view.body?.contact?.name?.includes('Смирнова') === true, view.body)
  const history = await sidebar.call('GET', '/patient/history')
  const texts = ((history.body?.entries ?? []) as { kind: string, text?: string, channel?: string }[]).map((entry) => entry.text)
  expect('В истории должны быть и WhatsApp, и Telegram', texts.includes(oldQuestion) && texts.includes(question), texts)
  say(`Рядом с чатом: ${view.body?.contact?.name as string}, в истории ${texts.length} записей из WhatsApp и Telegram`)

  const answer = portal.lines.say(chat.id, { text: '[b]Натощак[/b], за 12 часов без кофе. Памятка - во вложении, адрес: [url=https://clinic.example/map]карта[/url]', files: [{ name: 'Памятка.pdf', bytes: Buffer.from('%PDF-1.4\n% a leaflet of the sample clinic\n') }], userId: 2 })
  await until('ответ и файл на телефоне', () => phone.files('telegram').length === 1)
  await until('галочка доставки', () => portal.lines.chat(chat.id).messages.find((message) => message.id === answer.id)?.state === 'delivered')
  say('Оператор отвечает с форматированием и файлом: всё на телефоне, галочка доставки стоит')
  const shown = received('telegram').find((message) => message.text.includes('Натощак'))
  expect('Разметка портала не должна доходить до пациента', shown !== undefined && !/\[\/?(?:b|url)/.test(shown.text), shown?.text)
  portal.lines.edit(answer.id, '[b]Натощак[/b], за 8 часов без кофе. Памятка - во вложении', { userId: 2 })
  await until('правка на телефоне', () => received('telegram').some((message) => message.text.includes('за 8 часов')))
  expect('Прежнего текста на телефоне быть не должно', !received('telegram').some((message) => message.text.includes('за 12 часов')))
  say('Оператор исправил ответ: на телефоне новый текст')

  // A call that was on its way while the week passed finds its token expired: the portal says so, and it is renewed.
  const refused = portal.refusedCalls().filter(({ error }) => error !== 'expired_token')
  expect('Строгий портал отказал в вызовах', refused.length === 0, refused.map((call) => `${call.method}: ${call.error}`))
  return findings
}
