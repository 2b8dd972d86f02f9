import { createClock, type Clock } from './clock.ts'
import { type Handset } from './messengers/handset.ts'
import { type MaxBot } from './messengers/max.ts'
import { startMessengers, type Messengers } from './messengers/messengers.ts'
import { type SmscAccount } from './messengers/smsc.ts'
import { type TelegramBot } from './messengers/telegram.ts'
import { type WhatsAppNumber } from './messengers/whatsapp.ts'
import { startPlay, type RobotWish } from './play.ts'
import { startPortal, type Portal, type PortalOptions, type RobotRun } from './portal/portal.ts'

/** How to start the outer world. */
export interface WorldOptions {
  /** File that the application follows the time by (its setting CLOCK_FILE). */
  clockFile?: string
  /** Simulated milliseconds per real one; 1 when left out. */
  speed?: number
  /** First simulated moment; the real one when left out. */
  startAt?: number
  /** 0 or left out: a free port of the loopback interface. */
  ports?: { portal?: number, messengers?: number, page?: number }
  seed?: number
  portal?: Omit<PortalOptions, 'port' | 'clock'>
}

/** A clinic with its portal, its accounts in four messengers, and a patient with four apps on the phone. */
export interface World {
  readonly clock: Clock
  readonly portal: Portal
  readonly messengers: Messengers
  /** Address of the page to play with. */
  readonly origin: string
  readonly dealId: number
  readonly contactId: number
  readonly patient: Handset
  readonly accounts: { whatsapp: WhatsAppNumber, telegram: TelegramBot, max: MaxBot, sms: SmscAccount }
  /** Where the page's links go. */
  readonly links: { application: string | null, deal: string }
  /** Tells the page how to open the application. */
  setApplicationLink(url: string): void
  /** Values of the robot's properties that a run has when nobody asks for others, like the clinic's settings of the robot. */
  setRobotDefaults(properties: Record<string, unknown>): void
  /** Runs the robot that the installed application registered first, with this text. @throws Error when there is none */
  runRobot(wish?: RobotWish): { eventToken: RobotRun['eventToken'] }
  stop(): Promise<void>
}

const months = ['января', 'февраля', 'марта', 'апреля', 'мая', 'июня', 'июля', 'августа', 'сентября', 'октября', 'ноября', 'декабря']

/** Tomorrow at ten in Moscow, as a person writes it and as the CRM keeps it. */
function tomorrowAtTen(now: number): { words: string, iso: string } {
  const day = new Date(now + 3 * 3_600_000 + 86_400_000).toISOString().slice(0, 10)
  return { words: `${Number(day.slice(8))} ${months[Number(day.slice(5, 7)) - 1]!}, 10:00`, iso: `${day}T10:00:00+03:00` }
}

/** Starts the outer world on 127.0.0.1: time, a portal with a deal, the messengers, and the page. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const clock = createClock({ speed: options.speed, file: options.clockFile, startAt: options.startAt })
  const { ports = {} } = options
  const messengers = await startMessengers({ clock, port: ports.messengers, seed: options.seed, allowLoopbackHttp: true })
  const portal = await startPortal({ ...options.portal, port: ports.portal, clock })

  const patient = messengers.addPatient({ name: 'Иван Петров', phone: '+79000000001' })
  const accounts = {
    whatsapp: messengers.addWhatsAppNumber(),
    telegram: messengers.addTelegramBot(),
    max: messengers.addMaxBot(),
    sms: messengers.addSmscAccount(),
  }
  const visit = tomorrowAtTen(clock.now())
  const contact = portal.addContact({ name: 'Иван', lastName: 'Петров', phones: [patient.patient.phone], assignedById: 2 })
  const deal = portal.addDeal({
    title: `Приём ${visit.words}`, stageId: 'NEW', contactId: contact.id, contactIds: [contact.id], assignedById: 2, begindate: visit.iso,
  })

  let application: string | null = null
  let robotDefaults: Record<string, unknown> = {}
  const portalApp = (): string | null => {
    const app = portal.state({ dealId: deal.id }).app
    return app === null ? null : `${portal.origin}/app/${app.clientId}/`
  }
  const world: World = {
    clock,
    portal,
    messengers,
    get origin() { return play.origin },
    dealId: deal.id,
    contactId: contact.id,
    patient,
    accounts,
    get links() { return { application: application ?? portalApp(), deal: `${portal.origin}/crm/deal/details/${deal.id}/` } },
    setApplicationLink: (url) => { application = url },
    setRobotDefaults: (properties) => { robotDefaults = properties },
    runRobot({ text, code, properties } = {}) {
      const first = portal.state({ dealId: deal.id }).app?.robots[0]
      const chosen = code ?? first
      if (chosen === undefined) throw new Error('Установите приложение на портал: робота пока нет.')
      const words = text === undefined || text === '' ? `Напоминаем: у вас приём ${visit.words}, доктор Смирнова.` : text
      const run = portal.runRobot({ dealId: deal.id, code: chosen, properties: { ...robotDefaults, text: words, ...properties } })
      return { eventToken: run.eventToken }
    },
    async stop() {
      await play.close()
      await portal.close()
      await messengers.stop()
      clock.stop()
    },
  }
  const play = await startPlay(() => world, ports.page ?? 0)
  return world
}
