/** The chat on the clinic's site: a visitor on the site, an operator in the messenger of the portal. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type Page } from 'playwright-core'
import { connectLine } from '../../sandbox/administrator.ts'
import { startClinicSite, type ClinicSite } from '../../sandbox/clinic-site.ts'
import { query } from '../http/support.ts'
import { sees, seesNoMore, sidebarOf, startBrowserClinic, until, type BrowserClinic } from './support.ts'

const question = 'Здравствуйте! Можно записаться к терапевту на четверг?'
let clinic: BrowserClinic
let site: ClinicSite
let visitor: Page
let operator: Page
let allowedTrouble: RegExp | undefined

beforeAll(async () => {
  clinic = await startBrowserClinic({ isConnected: true })
  site = await startClinicSite({ allowedByPolicy: clinic.app.origin })
  const connection = await clinic.administrator.call('POST', '/connections', {
    channel: 'site', name: 'Чат на сайте', credentials: { origins: site.origin, policyUrl: `${site.origin}/policy`, secret: 'секретная фраза чата на сайте клиники' },
  })
  expect({ status: connection.status, fields: connection.body.fields }).toEqual({ status: 200, fields: undefined })
  site.setSnippet((connection.body.details as { value: string }[]).find(({ value }) => value.startsWith('<script'))!.value)
  await connectLine(clinic.app, clinic.world.portal, { connector: 'estafeta_site', connectionId: connection.body.id as string, name: 'Сайт клиники' })
  visitor = await clinic.open(site.origin, { width: 1280, height: 800 })
}, 120_000)
afterAll(async () => {
  await clinic?.stop()
  await site?.close()
})
afterEach(() => {
  clinic.expectCalmPages(allowedTrouble)
  allowedTrouble = undefined
})

const chat = () => clinic.world.portal.lines.chats()[0]
const patientTexts = (): string[] => {
  const found = chat()
  return found === undefined ? [] : clinic.world.portal.lines.chat(found.id).messages.filter((message) => message.kind === 'patient').map((message) => message.text)
}
const write = async (text: string): Promise<void> => {
  await visitor.getByRole('textbox', { name: 'Сообщение' }).fill(text)
  await visitor.keyboard.press('Enter')
}
const rows = () => visitor.locator('#estafeta-chat .row .bubble')

describe('a visitor and an operator', () => {
  it('nothing is sent before the visitor agrees', async () => {
    await visitor.getByRole('button', { name: 'Открыть чат' }).click()
    await sees(visitor.getByText('Я согласен на обработку моих персональных данных'))
    expect(await visitor.getByRole('textbox', { name: 'Сообщение' }).isVisible()).toBe(false)
    expect(await visitor.getByRole('link', { name: 'Политика обработки данных' }).getAttribute('href')).toBe(`${site.origin}/policy`)
    await visitor.getByRole('button', { name: 'Согласен, начать чат' }).click()
    await sees(visitor.getByRole('textbox', { name: 'Сообщение' }))
  })

  it('the question comes into the open line, and the answer to the site', async () => {
    await write(question)
    await until(visitor, 'the question is in the line', () => patientTexts().length > 0)
    operator = await clinic.open(`${clinic.world.portal.origin}/online/?chat=${chat()!.id}&user=2`)
    await sees(operator.locator('.bubble.patient', { hasText: question }))
    await operator.getByRole('textbox', { name: 'Сообщение' }).fill('Добрый день! Есть [b]10:00[/b] и 14:30, [url=https://clinic.example/schedule]расписание[/url]')
    await operator.getByRole('button', { name: 'Отправить', exact: true }).click()
    await sees(rows().filter({ hasText: 'Есть 10:00 и 14:30, расписание' }))
    expect(await visitor.locator('#estafeta-chat .bubble strong, #estafeta-chat .bubble b', { hasText: '10:00' }).count()).toBe(1)
    expect(await visitor.getByRole('link', { name: 'расписание' }).getAttribute('href')).toBe('https://clinic.example/schedule')
    await sees(operator.locator('.bubble.operator .tick.delivered'))
  })

  it('the operator sees that the visitor types, and no longer when the message is there', async () => {
    await visitor.getByRole('textbox', { name: 'Сообщение' }).pressSequentially('А сколько ', { delay: 20 })
    await sees(sidebarOf(operator).getByText('печатает…'))
    await visitor.getByRole('textbox', { name: 'Сообщение' }).fill('')
    await write('А сколько это стоит?')
    await sees(operator.locator('.bubble.patient', { hasText: 'А сколько это стоит?' }))
    await seesNoMore(sidebarOf(operator).getByText('печатает…'))
  })

  it('files go both ways', async () => {
    await operator.locator('#files').setInputFiles({ name: 'Памятка.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4\n% a leaflet\n') })
    await sees(operator.locator('#chosen', { hasText: 'Памятка.pdf' }))
    await operator.getByRole('button', { name: 'Отправить', exact: true }).click()
    await sees(rows().filter({ hasText: 'Памятка.pdf' }))
    await visitor.locator('#estafeta-chat input[type=file]').setInputFiles({ name: 'направление.pdf', mimeType: 'application/pdf', buffer: Buffer.from('%PDF-1.4\n% a referral\n') })
    await sees(operator.locator('.bubble.patient .file', { hasText: 'направление.pdf' }))
    await clinic.picture(visitor, 'widget')
  })

  it('F43: codes and markup of a visitor stay words', async () => {
    await write('<img src=x onerror=alert(1)> [b]не жирно[/b]')
    await sees(rows().filter({ hasText: '<img src=x onerror=alert(1)> [b]не жирно[/b]' }))
    await sees(operator.locator('.bubble.patient', { hasText: 'не жирно' }))
    expect(await operator.locator('.bubble.patient b:not(.author)', { hasText: 'не жирно' }).count()).toBe(0)
  })

  it('a visitor of the site is unknown: the page beside the chat warns and shows no card', async () => {
    await sees(sidebarOf(operator).getByText('Не сообщайте медицинские сведения'))
    allowedTrouble = undefined
  })
})

describe('the connection breaks', () => {
  it('what was written in between arrives once and in its order when it is back, both ways', async () => {
    const before = patientTexts().length
    await visitor.context().setOffline(true)
    allowedTrouble = /ERR_INTERNET_DISCONNECTED/
    await write('первое без связи')
    await write('второе без связи')
    await sees(visitor.locator('#estafeta-chat .row.own', { hasText: 'второе без связи' }))
    await operator.getByRole('textbox', { name: 'Сообщение' }).fill('Пока вас не было')
    await operator.getByRole('button', { name: 'Отправить', exact: true }).click()
    expect(patientTexts()).toHaveLength(before)
    await visitor.context().setOffline(false)
    await until(visitor, 'both are in the line', () => patientTexts().length >= before + 2)
    await sees(rows().filter({ hasText: 'Пока вас не было' }))
    expect(patientTexts().slice(before)).toEqual(['первое без связи', 'второе без связи'])
    await sees(visitor.getByText('Отвечаем здесь'))
  })

  it('the page is left and opened again: the conversation goes on, an answer meanwhile is counted on the button', async () => {
    await visitor.goto(`${site.origin}/policy`)
    await operator.getByRole('textbox', { name: 'Сообщение' }).fill('Ждём вас в четверг')
    await operator.getByRole('button', { name: 'Отправить', exact: true }).click()
    await sees(operator.locator('.bubble.operator', { hasText: 'Ждём вас в четверг' }))
    await visitor.goto(site.origin)
    await sees(visitor.getByRole('button', { name: 'Новых сообщений: 1' }))
    await visitor.getByRole('button', { name: 'Открыть чат' }).click()
    await sees(rows().filter({ hasText: 'Ждём вас в четверг' }))
    for (const text of [question, 'первое без связи', 'второе без связи']) expect(await rows().filter({ hasText: text }).count()).toBe(1)
    expect(await visitor.getByText('Я согласен на обработку').count()).toBe(0)
    await seesNoMore(visitor.getByText('Открываем чат'))
  })

  it('on a phone the window fills the screen and nothing is cut', async () => {
    await visitor.setViewportSize({ width: 390, height: 780 })
    const box = await visitor.getByRole('dialog', { name: 'Чат с клиникой' }).boundingBox()
    expect(box).toMatchObject({ x: 0, y: 0, width: 390, height: 780 })
    await sees(visitor.getByRole('textbox', { name: 'Сообщение' }))
    await clinic.picture(visitor, 'widget-phone')
  })
})

describe('the talk goes on in a messenger', () => {
  it('by a link of the widget: the bot asks who it is and the operator is told where they came from', async () => {
    await visitor.getByRole('button', { name: 'Продолжить в мессенджере' }).click()
    const link = visitor.getByRole('link', { name: 'Telegram' })
    await sees(link)
    await sees(visitor.getByRole('link', { name: 'MAX' }))
    const { patient, contactId } = clinic.world
    patient.openLink((await link.getAttribute('href'))!)
    const isAsked = (): boolean => patient.shown('telegram').some((message) => message.buttons.flat().some((button) => button.kind === 'contact'))
    await until(visitor, 'the bot asks who it is', isAsked)
    patient.shareContact('telegram')
    await until(visitor, 'the bot knows', () => patient.shown('telegram').some(({ text }) => text.includes('мы вас узнали')))
    const notes = (): string[] => clinic.world.portal.lines.chats().flatMap(({ id }) => clinic.world.portal.lines.chat(id).messages.filter(({ kind }) => kind === 'system').map(({ text }) => text))
    await until(visitor, 'the operator is told', () => notes().some((text) => text.includes('Чат на сайте')))
    // A link may have been passed on: who is proved in the messenger proves nothing of the visitor on the site.
    const accounts = await query<{ channel: string, contact_id: string | null }>(clinic.app, 'select c.channel, i.contact_id from identities i join connections c using (portal_id, connection_id) order by 1')
    expect(accounts).toEqual([{ channel: 'site', contact_id: null }, { channel: 'telegram', contact_id: String(contactId) }])
  })

  it('is not offered where the clinic has no messenger to go on in', async () => {
    const widget = visitor.getByRole('button', { name: 'Продолжить в мессенджере' })
    await visitor.reload()
    await visitor.getByRole('button', { name: 'Открыть чат' }).click()
    await sees(widget)
    await query(clinic.app, "update connections set state = 'off' where channel in ('telegram', 'max', 'vk')")
    await visitor.reload()
    await visitor.getByRole('button', { name: 'Открыть чат' }).click()
    await sees(visitor.getByRole('textbox', { name: 'Сообщение' }))
    expect(await widget.isVisible()).toBe(false)
  })
})
