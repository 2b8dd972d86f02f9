/** A conversation as a patient, an operator and the reception see it: phones, the operators' messenger with our page beside it, cards. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type FrameLocator, type Locator, type Page } from 'playwright-core'
import { applicationIn, sees, seesNoMore, sidebarOf, startBrowserClinic, until, weekMs, type BrowserClinic } from './support.ts'

const oldQuestion = 'Можно перенести приём на следующую неделю?'
const question = 'Здравствуйте! Как подготовиться к приёму?'
const forgedOwner = { name: 'Зинаида', lastName: 'Чужая', phone: '+79000000077' }
/** More than two pages of the history. */
const oldCount = 60

let clinic: BrowserClinic
let phones: Page
let operator: Page
let reception: Page
let tab: FrameLocator
let otherDealId: number
let expected: RegExp | undefined

beforeAll(async () => {
  clinic = await startBrowserClinic({ isConnected: true, startAt: Date.now() - 2 * weekMs })
  const { world } = clinic
  world.portal.addContact({ name: forgedOwner.name, lastName: forgedOwner.lastName, phones: [forgedOwner.phone], assignedById: 2 })
  otherDealId = world.portal.addDeal({ title: 'Контрольный осмотр', stageId: 'NEW', contactId: world.contactId, contactIds: [world.contactId], assignedById: 2 }).id
  // The visit is tomorrow as the browser's clock has it; the card takes it from the deal.
  const tomorrow = new Date(Date.now() + 27 * 3_600_000).toISOString().slice(0, 10)
  world.portal.updateDeal(world.dealId, { title: 'Приём у кардиолога', begindate: `${tomorrow}T10:00:00+03:00` })
  expect((await clinic.administrator.call('PUT', '/conversations', { oneChatPerPatient: false, appointment: { at: 'begindate', doctor: '', place: '', preparation: '', booking: false } })).status).toBe(200)
  phones = await clinic.open(world.origin, { width: 1680, height: 980 })
}, 120_000)
afterAll(() => clinic?.stop())
afterEach(() => {
  clinic.expectCalmPages(expected)
  expected = undefined
})

type Messenger = 'whatsapp' | 'telegram' | 'max'
const phone = (messenger: Messenger): Locator => phones.locator(`.screen.${messenger}`)
const type = async (messenger: Messenger, text: string): Promise<void> => {
  const field = phone(messenger).getByPlaceholder('Сообщение')
  await field.fill(text)
  await field.press('Enter')
}
/** Opens a messenger's menu on the phone and does one thing in it. */
const fromMenu = async (messenger: Messenger, deed: string): Promise<void> => {
  await phone(messenger).locator('[data-menu]').click()
  await phones.getByRole('button', { name: deed, exact: true }).click()
}
const chatIn = (connector: string) => clinic.world.portal.lines.chats().find((chat) => chat.connector === connector)
const online = (chatId: number): string => `${clinic.world.portal.origin}/online/?chat=${chatId}&user=2`
const card = (kind: 'deal' | 'contact', id: number): string => `${clinic.world.portal.origin}/crm/${kind}/details/${id}/?tab=0&user=2`
const answer = async (text: string): Promise<void> => {
  await operator.getByRole('textbox', { name: 'Сообщение' }).fill(text)
  await operator.getByRole('button', { name: 'Отправить', exact: true }).click()
}
const entries = (page: FrameLocator): Locator => page.locator('article')
const bubble = (text: string): Locator => operator.locator('.bubble', { hasText: text })

describe('last week', () => {
  it('D1: the patient wrote and asked in WhatsApp, was known by the number, and an operator answered', async () => {
    for (let count = 1; count <= oldCount; count++) clinic.world.patient.reply('whatsapp', `Дневник давления, день ${count}: ${118 + (count % 9)}/${76 + (count % 5)}`)
    await until(phones, 'the old questions are in the line', () => (chatIn('estafeta_whatsapp') === undefined ? 0 : clinic.world.portal.lines.chat(chatIn('estafeta_whatsapp')!.id).messages.filter(({ kind }) => kind === 'patient').length) >= oldCount)
    clinic.world.clock.advance(weekMs)
    await type('whatsapp', oldQuestion)
    await until(phones, 'it is in the line', () => chatIn('estafeta_whatsapp')?.lastText.includes('перенести') === true)
    operator = await clinic.open(online(chatIn('estafeta_whatsapp')!.id))
    await sees(bubble(oldQuestion))
    await answer('Да, подберём время.')
    await sees(phone('whatsapp').getByText('Да, подберём время.'))
    // A page that stays open for a week has no session any more.
    await operator.close()
    clinic.world.clock.advance(weekMs)
  })
})

describe('today in Telegram', () => {
  it('a stranger is asked who they are; the operator sees the message, the name and a warning', async () => {
    await phone('telegram').getByRole('button', { name: 'Начать' }).click()
    await type('telegram', question)
    await until(phones, 'it is in the line', () => chatIn('estafeta_telegram') !== undefined)
    operator = await clinic.open(online(chatIn('estafeta_telegram')!.id))
    await sees(bubble(question))
    await sees(operator.locator('.system', { hasText: 'не подтверждена' }))
    await sees(sidebarOf(operator).getByText('Не сообщайте медицинские сведения'))
    expect(await entries(sidebarOf(operator)).filter({ hasText: oldQuestion }).count()).toBe(0)
    await sees(phone('telegram').locator('.keys button', { hasText: /номер/i }))
  })

  it('the patient presses the button with the own number: the operator sees who it is and how it is proved', async () => {
    await phone('telegram').locator('.keys button', { hasText: /номер/i }).last().click()
    await sees(phone('telegram').getByText('мы вас узнали'))
    await sees(operator.locator('.system', { hasText: 'Иван Петров' }))
    const side = sidebarOf(operator)
    await operator.reload()
    await sees(side.getByRole('heading', { name: 'Иван Петров' }))
    await sees(side.getByText('Поделился своим контактом'))
    expect(await operator.locator('.system').getByRole('link', { name: 'Иван Петров' }).getAttribute('href')).toBe(`/crm/contact/details/${clinic.world.contactId}/`)
    expect(await side.getByText('Не сообщайте медицинские сведения').count()).toBe(0)
  })

  it('the page beside the chat has last week\'s WhatsApp and today\'s Telegram in one history', async () => {
    const side = sidebarOf(operator)
    await sees(entries(side).filter({ hasText: question }).filter({ hasText: 'Telegram' }))
    await sees(entries(side).filter({ hasText: oldQuestion }).filter({ hasText: 'WhatsApp' }))
    const shown = await entries(side).allInnerTexts()
    const place = (text: string): number => shown.findIndex((entry) => entry.includes(text))
    expect(place(question)).toBeLessThan(place(oldQuestion))
  })

  it('F43: the operator answers with formatting and a file: words, looks and the file are on the phone, and the tick is honest', async () => {
    await operator.locator('#files').setInputFiles({ name: 'Памятка.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4\n% a leaflet of the sample clinic\n') })
    await sees(operator.locator('#chosen', { hasText: 'Памятка.pdf' }))
    await answer('[b]Натощак[/b], за 12 часов без кофе. Памятка - во вложении, адрес: [url=https://clinic.example/map]карта[/url]')
    const shown = phone('telegram').locator('.bubble', { hasText: 'за 12 часов без кофе' })
    await sees(shown)
    expect(await shown.locator('b').first().innerText()).toBe('Натощак')
    expect(await shown.getByRole('link', { name: 'карта' }).getAttribute('href')).toBe('https://clinic.example/map')
    expect(await shown.innerText()).not.toContain('[')
    await sees(phone('telegram').locator('.doc', { hasText: 'Памятка.pdf' }))
    await sees(bubble('за 12 часов').locator('.tick.delivered'))
  })

  it('the operator edits the answer and the phone shows the new words only', async () => {
    await bubble('за 12 часов').hover()
    await bubble('за 12 часов').getByTitle('Изменить').click()
    await sees(operator.getByText('Правка сообщения'))
    await answer('[b]Натощак[/b], за 8 часов без кофе. Памятка - во вложении')
    await sees(phone('telegram').locator('.bubble', { hasText: 'за 8 часов' }).getByText('изменено'))
    expect(await phone('telegram').locator('.bubble', { hasText: 'за 12 часов' }).count()).toBe(0)
    await type('telegram', 'Спасибо, всё понятно!')
    await sees(bubble('Спасибо, всё понятно!'))
    await sees(entries(sidebarOf(operator)).filter({ hasText: 'за 8 часов' }).filter({ hasText: 'изменено' }))
    await phones.mouse.move(0, 0)
    await clinic.picture(operator, 'operator')
    await clinic.picture(phones, 'phones')
  })

  it('a photo of the patient is a picture in the chat and in the history', async () => {
    await phone('telegram').locator('[data-attach]').click()
    await phones.getByPlaceholder('подпись к файлу').fill('Моё направление')
    await phones.getByRole('button', { name: 'Фото направления' }).click()
    const picture = operator.locator('.bubble', { hasText: 'Моё направление' }).locator('img')
    await sees(picture)
    await picture.evaluate((image) => (image as unknown as { decode(): Promise<void> }).decode())
  })

  it('D10: the late binding holds: the next dialogue knows the card from its first word', async () => {
    await operator.getByRole('button', { name: 'Завершить' }).click()
    await sees(operator.getByText('диалог завершён'))
    await type('telegram', 'И ещё вопрос: можно ли пить воду?')
    await sees(operator.getByRole('link', { name: 'CRM: Иван Петров' }))
    expect(await operator.locator('.bubble.patient', { hasText: 'можно ли пить воду' }).count()).toBe(1)
  })
})

describe('F37: the cards of the patient', () => {
  beforeAll(async () => {
    reception = await clinic.open(clinic.world.portal.origin)
    tab = applicationIn(reception)
  })

  it('two deals and the contact show our tab in a frame with one and the same history', async () => {
    await reception.goto(card('deal', clinic.world.dealId))
    const read = async (): Promise<string[]> => {
      await sees(tab.getByRole('heading', { name: 'Иван Петров' }))
      await sees(entries(tab).filter({ hasText: question }))
      return (await entries(tab).allInnerTexts()).slice(0, 20)
    }
    const first = await read()
    await sees(entries(tab).filter({ hasText: 'Моё направление' }).locator('img'))
    await sees(tab.getByText('Ближайший приём'))
    await clinic.picture(reception, 'card')
    await reception.goto(card('deal', otherDealId))
    expect(await read()).toEqual(first)
    await reception.goto(card('contact', clinic.world.contactId))
    expect(await read()).toEqual(first)
  })

  it('an employee writes first from the card: the way is proposed with its reason, the phone shows it', async () => {
    await reception.goto(card('contact', clinic.world.contactId))
    const proposed = tab.getByRole('radio', { checked: true })
    await sees(proposed.filter({ hasText: 'Telegram' }).filter({ hasText: 'лучше всего' }))
    await tab.getByRole('textbox', { name: 'Текст сообщения' }).fill('Напоминаем взять с собой паспорт')
    await tab.getByRole('button', { name: 'Отправить' }).click()
    await sees(tab.getByText('Сообщение принято'))
    await sees(phone('telegram').getByText('Напоминаем взять с собой паспорт'))
    await sees(entries(tab).filter({ hasText: 'Напоминаем взять с собой паспорт' }))
  })

  it('filters and search narrow the history, and one click brings it back', async () => {
    await reception.goto(card('contact', clinic.world.contactId))
    await sees(entries(tab).filter({ hasText: question }))
    await tab.getByRole('searchbox', { name: 'Искать в переписке' }).fill('приём')
    await seesNoMore(entries(tab).filter({ hasText: 'Моё направление' }))
    for (const [text, channel] of [[question, 'Telegram'], [oldQuestion, 'WhatsApp']] as const) await sees(entries(tab).filter({ hasText: text }).filter({ hasText: channel }))
    await clinic.picture(reception, 'history')
    await tab.getByRole('searchbox', { name: 'Искать в переписке' }).fill('перенести')
    await seesNoMore(entries(tab).filter({ hasText: question }))
    expect(await entries(tab).count()).toBe(1)
    expect(await tab.locator('article mark').first().innerText()).toBe('перенести')
    await tab.getByRole('searchbox', { name: 'Искать в переписке' }).fill('такого не писали')
    await sees(tab.getByText('По этим условиям ничего нет'))
    await tab.getByRole('button', { name: 'Показать всё' }).click()
    await sees(entries(tab).filter({ hasText: question }))
    await tab.getByRole('combobox', { name: 'Все каналы' }).click()
    await tab.getByRole('option', { name: 'WhatsApp' }).click()
    await seesNoMore(entries(tab).filter({ hasText: question }))
    await sees(entries(tab).filter({ hasText: oldQuestion }))
    await tab.getByRole('button', { name: 'Уведомления' }).click()
    await sees(tab.getByText('По этим условиям ничего нет'))
  })

  it('scrolling down loads the history to its beginning, nothing twice', async () => {
    await reception.goto(card('contact', clinic.world.contactId))
    await sees(entries(tab).filter({ hasText: question }))
    expect(await entries(tab).filter({ hasText: 'день 1:' }).count()).toBe(0)
    await reception.mouse.move(720, 600)
    const end = tab.getByText('Это начало истории')
    for (let turn = 0; turn < 30 && !(await end.isVisible()); turn++) {
      await reception.mouse.wheel(0, 4_000)
      await reception.waitForLoadState('networkidle')
    }
    await sees(end)
    const old = (await entries(tab).allInnerTexts()).flatMap((text) => /день (\d+):/.exec(text)?.[1] ?? []).map(Number)
    expect(old.sort((a, b) => a - b)).toEqual(Array.from({ length: oldCount }, (_, index) => index + 1))
  })
})

describe('D4, D8, F45: a forged contact', () => {
  it('shows nobody\'s card beside the chat, and nothing can be written from there', async () => {
    await phone('max').getByRole('button', { name: 'Начать' }).click()
    await type('max', 'Пришлите результаты анализов')
    await sees(phone('max').locator('.keys button', { hasText: /номер/i }))
    for (const deed of ['Прислать чужую карточку', 'Прислать подделанную карточку']) await fromMenu('max', deed)
    await sees(phone('max').getByText('чужой номер'))
    expect(await phone('max').getByText('мы вас узнали').count()).toBe(0)
    await operator.goto(online(chatIn('estafeta_max')!.id))
    const side = sidebarOf(operator)
    await sees(side.getByText('Не сообщайте медицинские сведения'))
    const shown = await side.locator('body').innerText()
    expect(shown).not.toContain(forgedOwner.lastName)
    expect(shown).not.toContain(oldQuestion)
    expect(await operator.locator('#card').isVisible()).toBe(false)
    await side.getByRole('button', { name: 'Написать пациенту' }).click()
    await sees(side.getByText(/не подтвержд/).last())
    const send = side.getByRole('button', { name: 'Отправить' })
    if (await send.count() > 0) {
      await side.getByRole('textbox', { name: 'Текст сообщения' }).fill('Ваш результат готов')
      expect(await send.isDisabled()).toBe(true)
    }
    await side.getByRole('button', { name: 'Журнал: кто что сделал' }).click()
    await sees(side.getByText('Прислал чужой контакт — отклонено'))
    await clinic.picture(operator, 'forged')
  })
})

describe('D9: an employee corrects who is who', () => {
  it('unbinds an account by a click: its messages leave the patient\'s history', async () => {
    await reception.goto(card('contact', clinic.world.contactId))
    await sees(entries(tab).filter({ hasText: question }))
    const account = tab.getByRole('listitem').filter({ hasText: 'Telegram' }).filter({ has: tab.getByRole('button', { name: 'Это не пациент' }) })
    await account.getByRole('button', { name: 'Это не пациент' }).click()
    await account.getByRole('button', { name: 'Отмена' }).click()
    await account.getByRole('button', { name: 'Это не пациент' }).click()
    await account.getByRole('button', { name: 'Отвязать', exact: true }).click()
    await seesNoMore(entries(tab).filter({ hasText: question }))
    await sees(entries(tab).filter({ hasText: oldQuestion }))
    await tab.getByRole('button', { name: 'Журнал: кто что сделал' }).click()
    await sees(tab.getByText('Ольга Регистратурова'))
  })

  it('binds it again by hand beside the chat, under the own name', async () => {
    await operator.goto(online(chatIn('estafeta_telegram')!.id))
    const side = sidebarOf(operator)
    await sees(side.getByText('Не сообщайте медицинские сведения'))
    await side.getByLabel('Найти карточку').fill('Петров')
    await side.getByRole('listitem').filter({ hasText: 'Петров Иван' }).getByRole('button', { name: 'Привязать', exact: true }).click()
    await sees(side.getByText('Привязать этот чат к карточке'))
    await side.getByRole('group').filter({ hasText: 'Привязать этот чат к карточке' }).getByRole('button', { name: 'Привязать', exact: true }).click()
    await sees(side.getByText('Подтвердил сотрудник'))
    await sees(entries(side).filter({ hasText: oldQuestion }))
  })
})
