import { randomBytes } from 'node:crypto'
import { CallLog } from './calls.ts'
import { type PortalClock } from './clock.ts'
import { DeliveryQueue } from './deliveries.ts'
import { type LimitSettings, Limits } from './limits.ts'
import { Misbehaviours } from './misbehave.ts'
import { type App, portalDate, World } from './model.ts'
import { OAuthServer, type TokenPair } from './oauth.ts'

/** A page of the application that is open in a frame of the portal. */
export interface FrameSession {
  appSid: string
  clientId: string
  userId: number
  placement: string
  options: Record<string, unknown> | null
  tokens: TokenPair
}

export interface Webhook {
  code: string
  userId: number
  scopes: string[]
}

/** The parts of one portal, tied together; each file of this folder works on it. */
export class Engine {
  readonly world = new World()
  readonly misbehaviours = new Misbehaviours()
  readonly frames = new Map<string, FrameSession>()
  readonly webhooks = new Map<string, Webhook>()
  /** What the clinic set in the robot designer: robot code -> values. */
  readonly templates = new Map<string, Record<string, unknown>>()
  readonly memberId = randomBytes(16).toString('hex')
  readonly language = 'ru'
  /** Languages installed on the portal: a text in another one is refused with WRONG_LANG. */
  readonly languages = ['ru', 'en']
  readonly clock: PortalClock
  readonly oauth: OAuthServer
  readonly limits: Limits
  readonly calls: CallLog
  readonly queue: DeliveryQueue
  /** Where the portal lives now; changes when it is renamed. */
  origin = ''
  /** Where the OAuth server lives; stays. */
  oauthOrigin = ''
  /** The subscription of the application has ended: OAuth answers PAYMENT_REQUIRED. */
  paymentRequired = false

  constructor(options: { clock: PortalClock, limits: LimitSettings, callLogLimit: number }) {
    this.clock = options.clock
    this.oauth = new OAuthServer(this.world, options.clock)
    this.limits = new Limits(options.limits)
    this.calls = new CallLog(options.callLogLimit)
    this.queue = new DeliveryQueue(this.misbehaviours, () => new Date(this.clock.now()).toISOString())
  }

  get domain(): string {
    return new URL(this.origin).host
  }

  get clientEndpoint(): string {
    return `${this.origin}/rest/`
  }

  get serverEndpoint(): string {
    return `${this.oauthOrigin}/rest/`
  }

  /** Now, as the portal prints dates. */
  get date(): string {
    return portalDate(this.clock.now())
  }

  /** @throws Error when no such application is on the portal. */
  app(clientId: string): App {
    const app = this.world.apps.get(clientId)
    if (!app) throw new Error(`The portal has no application ${clientId}. Register it first.`)
    return app
  }

  isAdmin(userId: number): boolean {
    return this.world.users.get(userId)?.admin === true
  }
}

/** Status letter of an application: local or free from the Market. */
export function appStatus(app: App): string {
  return app.shape === 'local' ? 'L' : 'F'
}
