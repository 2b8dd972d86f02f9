import { createHash } from 'node:crypto'
import { z } from 'zod'
import { repetitionKeyOf } from './connector-events.ts'
import { crmItemOf, type CrmItem } from './crm-item.ts'
import { type FormBody } from './form.ts'
import { pageLanguage } from './language.ts'
import { scopesOf } from './oauth.ts'

export { crmItemOf, type CrmItem } from './crm-item.ts'
export { decodeForm, type FormBody } from './form.ts'

/**
 * What the portal posts to us, read without trusting it: who sent it is decided by comparing `auth.applicationToken` with the
 * stored one, and no address in it is ever called.
 *
 * Every parser returns a value or the reason why there is none, never throws, and keeps secrets apart from what may be stored
 * and logged.
 */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string }

/** Secrets and claims of a post. Only the member id is always there: robots and agents act without a user's token. */
export interface IncomingAuth {
  readonly memberId: string
  readonly applicationToken?: string
  readonly accessToken?: string
  readonly refreshToken?: string
  readonly expiresInSeconds?: number
  readonly userId?: string
  readonly domain?: string
  readonly clientEndpoint?: string
  readonly serverEndpoint?: string
  readonly scope: readonly string[]
  readonly status?: string
}

const Text = z.union([z.string(), z.number()]).transform(String)
const OptionalText = Text.optional().catch(undefined)
const OptionalNumber = z.coerce.number().optional().catch(undefined)

/** 32 hex digits today; anything of that kind that fits into a key. */
const MemberId = z.string().regex(/^[\w.-]{1,64}$/)

const Auth = z.looseObject({
  member_id: MemberId,
  application_token: OptionalText,
  access_token: OptionalText,
  refresh_token: OptionalText,
  expires_in: OptionalNumber,
  user_id: OptionalText,
  domain: OptionalText,
  client_endpoint: OptionalText,
  server_endpoint: OptionalText,
  scope: z.string().default('').catch(''),
  status: OptionalText,
})

const authOf = (auth: z.infer<typeof Auth>): IncomingAuth => ({
  memberId: auth.member_id,
  applicationToken: auth.application_token,
  accessToken: auth.access_token,
  refreshToken: auth.refresh_token,
  expiresInSeconds: auth.expires_in,
  userId: auth.user_id,
  domain: auth.domain,
  clientEndpoint: auth.client_endpoint,
  serverEndpoint: auth.server_endpoint,
  scope: scopesOf(auth.scope),
  status: auth.status,
})

const reasonOf = (what: string, error: z.ZodError): string => {
  const fields = [...new Set(error.issues.map(({ path }) => path.map(String).join('.') || 'body'))]
  return `${what} without a readable ${fields.join(', ')}`
}

const digestOf = (...parts: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(parts.map(inOrder))).digest('hex')

/** Maps in one order of keys, so that equal bodies have equal digests. */
const inOrder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOrder)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, inOrder(inner)]),
  )
}

const secondsToMs = (seconds: number | undefined): number | undefined => (seconds === undefined || !Number.isFinite(seconds) ? undefined : seconds * 1000)

/** An event of the portal. `data` is a map, a list or a bare string. */
export interface PortalEvent {
  /** Upper case: the pages of the documentation differ. */
  readonly name: string
  /** The same for every repetition of the same event, different for different ones. */
  readonly key: string
  readonly handlerId?: string
  readonly data: unknown
  /** Epoch milliseconds. */
  readonly at?: number
  readonly auth: IncomingAuth
  /** The body without `auth`. */
  readonly publicPart: FormBody
}

const Event = z.looseObject({
  event: z.string().min(1),
  event_handler_id: OptionalText,
  eventId: OptionalText,
  data: z.unknown().optional(),
  ts: OptionalNumber,
  auth: Auth,
})

/**
 * Reads an event post.
 *
 * @see https://apidocs.bitrix24.com/api-reference/events/index.html
 */
export const parseEvent = (body: unknown): Parsed<PortalEvent> => {
  const parsed = Event.safeParse(body)
  if (!parsed.success) return { ok: false, reason: reasonOf('an event', parsed.error) }
  const { event, event_handler_id: id, eventId, data, ts, auth } = parsed.data
  const name = event.toUpperCase()
  const handlerId = id ?? eventId
  const repetition = repetitionKeyOf({ name, data, at: secondsToMs(ts) })
  const value: PortalEvent = {
    name,
    key: `event:${repetition === undefined ? digestOf(auth.member_id, name, ts ?? '', data ?? '', handlerId ?? '') : digestOf(auth.member_id, name, repetition)}`,
    handlerId,
    data: data ?? {},
    at: secondsToMs(ts),
    auth: authOf(auth),
    publicPart: withoutSecrets(body as FormBody),
  }
  return { ok: true, value }
}

const withoutSecrets = (body: FormBody): FormBody => Object.fromEntries(Object.entries(body).filter(([key]) => key !== 'auth' && key !== 'event_token'))

/** What an event says of the application itself. */
export type Lifecycle =
  | { readonly kind: 'installed' | 'updated'; readonly version?: string; readonly language?: string }
  /** `clean`: the administrator asked for the data to be deleted. */
  | { readonly kind: 'uninstalled'; readonly clean: boolean }

const LifecycleData = z.looseObject({ VERSION: OptionalText, LANGUAGE_ID: OptionalText, CLEAN: OptionalText }).catch({})

/**
 * The application's own life in an event, or undefined for any other event.
 *
 * @see https://apidocs.bitrix24.com/api-reference/common/events/index.html
 */
export const lifecycleOf = (event: Pick<PortalEvent, 'name' | 'data'>): Lifecycle | undefined => {
  const data = LifecycleData.parse(event.data)
  if (event.name === 'ONAPPUNINSTALL') return { kind: 'uninstalled', clean: data.CLEAN === '1' || data.CLEAN === 'Y' }
  const kind = event.name === 'ONAPPINSTALL' ? 'installed' : event.name === 'ONAPPUPDATE' ? 'updated' : undefined
  return kind === undefined ? undefined : { kind, version: data.VERSION, language: data.LANGUAGE_ID }
}

/** One run of one of our robots in one card. */
export interface RobotCall {
  readonly code: string
  /** The same for every repetition of the same run. */
  readonly key: string
  readonly workflowId: string
  readonly item: CrmItem
  /** Lets its holder answer the robot, so it is as secret as a token. */
  readonly eventToken: string
  /** By the names of the robot's properties; a text for the patient is among them. */
  readonly properties: Readonly<Record<string, unknown>>
  /** Whether the robot waits for `bizproc.event.send`. */
  readonly isWaiting: boolean
  /** How long it waits, where the author of the automation has set that. */
  readonly timeoutSeconds?: number
  readonly at?: number
  readonly auth: IncomingAuth
  /** The body without `auth` and the event token. */
  readonly publicPart: FormBody
}

const Robot = z.looseObject({
  code: z.string().min(1),
  workflow_id: z.string().default(''),
  document_id: z.tuple([z.string(), z.string(), z.string()]),
  event_token: z.string().min(1),
  properties: z
    .union([z.record(z.string(), z.unknown()), z.array(z.unknown()).transform(() => ({}))])
    .default({})
    .catch({}),
  use_subscription: OptionalText,
  timeout_duration: OptionalNumber,
  ts: OptionalNumber,
  auth: Auth,
})

/**
 * Reads a robot's call.
 *
 * @see https://apidocs.bitrix24.com/api-reference/bizproc/bizproc-robot/index.html
 */
export const parseRobotCall = (body: unknown): Parsed<RobotCall> => {
  const parsed = Robot.safeParse(body)
  if (!parsed.success) return { ok: false, reason: reasonOf('a robot call', parsed.error) }
  const { code, workflow_id: workflowId, document_id: documentId, event_token: eventToken, properties, use_subscription: waits, ts, auth } = parsed.data
  const item = crmItemOf(documentId[2])
  if (item === undefined) return { ok: false, reason: 'a robot call of an unknown kind of card' }
  const timeoutSeconds = parsed.data.timeout_duration
  const value: RobotCall = {
    code,
    key: `robot:${digestOf(eventToken)}`,
    workflowId,
    item,
    eventToken,
    properties,
    isWaiting: waits === 'Y',
    timeoutSeconds: timeoutSeconds === undefined || !(timeoutSeconds > 0) ? undefined : timeoutSeconds,
    at: secondsToMs(ts),
    auth: authOf(auth),
    publicPart: withoutSecrets(body as FormBody),
  }
  return { ok: true, value }
}

/** A page of ours opened in a frame of the portal, by the person whose tokens are in `auth`. */
export interface PagePost {
  readonly auth: IncomingAuth
  /** `DEFAULT` for the application's own page. */
  readonly placement: string
  readonly options: Readonly<Record<string, unknown>>
  readonly language: 'ru' | 'en'
  /** Host of the portal as the frame knows it: for `frame-ancestors` and nothing else. */
  readonly domain: string
  readonly isHttps: boolean
  readonly appSid: string
}

const PageQuery = z.looseObject({
  DOMAIN: z.string().regex(/^[a-z0-9.-]+(?::\d+)?$/i),
  PROTOCOL: Text.default('1'),
  LANG: z.string().default('').catch(''),
  APP_SID: z.string().default('').catch(''),
})
const PageBody = z.looseObject({
  AUTH_ID: z.string().min(1),
  AUTH_EXPIRES: OptionalNumber,
  REFRESH_ID: OptionalText,
  SERVER_ENDPOINT: OptionalText,
  APPLICATION_TOKEN: OptionalText,
  APPLICATION_SCOPE: z.string().default('').catch(''),
  member_id: MemberId,
  status: OptionalText,
  PLACEMENT: z.string().default('DEFAULT').catch('DEFAULT'),
  PLACEMENT_OPTIONS: z.unknown().optional(),
})

/**
 * Reads the post that opens a page.
 *
 * @see https://apidocs.bitrix24.com/api-reference/widgets/index.html
 */
export const parsePagePost = (query: unknown, body: unknown): Parsed<PagePost> => {
  const parsedQuery = PageQuery.safeParse(query)
  if (!parsedQuery.success) return { ok: false, reason: reasonOf('a page', parsedQuery.error) }
  const parsedBody = PageBody.safeParse(body)
  if (!parsedBody.success) return { ok: false, reason: reasonOf('a page', parsedBody.error) }
  const { DOMAIN: domain, PROTOCOL: protocol, LANG: language, APP_SID: appSid } = parsedQuery.data
  const page = parsedBody.data
  const value: PagePost = {
    auth: {
      memberId: page.member_id,
      applicationToken: page.APPLICATION_TOKEN,
      accessToken: page.AUTH_ID,
      refreshToken: page.REFRESH_ID,
      expiresInSeconds: page.AUTH_EXPIRES,
      domain,
      serverEndpoint: page.SERVER_ENDPOINT,
      scope: scopesOf(page.APPLICATION_SCOPE),
      status: page.status,
    },
    placement: page.PLACEMENT,
    options: optionsOf(page.PLACEMENT_OPTIONS),
    language: pageLanguage(language) ?? 'en',
    domain,
    isHttps: protocol !== '0',
    appSid,
  }
  return { ok: true, value }
}

/** A JSON string, absent on the main page; PHP writes an empty map as `[]`. */
const optionsOf = (text: unknown): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : text
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
