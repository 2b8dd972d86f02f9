/**
 * The application's own API, used by its pages: strict in, strict out. Pages import the types of this file and nothing else of `src`.
 *
 * Every request carries `Authorization: Bearer <session>`; the session comes in the page that the portal opened.
 * An error answers `{ code, message, fields? }`: `message` is one sentence for the person, `fields` has one per form field.
 */
import { z } from 'zod'

export const Proof = z.enum(['accepted', 'sent', 'delivered', 'read', 'acted'])
const Localized = z.strictObject({ ru: z.string(), en: z.string() })

export const ApiError = z.strictObject({ code: z.string(), message: z.string(), fields: z.record(z.string(), z.string()).optional() })

/** A messenger that can be connected: everything the settings page needs to draw its form and the route editor its choices. */
export const ChannelInfo = z.strictObject({
  id: z.string(),
  title: Localized,
  receipts: z.array(Proof),
  hasButtons: z.boolean(),
  needsTemplate: z.boolean(),
  isGrey: z.boolean(),
  guide: z.array(Localized),
  isManualOnly: z.boolean(),
  addressedBy: z.enum(['phone', 'email', 'identity']),
  textLength: z.number(),
  fields: z.array(
    z.strictObject({
      name: z.string(),
      label: Localized,
      hint: Localized.optional(),
      secret: z.boolean(),
      required: z.boolean(),
      advanced: z.boolean(),
      multiline: z.boolean(),
      default: z.string().optional(),
    }),
  ),
})

/** `values` holds what is not secret; a secret that is set is only named in `secretsSet`. */
export const Connection = z.strictObject({
  id: z.string(),
  channel: z.string(),
  name: z.string(),
  state: z.enum(['working', 'broken', 'off']),
  /** One sentence about what is wrong, when something is. */
  problem: z.string().optional(),
  title: z.string(),
  details: z.array(z.strictObject({ label: Localized, value: z.string() })),
  /** What may stop it soon, each a sentence that says what to do. */
  warnings: z.array(Localized),
  values: z.record(z.string(), z.string()),
  secretsSet: z.array(z.string()),
  /** The address to enter at vendors whose webhook cannot be set by API. */
  hookUrl: z.string(),
  /** The address of the page that the messenger opens for patients, to be entered in its account. */
  miniAppUrl: z.string().optional(),
  checkedAt: z.string().optional(),
})

export const ConnectionForm = z.strictObject({
  channel: z.string().min(1).max(40),
  name: z.string().trim().min(1).max(80),
  /** On update a missing or empty secret keeps the stored one. */
  credentials: z.record(z.string().max(60), z.string().max(20_000)),
})

export const CheckResult = z.strictObject({
  ok: z.boolean(),
  message: z.string(),
  title: z.string().optional(),
  details: z.array(z.strictObject({ label: Localized, value: z.string() })),
})

/** "Send a test to me": a phone for channels addressed by phone, one of `chats` for bots. */
export const TestForm = z.strictObject({ to: z.string().trim().min(1).max(100) })
export const TestResult = z.strictObject({ ok: z.boolean(), message: z.string() })
/** The latest chats of a bot connection, so that an administrator who wrote to the bot can be chosen for the test. */
export const Chats = z.strictObject({ chats: z.array(z.strictObject({ id: z.string(), name: z.string(), at: z.string() })) })

export const RouteStep = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('channel'),
    connectionId: z.string(),
    proof: Proof,
    minutes: z.number().int(),
    content: z.strictObject({
      text: z.string().max(4096).optional(),
      template: z.strictObject({ name: z.string().min(1).max(512), language: z.string().min(2).max(15), parameters: z.array(z.string().max(1024)).max(20) }).optional(),
      buttons: z.boolean().optional(),
    }),
  }),
  z.strictObject({ kind: z.literal('task'), minutes: z.number().int() }),
])

export const RouteForm = z.strictObject({
  name: z.string().trim().min(1).max(80),
  isDefault: z.boolean(),
  stopsWhenDealMoves: z.boolean(),
  steps: z.array(RouteStep).max(20),
})

export const Route = z.strictObject({ id: z.string(), ...RouteForm.shape })

/** Refusal of a route: code ROUTE_IMPOSSIBLE; `fields` keys are `steps.<n>` or `steps`, values are sentences in the page's language. */
export const DeliverySummary = z.strictObject({
  id: z.string(),
  at: z.string(),
  routeName: z.string(),
  purpose: z.string(),
  dealId: z.string(),
  status: z.enum(['running', 'reached', 'notReached', 'stopped']),
  /** Channel that reached the patient, or the one that is being tried. */
  channel: z.string().optional(),
  proof: Proof.optional(),
  answer: z.enum(['confirm', 'move', 'cancel', 'replied']).optional(),
})

export const Overview = z.strictObject({
  portal: z.strictObject({
    domain: z.string(),
    language: z.enum(['ru', 'en']),
    timeZone: z.string(),
    state: z.enum(['installed', 'needsReinstall', 'uninstalled']),
    /** Registrations in the portal that are not as the manifest wants them, in words; empty when all is well. */
    problems: z.array(z.string()),
  }),
  user: z.strictObject({ isAdmin: z.boolean() }),
  channels: z.array(ChannelInfo),
  connections: z.array(Connection),
  routes: z.array(Route),
  deliveries: z.array(DeliverySummary),
})

/** What the robot's settings page chooses from. */
export const RobotSettings = z.strictObject({
  routes: z.array(z.strictObject({ id: z.string(), name: z.string(), isDefault: z.boolean(), summary: z.string() })),
})

/** POST /api/install: registrations made or repaired, one line each. Safe to repeat. */
export const InstallResult = z.strictObject({
  ok: z.boolean(),
  steps: z.array(z.strictObject({ name: z.string(), ok: z.boolean(), message: z.string() })),
})

const ClinicFacts = z.strictObject({ name: z.string().optional(), address: z.string().optional(), mapUrl: z.string().optional(), phone: z.string().optional() })

/** What a patient sees on the page that a messenger opens. Moments are ISO 8601. */
export const MiniAppView = z.strictObject({
  clinic: ClinicFacts,
  language: z.enum(['ru', 'en']),
  timeZone: z.string(),
  /** False: the messenger's account is nobody's that the clinic knows, so nothing of a patient is shown. */
  isKnown: z.boolean(),
  visit: z
    .strictObject({
      at: z.string(),
      endsAt: z.string().optional(),
      doctor: z.string().optional(),
      place: z.string().optional(),
      service: z.string().optional(),
      preparation: z.string().optional(),
      answer: z.enum(['confirm', 'move', 'cancel']).optional(),
    })
    .optional(),
})
/** `launchData` as the messenger gave it to the page; it comes with every request. */
export const MiniAppLaunch = z.strictObject({ launchData: z.string().min(1).max(8000) })
/** `at` of the visit that the patient saw: an answer never counts for another one. */
export const MiniAppAnswer = z.strictObject({ launchData: z.string().min(1).max(8000), answer: z.enum(['confirm', 'move', 'cancel']), at: z.iso.datetime() })

/** Put by the server into every page as `<script type="application/json" id="estafeta-boot">`. */
export const Boot = z.strictObject({
  session: z.string(),
  language: z.enum(['ru', 'en']),
  placement: z.string(),
  /** PLACEMENT_OPTIONS as the portal sent them, parsed. */
  options: z.unknown(),
  isAdmin: z.boolean(),
})

export type ApiError = z.infer<typeof ApiError>
export type ChannelInfo = z.infer<typeof ChannelInfo>
export type Connection = z.infer<typeof Connection>
export type ConnectionForm = z.infer<typeof ConnectionForm>
export type CheckResult = z.infer<typeof CheckResult>
export type TestResult = z.infer<typeof TestResult>
export type Chats = z.infer<typeof Chats>
export type RouteStep = z.infer<typeof RouteStep>
export type RouteForm = z.infer<typeof RouteForm>
export type Route = z.infer<typeof Route>
export type DeliverySummary = z.infer<typeof DeliverySummary>
export type Overview = z.infer<typeof Overview>
export type RobotSettings = z.infer<typeof RobotSettings>
export type InstallResult = z.infer<typeof InstallResult>
export type Boot = z.infer<typeof Boot>
export type MiniAppView = z.infer<typeof MiniAppView>

/*
 * Routes of the API:
 *   GET    /api/overview                     -> Overview
 *   POST   /api/connections                  ConnectionForm -> Connection        (live check first; FORM_INVALID / CHANNEL_REFUSED)
 *   PUT    /api/connections/:id              ConnectionForm -> Connection
 *   DELETE /api/connections/:id              -> {}                               (CONFLICT when a route uses it)
 *   POST   /api/connections/:id/check        -> CheckResult
 *   GET    /api/connections/:id/chats        -> Chats
 *   POST   /api/connections/:id/test         TestForm -> TestResult
 *   POST   /api/routes                       RouteForm -> Route                  (ROUTE_IMPOSSIBLE)
 *   PUT    /api/routes/:id                   RouteForm -> Route
 *   DELETE /api/routes/:id                   -> {}
 *   GET    /api/robot-settings               -> RobotSettings
 *   POST   /api/install                      -> InstallResult
 */
