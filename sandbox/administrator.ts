import { type Application } from './application.ts'
import { type Handset } from './messengers/handset.ts'
import { type Portal } from './portal/portal.ts'
import { type World } from './world.ts'

/** Where the application listens and as what the portal knows it. */
export type Installable = Pick<Application, 'origin' | 'clientId'>

/** An answer of the application's own API: what its pages work with. */
export interface ApiAnswer { status: number, body: any }

/** An administrator of the portal who has a page of the application open. */
export interface Administrator {
  call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<ApiAnswer>
}

/** Opens a page as the portal does and reads the session that came with it. @throws Error with the page's own words when it is refused */
export async function openPage(application: Installable, portal: Portal, options: Parameters<Portal['openApp']>[1] = {}): Promise<Administrator> {
  return administratorOf(application, await portal.openApp(application.clientId, options))
}

/** The session in a page that was opened. @throws Error with the page's own words when it was refused */
export function administratorOf(application: Installable, page: { status: number, html: string }): Administrator {
  const boot = /<script type="application\/json" id="estafeta-boot">(.*?)<\/script>/s.exec(page.html)
  if (page.status !== 200 || boot === null) throw new Error(`The page was refused (${page.status}): ${page.html.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim()}`)
  const { session } = JSON.parse(boot[1]!) as { session: string }
  return {
    async call(method, path, body) {
      const answer = await fetch(`${application.origin}/api${path}`, {
        method,
        headers: { authorization: `Bearer ${session}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        body: body === undefined ? undefined : JSON.stringify(body),
      })
      return { status: answer.status, body: await answer.json() }
    },
  }
}

function need(what: string, answer: ApiAnswer): any {
  if (answer.status !== 200) throw new Error(`${what}: ${answer.body?.message ?? answer.status} ${JSON.stringify(answer.body?.fields ?? {})}`)
  return answer.body
}

/** Installs the application: its installation page is opened, does its work, and tells the portal that it is finished. */
export async function installApplication(application: Installable, portal: Portal): Promise<void> {
  const administrator = await openPage(application, portal)
  const result = need('The installation', await administrator.call('POST', '/install'))
  const broken = (result.steps as { name: string, ok: boolean, message: string }[]).filter((step) => !step.ok)
  if (broken.length > 0) throw new Error(`The installation is not complete: ${broken.map((step) => `${step.name}: ${step.message}`).join('; ')}`)
  portal.finishInstall(application.clientId)
}

/** What an administrator types into the settings page for the accounts of the sandbox. */
export function credentialsOf({ accounts }: World): { channel: string, name: string, credentials: Record<string, string> }[] {
  const { whatsapp, telegram, max, sms } = accounts
  return [
    {
      channel: 'whatsapp', name: 'WhatsApp клиники',
      credentials: {
        phoneNumberId: whatsapp.phoneNumberId, businessAccountId: whatsapp.wabaId, accessToken: whatsapp.token, appSecret: whatsapp.appSecret,
        verifyToken: 'sandbox-verify-token', baseUrl: whatsapp.baseUrl,
      },
    },
    { channel: 'telegram', name: 'Telegram-бот', credentials: { botToken: telegram.token, apiRoot: telegram.apiRoot } },
    {
      channel: 'max', name: 'MAX-бот',
      credentials: { token: max.token, baseUrl: max.baseUrl, miniApp: max.username, clinicName: 'Клиника «Пример»', clinicAddress: 'Москва, Примерная улица, 1', clinicMapUrl: 'https://maps.example/clinic', clinicPhone: '+7 495 000-00-00' },
    },
    { channel: 'smsc', name: 'SMS', credentials: { apiKey: sms.apiKey, sender: sms.senders[0] ?? '', callbackSecret: sms.secret, baseUrl: sms.baseUrl } },
  ]
}

/** Ids of the connections by channel. */
export type ConnectionIds = Record<'whatsapp' | 'telegram' | 'max' | 'smsc', string>

/** Connects the four messengers, and does at the vendors' own consoles what only can be done there. */
export async function connectMessengers(administrator: Administrator, world: World): Promise<ConnectionIds> {
  const ids: Partial<ConnectionIds> = {}
  for (const form of credentialsOf(world)) {
    const connection = need(`The connection ${form.name}`, await administrator.call('POST', '/connections', form))
    ids[form.channel as keyof ConnectionIds] = connection.id
    if (form.channel === 'whatsapp') {
      const refusal = await world.messengers.setWhatsAppWebhook(form.credentials.phoneNumberId!, connection.hookUrl, form.credentials.verifyToken!)
      if (refusal !== undefined) throw new Error(`WhatsApp does not take the webhook: ${refusal}`)
    }
    if (form.channel === 'max') world.messengers.setMaxMiniApp(world.accounts.max.userId, connection.miniAppUrl)
    if (form.channel === 'smsc') world.messengers.setSmscCallback(world.accounts.sms.login, connection.hookUrl, form.credentials.callbackSecret)
  }
  return ids as ConnectionIds
}

/** The connector's settings page in the contact center, as the portal opens it for one line. */
export async function openConnector(application: Installable, portal: Portal, connector: string, lineId: number, userId = 1): Promise<Administrator> {
  return administratorOf(application, await portal.lines.openSettings(connector, lineId, { userId }))
}

/** Makes an open line and switches a connector on in it, for a connection or - with none - for one chat per patient. Answers the line's id. */
export async function connectLine(application: Installable, portal: Portal, { connector, connectionId, name }: { connector: string, connectionId?: string, name: string }): Promise<number> {
  const lineId = portal.lines.add({ LINE_NAME: name })
  const page = await openConnector(application, portal, connector, lineId)
  const view = need(`The line ${name}`, await page.call('POST', '/connector/activate', connectionId === undefined ? {} : { connectionId }))
  if (view.status !== 'active') throw new Error(`The connector does not work in the line ${name}: ${(view.problems as string[]).join('; ')}`)
  return lineId
}

/** An open line for each messenger in which patients talk. */
export async function connectLines(application: Installable, portal: Portal, ids: ConnectionIds): Promise<Record<'whatsapp' | 'telegram' | 'max', number>> {
  return {
    whatsapp: await connectLine(application, portal, { connector: 'estafeta_whatsapp', connectionId: ids.whatsapp, name: 'WhatsApp клиники' }),
    telegram: await connectLine(application, portal, { connector: 'estafeta_telegram', connectionId: ids.telegram, name: 'Telegram клиники' }),
    max: await connectLine(application, portal, { connector: 'estafeta_max', connectionId: ids.max, name: 'MAX клиники' }),
  }
}

/** WhatsApp 60 min, then Telegram, MAX, SMS, and a task for staff. */
export function usualSteps(ids: ConnectionIds): unknown[] {
  return [
    {
      kind: 'channel', connectionId: ids.whatsapp, proof: 'delivered', minutes: 60,
      content: { buttons: true, template: { name: 'appointment_reminder', language: 'ru', parameters: ['{name}', '{text}'] } },
    },
    { kind: 'channel', connectionId: ids.telegram, proof: 'acted', minutes: 30, content: { buttons: true } },
    { kind: 'channel', connectionId: ids.max, proof: 'acted', minutes: 30, content: { buttons: true } },
    { kind: 'channel', connectionId: ids.smsc, proof: 'delivered', minutes: 60, content: {} },
    { kind: 'task', minutes: 120 },
  ]
}

/** Saves the route that everybody uses. Answers its id. */
export async function saveRoute(administrator: Administrator, steps: unknown[], name = 'Напоминание о приёме'): Promise<string> {
  return need('The route', await administrator.call('POST', '/routes', { name, isDefault: true, stopsWhenDealMoves: true, steps })).id as string
}

/** Says in which field of a deal the moment of the visit stands. */
export async function chooseVisitField(administrator: Administrator, at = 'begindate'): Promise<void> {
  need('The settings of conversations', await administrator.call('PUT', '/conversations', { oneChatPerPatient: false, appointment: { at, doctor: '', place: '', preparation: '', booking: false } }))
}

/** The patient starts both bots and shares the own number, as each bot asks. */
export async function introduce(patient: Handset, until: (what: string, check: () => boolean) => Promise<void>): Promise<void> {
  for (const messenger of ['telegram', 'max'] as const) {
    patient.start(messenger)
    await until(`${messenger} asks for the number`, () => patient.messages(messenger).some((message) => message.buttons.flat().some((button) => button.kind === 'contact')))
    patient.shareContact(messenger)
    await until(`${messenger} knows the patient`, () => patient.messages(messenger).some((message) => message.text.includes('мы вас узнали')))
  }
}
