/** Every page of the application in its frame, wide and as narrow as a phone, in both languages. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { type FrameLocator, type Page } from 'playwright-core'
import { layoutProblems } from './layout.ts'
import { saveRoute, usualSteps } from '../../sandbox/administrator.ts'
import { query } from '../http/support.ts'
import { applicationIn, sees, sidebarOf, startBrowserClinic, until, type BrowserClinic } from './support.ts'

let clinic: BrowserClinic

const words = {
  ru: {
    tabs: [['Подключения', 'WhatsApp клиники'], ['Маршруты', 'Напоминание о приёме'], ['Разговоры', 'Один чат'], ['Сегодня', 'Обновить']],
    route: 'Изменить', robot: 'Маршрут', appointment: 'Ближайший приём', connector: 'Проверить связь',
    problem: 'Телефон отвязан от Wazzup: отсканируйте QR-код в кабинете.',
  },
  en: {
    tabs: [['Connections', 'WhatsApp клиники'], ['Routes', 'Напоминание о приёме'], ['Conversations', 'One chat'], ['Today', 'Refresh']],
    route: 'Edit', robot: 'Route', appointment: 'Next appointment', connector: 'Check the connection',
    problem: 'The phone is unlinked from Wazzup: scan the QR code in your account.',
  },
} as const
const cases = (['ru', 'en'] as const).flatMap((language) => ([1280, 390] as const).map((width) => ({ language, width })))

beforeAll(async () => {
  clinic = await startBrowserClinic({ isConnected: true })
  const { world, administrator, ids } = clinic
  await saveRoute(administrator, usualSteps(ids))
  expect((await administrator.call('PUT', '/conversations', { oneChatPerPatient: false, appointment: { at: 'begindate', doctor: '', place: '', preparation: '', booking: false } })).status).toBe(200)
  const { phone } = world.patient.patient
  // Long words, files, a family with one phone, a notification: a card that has all that the page can show.
  world.patient.reply('whatsapp', 'Здравствуйте! Очень-длинное-слово-без-пробелов-которое-не-помещается-в-узкий-столбец-и-адрес https://clinic.example/a/very/long/address/that/does/not/break?with=parameters')
  world.patient.sendPhoto('whatsapp', { caption: 'Направление' })
  const page = await clinic.open(world.portal.origin)
  const said = () => world.portal.lines.chats().flatMap(({ id }) => world.portal.lines.chat(id).messages)
  await until(page, 'both are in the line', () => said().filter(({ kind }) => kind === 'patient').length === 2)
  await until(page, 'the patient is known', () => said().some(({ kind, text }) => kind === 'system' && text.includes('Иван Петров')))
  world.portal.addContact({ name: 'Александра-Константиновна', lastName: 'Петрова-Преображенская', phones: [phone], assignedById: 2 })
  world.runRobot()
  await page.close()
}, 120_000)
afterAll(() => clinic?.stop())
afterEach(() => clinic.expectCalmPages())

/** The application's document, once what is looked at stands in it. */
const looksRight = async (page: Page): Promise<void> => {
  const frame = page.frames().find((one) => one.url().startsWith(`${clinic.app.origin}/`))
  expect(frame).toBeDefined()
  expect(await layoutProblems(frame!)).toEqual([])
}
describe.each(cases)('$language, $width pixels', ({ language, width }) => {
  const say = words[language]
  let page: Page
  let frame: FrameLocator
  beforeAll(async () => {
    page = await clinic.open(clinic.world.portal.origin, { width, height: 900, english: language === 'en' })
    frame = applicationIn(page)
  })
  afterAll(() => page.context().close())
  const open = (path: string) => page.goto(`${clinic.world.portal.origin}${path}`)

  it('the dashboard: connections, routes, conversations, today', async () => {
    await open(`/app/${clinic.app.clientId}/`)
    for (const [tab, sign] of say.tabs) {
      await frame.getByRole('tab', { name: tab }).click()
      await sees(frame.getByText(sign))
      await looksRight(page)
    }
    await frame.getByRole('tab', { name: say.tabs[1][0] }).click()
    await frame.getByRole('button', { name: say.route }).first().click()
    await sees(frame.getByRole('textbox'))
    await looksRight(page)
  })

  it('the dashboard: what is wrong with a connection, in the words of the page', async () => {
    const { app, ids } = clinic
    await query(app, `update connections set state = 'broken', problem = '${words.ru.problem}' where connection_id = '${ids.max}'`)
    try {
      await open(`/app/${app.clientId}/`)
      await frame.getByRole('tab', { name: say.tabs[0][0] }).click()
      await sees(frame.getByText(say.problem))
      await looksRight(page)
    } finally {
      await query(app, `update connections set state = 'working', problem = null where connection_id = '${ids.max}'`)
    }
  })

  it('the robot\'s settings', async () => {
    await open(`/robot/${clinic.world.dealId}?code=estafeta_send`)
    await sees(frame.getByText(say.robot))
    await looksRight(page)
  })

  it('the patient\'s page', async () => {
    await open(`/crm/deal/details/${clinic.world.dealId}/?tab=0&user=2`)
    await sees(frame.getByRole('heading', { name: 'Иван Петров' }))
    await sees(frame.getByText(say.appointment))
    await sees(frame.locator('article').filter({ hasText: 'https://clinic.example' }))
    await looksRight(page)
    const folded = frame.locator('h2 > button[aria-expanded=false]')
    for (let count = await folded.count(); count > 0; count = await folded.count()) await folded.first().click()
    await looksRight(page)
  })

  it('the patient\'s page beside a chat', async () => {
    const chat = clinic.world.portal.lines.chats()[0]!
    // The messenger has a column for it; a phone shows the column alone.
    await page.setViewportSize({ width: Math.max(width, 900), height: 900 })
    await open(`/online/?chat=${chat.id}&user=2`)
    await sees(sidebarOf(page).locator('article').filter({ hasText: 'https://clinic.example' }))
    await looksRight(page)
    await page.setViewportSize({ width, height: 900 })
  })

  it('the connector\'s settings', async () => {
    await open(`/contact_center/connector/?ID=estafeta_telegram&LINE=${clinic.lines.telegram}`)
    await sees(frame.getByRole('button', { name: say.connector }))
    await looksRight(page)
  })
})

it('a page that is laid out badly is found out', async () => {
  const page = await clinic.open('about:blank', { width: 390 })
  await page.setContent('<div id="app"><button style="width: 40px; white-space: nowrap; padding: 0">far too many words</button><div style="width: 600px">wide</div><a href="#" style="position: absolute; top: 5px; left: 5px">over it</a></div>')
  const problems = await layoutProblems(page.mainFrame())
  for (const sign of [/scrolls sideways/, /sticks out: div "wide"/, /its words do not fit: button/, /overlap: button .* and a "over it"/]) expect(problems.join('\n')).toMatch(sign)
})
