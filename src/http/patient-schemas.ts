/**
 * The patient page's and the connector page's part of the API (the rest: schemas.ts; the same rules hold).
 *
 * Whom a page may show is decided when the portal opens it: the person's own token must be able to read the card or the chat, and the
 * session then names it. So no request here says which patient it means.
 */
import { z } from 'zod'
import { Proof } from './schemas.ts'

const Localized = z.strictObject({ ru: z.string(), en: z.string() })
/** ISO 8601, UTC. */
const Moment = z.string()

/** How it was proved that a messenger account belongs to the patient. `operator`: a person confirmed it. */
export const IdentityProof = z.enum(['ownContact', 'startLink', 'phone', 'smsCode', 'operator'])

/** A messenger account: bound to the patient, or the unknown one that a chat was opened for. `key` is what the other calls take. */
export const IdentityView = z.strictObject({
  key: z.string(),
  connectionId: z.string(),
  channel: z.string(),
  channelTitle: Localized,
  connectionName: z.string(),
  /** As the messenger shows the person. */
  name: z.string().optional(),
  state: z.enum(['active', 'blocked']),
  proof: IdentityProof.optional(),
  boundAt: Moment.optional(),
  lastInboundAt: Moment.optional(),
  /** Can be written to now; `reason` says in one sentence of the page's language why not. */
  canWrite: z.boolean(),
  reason: z.string().optional(),
})

/** A card that an unknown person may belong to. */
export const Candidate = z.strictObject({ contactId: z.string(), name: z.string(), phone: z.string().optional() })

/** What an unknown person said of themselves; `isPhoneProved` after a native contact or an SMS code. */
export const Claim = z.strictObject({ name: z.string().optional(), phone: z.string().optional(), isPhoneProved: z.boolean(), at: Moment })

export const Appointment = z.strictObject({
  at: Moment,
  endsAt: Moment.optional(),
  doctor: z.string().optional(),
  place: z.string().optional(),
  service: z.string().optional(),
  preparation: z.string().optional(),
  source: z.enum(['deal', 'booking', 'api']),
})

/** A way to write first. `isProposed` is true for at most one; `reason` explains the proposal, or why the way is closed. */
export const WriteWay = z.strictObject({
  /** `i:<identity key>` or `c:<connection id>` for channels addressed by phone. */
  way: z.string(),
  channel: z.string(),
  channelTitle: Localized,
  connectionName: z.string(),
  isOpen: z.boolean(),
  isProposed: z.boolean(),
  reason: z.string(),
  textLength: z.number(),
  /** A first message there must be an approved template: free text is refused. */
  needsTemplate: z.boolean(),
})

export const RunningDelivery = z.strictObject({
  id: z.string(),
  startedAt: Moment,
  deadlineAt: Moment.optional(),
  purpose: z.string(),
  routeName: z.string(),
  steps: z.array(
    z.strictObject({
      title: z.string(),
      state: z.enum(['ahead', 'waiting', 'sending', 'unknown', 'out', 'failed', 'skipped']),
      proof: Proof.optional(),
      reason: z.string().optional(),
    }),
  ),
  /** Index in `steps`; -1 before the first. */
  step: z.number().int(),
  dueAt: Moment.optional(),
})

export const PatientView = z.strictObject({
  /** Which door the page came through. `chat`: the chat sidebar. */
  door: z.enum(['deal', 'contact', 'chat']),
  /** Absent: an unknown person, or a deal without a contact. */
  contact: z.strictObject({ contactId: z.string(), name: z.string(), phones: z.array(z.string()) }).optional(),
  deal: z.strictObject({ dealId: z.string(), title: z.string() }).optional(),
  /** The account whose chat the sidebar stands beside. */
  chat: z.strictObject({ identity: IdentityView, claim: Claim.optional(), candidates: z.array(Candidate) }).optional(),
  identities: z.array(IdentityView),
  appointment: Appointment.optional(),
  running: z.array(RunningDelivery),
  ways: z.array(WriteWay),
  /** Bots for which a personal start link can be made. */
  startLinks: z.array(z.strictObject({ connectionId: z.string(), channel: z.string(), channelTitle: Localized, connectionName: z.string() })),
  /** One chat per patient is on and the patient is proved: where the operator's reply goes. `auto` is the messenger last written from. */
  reply: z.strictObject({ choice: z.string(), options: z.array(z.strictObject({ key: z.string(), title: Localized })) }).optional(),
  /** Other contacts with one of the patient's phones: to be merged, or a family. */
  relatives: z.array(Candidate),
})

export const Typing = z.strictObject({ isTyping: z.boolean() })

export const HistoryFile = z.strictObject({ kind: z.enum(['image', 'video', 'audio', 'voice', 'sticker', 'file']), name: z.string(), sizeBytes: z.number().optional(), url: z.string().optional() })

export const HistoryEntry = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('message'),
    id: z.string(),
    at: Moment,
    channel: z.string(),
    channelTitle: Localized,
    connectionName: z.string(),
    direction: z.enum(['in', 'out']),
    /** `staff` past us, in the messenger's own application; `robot` is our own question or answer. */
    author: z.enum(['patient', 'operator', 'robot', 'staff']),
    authorName: z.string().optional(),
    text: z.string(),
    files: z.array(HistoryFile),
    place: z.strictObject({ latitude: z.number(), longitude: z.number(), title: z.string().optional(), address: z.string().optional() }).optional(),
    quotedText: z.string().optional(),
    /** Outbound only. */
    state: z.enum(['queued', 'sending', 'sent', 'delivered', 'read', 'failed', 'unknown']).optional(),
    /** One sentence, when it failed. */
    problem: z.string().optional(),
    isEdited: z.boolean(),
    isDeleted: z.boolean(),
  }),
  z.strictObject({
    kind: z.literal('delivery'),
    id: z.string(),
    at: Moment,
    purpose: z.string(),
    dealId: z.string(),
    routeName: z.string(),
    text: z.string(),
    status: z.enum(['running', 'reached', 'notReached', 'stopped']),
    channel: z.string().optional(),
    proof: Proof.optional(),
    answer: z.enum(['confirm', 'move', 'cancel', 'replied']).optional(),
    steps: z.array(z.strictObject({ title: z.string(), state: z.string(), proof: Proof.optional(), at: Moment.optional() })),
  }),
])

/** Newest first. `next` is the cursor of the page before; absent at the beginning of the history. */
export const History = z.strictObject({ entries: z.array(HistoryEntry), next: z.string().optional() })

/** All optional. `kinds`: comma list of `message`, `delivery`; `channel`: a channel id; `q`: words in the text; `limit`: 1-100, 50 by itself. */
export const HistoryQuery = z.strictObject({
  before: z.string().max(200).optional(),
  channel: z.string().max(40).optional(),
  kinds: z.string().max(40).optional(),
  q: z.string().trim().max(100).optional(),
  limit: z.coerce.number().int().min(1).max(100).optional(),
})

export const WriteForm = z.strictObject({ way: z.string().max(200), text: z.string().trim().min(1).max(4096), template: z.strictObject({ name: z.string().min(1).max(512), language: z.string().min(2).max(15), parameters: z.array(z.string().max(1024)).max(20) }).optional() })
export const BindForm = z.strictObject({ key: z.string().max(200), contactId: z.string().regex(/^\d{1,15}$/) })
/** The operator confirms the phone that the person typed (it is then searched, and a contact made when there is none). */
export const ConfirmForm = z.strictObject({ key: z.string().max(200) })
export const UnbindForm = z.strictObject({ key: z.string().max(200) })
export const ReplyForm = z.strictObject({ key: z.string().max(200) })
/** `contactId` is merged into the page's patient. */
export const MergeForm = z.strictObject({ contactId: z.string().regex(/^\d{1,15}$/) })
export const StartLinkForm = z.strictObject({ connectionId: z.string().max(100) })
export const StartLink = z.strictObject({ url: z.string(), expiresAt: Moment })
export const ContactSearch = z.strictObject({ contacts: z.array(Candidate) })

/** Who did what with the patient's accounts; newest first, at most 100. `by`: `patient`, `application`, or an employee's name. */
export const IdentityLog = z.strictObject({
  lines: z.array(z.strictObject({ at: Moment, channelTitle: Localized.optional(), what: z.enum(['asked', 'claimed', 'codeSent', 'codeWrong', 'forgedContact', 'ambiguous', 'bound', 'unbound', 'notMe', 'merged', 'created', 'linkMade']), proof: IdentityProof.optional(), by: z.string() })),
})

/** The SETTING_CONNECTOR page: one connector on one open line. */
export const ConnectorView = z.strictObject({
  connector: z.string(),
  /** Absent: the connector of "one chat per patient", which has no connection of its own. */
  channel: z.string().optional(),
  title: Localized,
  line: z.strictObject({ id: z.string(), name: z.string(), isActive: z.boolean(), createsLeads: z.boolean(), asksVote: z.boolean() }),
  /** The connection that this line speaks for. */
  connectionId: z.string().optional(),
  /** Those of this channel; `lineName` where another line has it. */
  connections: z.array(z.strictObject({ id: z.string(), name: z.string(), title: z.string(), state: z.enum(['working', 'broken', 'off']), problem: z.string().optional(), lineName: z.string().optional() })),
  status: z.enum(['active', 'inactive', 'error']),
  /** What is not as it is to be, each one sentence with what to do. Other connectors of ours on this line stand here too (F20). */
  problems: z.array(z.string()),
})
/** `connectionId` is absent for the connector of "one chat per patient". */
export const ActivateForm = z.strictObject({ connectionId: z.string().max(100).optional() })

/** Where appointments come from: the deal's fields by name, empty when not used; `booking` reads Bitrix24 online booking. */
export const AppointmentSettings = z.strictObject({
  at: z.string().max(60), doctor: z.string().max(60), place: z.string().max(60), preparation: z.string().max(60), booking: z.boolean(),
})
export const ConversationSettings = z.strictObject({
  oneChatPerPatient: z.boolean(),
  appointment: AppointmentSettings,
  /** Fields of the portal's deals to choose from. */
  dealFields: z.array(z.strictObject({ name: z.string(), title: z.string() })),
  /** Keys of the application's HTTP API; the key itself is shown once, when it is made. */
  apiKeys: z.array(z.strictObject({ id: z.string(), name: z.string(), createdAt: Moment, lastUsedAt: Moment.optional() })),
  /** Connectors of others in this portal that write to MAX by phone number (A6), by title. */
  warnings: z.array(z.string()),
})
export const ConversationSettingsForm = z.strictObject({ oneChatPerPatient: z.boolean(), appointment: AppointmentSettings })
export const ApiKeyForm = z.strictObject({ name: z.string().trim().min(1).max(80) })
export const ApiKey = z.strictObject({ id: z.string(), key: z.string() })

export type IdentityProof = z.infer<typeof IdentityProof>
export type IdentityView = z.infer<typeof IdentityView>
export type Candidate = z.infer<typeof Candidate>
export type Claim = z.infer<typeof Claim>
export type Appointment = z.infer<typeof Appointment>
export type WriteWay = z.infer<typeof WriteWay>
export type RunningDelivery = z.infer<typeof RunningDelivery>
export type PatientView = z.infer<typeof PatientView>
export type HistoryFile = z.infer<typeof HistoryFile>
export type HistoryEntry = z.infer<typeof HistoryEntry>
export type History = z.infer<typeof History>
export type HistoryQuery = z.infer<typeof HistoryQuery>
export type WriteForm = z.infer<typeof WriteForm>
export type IdentityLog = z.infer<typeof IdentityLog>
export type StartLink = z.infer<typeof StartLink>
export type Typing = z.infer<typeof Typing>
export type ConnectorView = z.infer<typeof ConnectorView>
export type ConversationSettings = z.infer<typeof ConversationSettings>
export type ConversationSettingsForm = z.infer<typeof ConversationSettingsForm>
export type ApiKey = z.infer<typeof ApiKey>

/*
 * Routes:
 *   GET    /api/patient                                -> PatientView
 *   GET    /api/patient/history?before&channel&kinds&q&limit -> History
 *   GET    /api/patient/typing                         -> Typing            (asked every few seconds; the portal is not)
 *   GET    /api/patient/log                            -> IdentityLog
 *   GET    /api/patient/contacts?q                     -> ContactSearch     (name or phone, for binding by hand)
 *   POST   /api/patient/write       WriteForm          -> {}                (NOT_PROVED, CHANNEL_REFUSED, FORM_INVALID)
 *   POST   /api/patient/bind        BindForm           -> PatientView
 *   POST   /api/patient/confirm     ConfirmForm        -> PatientView
 *   POST   /api/patient/unbind      UnbindForm         -> PatientView
 *   POST   /api/patient/reply       ReplyForm          -> PatientView       (one chat per patient: where replies go; key "auto")
 *   POST   /api/patient/merge       MergeForm          -> PatientView
 *   POST   /api/patient/start-link  StartLinkForm      -> StartLink
 *   POST   /api/patient/deliveries/:id/stop            -> PatientView
 *   POST   /api/patient/deliveries/:id/next            -> PatientView
 *   GET    /api/connector                              -> ConnectorView     (administrators)
 *   POST   /api/connector/activate  ActivateForm       -> ConnectorView
 *   POST   /api/connector/deactivate                   -> ConnectorView
 *   (a new connection is made by POST /api/connections, its channel's fields come with GET /api/overview)
 *   GET    /api/conversations                          -> ConversationSettings (administrators)
 *   PUT    /api/conversations       ConversationSettingsForm -> ConversationSettings
 *   POST   /api/api-keys            ApiKeyForm         -> ApiKey
 *   DELETE /api/api-keys/:id                           -> {}
 */
