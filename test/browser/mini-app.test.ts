/** The page that MAX opens, on a phone. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { sql } from 'kysely'
import { type Page } from 'playwright-core'
import { introduce } from '../../sandbox/administrator.ts'
import { sees, startBrowserClinic, type BrowserClinic } from './support.ts'

let clinic: BrowserClinic
let contactId: string
let at: Date

const tell = async (moment: Date): Promise<void> => {
  await sql`insert into appointments (portal_id, external_id, contact_id, at, doctor, place, service, preparation)
    values (${clinic.world.portal.memberId}, 'visit-1', ${contactId}, ${moment}, 'Петрова Анна Сергеевна', 'Кабинет 12, второй этаж', 'Приём терапевта',
    'Приходите натощак. Возьмите паспорт и полис.') on conflict (portal_id, external_id) do update set at = excluded.at`.execute(clinic.app.deps.db)
}
/** As MAX shows it: the page alone, on a phone. */
const openApp = (): Promise<Page> => clinic.open(clinic.world.patient.openApp('max'), { width: 390, height: 844 })
const isWithinPhone = async (page: Page): Promise<boolean> => page.evaluate('document.documentElement.scrollWidth <= 390')

beforeAll(async () => {
  clinic = await startBrowserClinic({ isConnected: true })
  const { token, baseUrl, username } = clinic.world.accounts.max
  const credentials = { token, baseUrl, miniApp: username, clinicName: 'Клиника «Пример»', clinicAddress: 'Москва, Примерная улица, 1, подъезд со двора', clinicMapUrl: 'https://maps.example/clinic', clinicPhone: '+7 495 000-00-00' }
  await clinic.administrator.call('PUT', `/connections/${clinic.ids.max}`, { channel: 'max', name: 'MAX-бот', credentials })
  const until = async (what: string, check: () => boolean): Promise<void> => {
    const end = Date.now() + 20_000
    while (!check()) {
      if (Date.now() > end) throw new Error(`It did not come: ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  await introduce(clinic.world.patient, until)
  const { rows } = await sql<{ contact_id: string }>`select contact_id from identities where contact_id is not null limit 1`.execute(clinic.app.deps.db)
  contactId = rows[0]!.contact_id
  at = new Date(Math.floor(clinic.world.clock.now() / 3_600_000) * 3_600_000 + 26 * 3_600_000)
  await tell(at)
}, 120_000)
afterAll(() => clinic.stop())
let forgiven: RegExp | undefined
afterEach(() => {
  clinic.expectCalmPages(forgiven)
  forgiven = undefined
})

describe('a patient with a phone', () => {
  it('sees the visit and the clinic, confirms, thinks better of it and cancels', async () => {
    const page = await openApp()
    await sees(page.getByText('Петрова Анна Сергеевна'))
    await sees(page.getByText('Приходите натощак'))
    expect(await isWithinPhone(page)).toBe(true)
    expect(await page.getByRole('link', { name: 'Открыть карту' }).getAttribute('href')).toBe('https://maps.example/clinic')
    expect(await page.getByRole('link', { name: 'Позвонить' }).getAttribute('href')).toBe('tel:+74950000000')
    await clinic.picture(page, 'mini-app')
    await page.getByRole('button', { name: 'Приду' }).click()
    await sees(page.getByText('Вы подтвердили визит'))
    await clinic.picture(page, 'mini-app-confirmed')
    await page.getByRole('button', { name: 'Изменить ответ' }).click()
    await page.getByRole('button', { name: 'Отменить', exact: true }).click()
    await sees(page.getByText('Отменить визит?'))
    await page.getByRole('button', { name: 'Да, отменить' }).click()
    await sees(page.getByText('Вы отменили визит'))
  })

  it('is told when the visit has moved meanwhile, and answers about the new one', async () => {
    const page = await openApp()
    await page.getByRole('button', { name: 'Изменить ответ' }).click()
    await tell(new Date(at.getTime() + 3_600_000))
    forgiven = /409/
    await page.getByRole('button', { name: 'Приду' }).click()
    await sees(page.getByText('Время визита изменилось'))
  })

  it('that is a stranger to the clinic sees only the clinic, and how to become known', async () => {
    const stranger = clinic.world.messengers.addPatient({ name: 'Чужой Человек', phone: '+79000000099' })
    stranger.start('max', { quietly: true })
    const page = await clinic.open(stranger.openApp('max'), { width: 390, height: 844 })
    await sees(page.getByText('Мы вас пока не узнали'))
    await sees(page.getByText('Примерная улица'))
    expect(await page.getByText('Петрова').count()).toBe(0)
    await clinic.picture(page, 'mini-app-stranger')
  })

  it('that comes without launch data is sent back to the chat', async () => {
    forgiven = /4(?:01|22)/
    const page = await clinic.open(`${clinic.app.origin}/mini-app/${clinic.ids.max}#WebAppData=hash%3D0`, { width: 390, height: 844 })
    await sees(page.getByText('откройте из чата снова'))
  })
})
