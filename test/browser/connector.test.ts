/** The connector's settings in the contact centre, as an administrator and as an employee open them. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type FrameLocator, type Page } from 'playwright-core'
import { applicationIn, sees, seesNoMore, startBrowserClinic, type BrowserClinic } from './support.ts'

let clinic: BrowserClinic
let lineId: number
let page: Page
let settings: FrameLocator

beforeAll(async () => {
  clinic = await startBrowserClinic()
  lineId = clinic.world.portal.lines.add({ LINE_NAME: 'Telegram клиники' })
  page = await clinic.open(address('estafeta_telegram'), { width: 1280, height: 860 })
  settings = applicationIn(page)
}, 120_000)
afterAll(() => clinic?.stop())
const expected: { trouble?: RegExp } = {}
afterEach(() => {
  clinic.expectCalmPages(expected.trouble)
  delete expected.trouble
})

const address = (connector: string, line = lineId, userId = 1): string => `${clinic.world.portal.origin}/contact_center/connector/?ID=${connector}&LINE=${line}&user=${userId}`
const button = (name: string) => settings.getByRole('button', { name, exact: true })

describe('an administrator opens the connector on a line', () => {
  it('has nothing to switch on before there is a connection', async () => {
    await sees(settings.getByText('Подключений этого мессенджера ещё нет.'))
    await sees(settings.getByText('Выключено'))
    expect(await button('Включить').count()).toBe(0)
  })

  it('is told beside the field that a token is not one of the messenger', async () => {
    const { apiRoot } = clinic.world.accounts.telegram
    await button('Добавить подключение').click()
    await button('Сохранить').click()
    await sees(settings.getByText('Заполните это поле.'))
    expected.trouble = /\/api\/connections\b/
    await settings.getByLabel('Токен бота').fill('not a token')
    await button('Сохранить').click()
    await sees(settings.getByText('Токен бота выглядит так'))
    await button('Дополнительно').click()
    await settings.getByLabel('Адрес Bot API').fill(apiRoot)
    await settings.getByLabel('Токен бота').fill(`123456789:${'A'.repeat(35)}`)
    await button('Сохранить').click()
    await seesNoMore(settings.getByText('Токен бота выглядит так'))
    await sees(settings.getByText(/не принял токен|не подошёл|отозван/))
    expect(await settings.getByText('Включено').count()).toBe(0)
  })

  it('adds a connection, switches it on and sees that it works', async () => {
    const { token, username } = clinic.world.accounts.telegram
    await settings.getByLabel('Название').fill('Бот регистратуры')
    await settings.getByLabel('Токен бота').fill(token)
    await button('Сохранить').click()
    await sees(settings.getByRole('radio', { name: 'Бот регистратуры' }))
    await button('Включить').click()
    await sees(settings.getByText(`Напишите боту @${username} с телефона`))
    await sees(settings.getByText('Включено', { exact: true }))
    await button('Проверить связь').click()
    await sees(button('Проверить ещё раз'))
    expect(clinic.world.portal.lines.chats()).toEqual([])
    await clinic.picture(page, 'connector')
  })

  it('F18: chooses among two connections, none is chosen for them, and is warned when one answers elsewhere', async () => {
    const second = clinic.world.messengers.addTelegramBot({ name: 'Второй бот' })
    const added = await clinic.administrator.call('POST', '/connections', { channel: 'telegram', name: 'Бот филиала', credentials: { botToken: second.token, apiRoot: second.apiRoot } })
    expect(added.status).toBe(200)
    const third = clinic.world.messengers.addTelegramBot({ name: 'Третий бот' })
    await clinic.administrator.call('POST', '/connections', { channel: 'telegram', name: 'Бот стационара', credentials: { botToken: third.token, apiRoot: third.apiRoot } })
    const branch = clinic.world.portal.lines.add({ LINE_NAME: 'Филиал' })
    await page.goto(address('estafeta_telegram', branch))
    await sees(settings.getByRole('radio', { name: 'Бот филиала' }))
    expect(await settings.getByRole('radio', { checked: true }).count()).toBe(0)
    expect(await button('Включить').count()).toBe(0)
    await settings.getByRole('radio', { name: 'Бот регистратуры' }).click()
    await sees(settings.getByText('та линия перестанет получать сообщения'))
    await settings.getByRole('radio', { name: 'Бот филиала' }).click()
    await seesNoMore(settings.getByText('та линия перестанет получать сообщения'))
    await button('Включить').click()
    await sees(settings.getByText(`Напишите боту @${second.username} с телефона`))
    await page.goto(address('estafeta_telegram'))
    await sees(settings.getByText(`Напишите боту @${clinic.world.accounts.telegram.username} с телефона`))
  })

  it('is told when the token is no longer taken, and when it is again', async () => {
    clinic.world.messengers.behave('telegram', { failure: 'unauthorized', failing: 'all' })
    await button('Проверить связь').click()
    await sees(settings.getByText('Не работает', { exact: true }))
    await sees(settings.getByText('Что поправить'))
    expect(await settings.getByText('Работает', { exact: true }).count()).toBeLessThan(3)
    clinic.world.messengers.behave('telegram', { failure: 'none' })
    await button('Проверить ещё раз').click()
    await sees(settings.getByText(`Напишите боту @${clinic.world.accounts.telegram.username} с телефона`))
  })

  it('sees that a person switched the line off at the portal, and switches it on again with the same connection', async () => {
    clinic.world.portal.lines.disconnect('estafeta_telegram', lineId)
    await clinic.world.portal.settle()
    await page.reload()
    await sees(settings.getByText('Выключено', { exact: true }))
    await sees(settings.getByRole('radio', { name: 'Бот регистратуры', checked: true }))
    await button('Включить').click()
    await sees(settings.getByText(`Напишите боту @${clinic.world.accounts.telegram.username} с телефона`))
  })

  it('switches it off after one more question', async () => {
    await button('Выключить').click()
    await sees(settings.getByText('Новые сообщения перестанут приходить'))
    await button('Отмена').click()
    await sees(settings.getByText(`Напишите боту @${clinic.world.accounts.telegram.username} с телефона`))
    await button('Выключить').click()
    await settings.getByRole('group').getByRole('button', { name: 'Выключить' }).click()
    await sees(settings.getByText('Выключено', { exact: true }))
    expect(await button('Включить').count()).toBe(1)
  })
})

it('an employee who is no administrator is told whom to ask, and has no button', async () => {
  expected.trouble = / 403 |status of 403/
  await page.goto(address('estafeta_telegram', lineId, 2))
  await sees(settings.getByText('настраивает администратор портала: попросите его'))
  expect(await settings.getByRole('button').count()).toBe(0)
})
