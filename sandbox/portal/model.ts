import { type Booking, type Resource } from './bookings.ts'
import { OpenLines } from './lines/model.ts'

/** The data of one portal. Everything lives in memory; a portal is born with the process. */

export interface User {
  id: number
  name: string
  lastName: string
  email: string
  admin: boolean
  active: boolean
}

export interface Stage {
  id: string
  name: string
  sort: number
  categoryId: number
  /** `null` while the deal is in work, `S` won, `F` lost. */
  semantics: 'S' | 'F' | null
  color: string
}

export interface Multifield {
  id: number
  typeId: string
  valueType: string
  value: string
}

/** A CRM item in the camelCase form of crm.item.*; `fm` holds phones, mails and messengers (of all but deals). */
export type Item = Record<string, any> & { id: number, fm: Multifield[] }

export interface Binding {
  entityTypeId: number
  entityId: number
}

export interface Activity {
  id: number
  kind: 'configurable' | 'todo' | 'task' | 'line'
  providerId: string
  providerTypeId: string
  subject: string
  description: string
  completed: boolean
  deadline: string | null
  responsibleId: number
  authorId: number
  editorId: number
  createdAt: number
  updatedAt: number
  bindings: Binding[]
  originatorId: string | null
  originId: string | null
  /** The application that may update it; `null` for records of people. */
  clientId: string | null
  fields: Record<string, unknown>
  layout: any
  associatedEntityId: number
  /** Of a session of an open line: `USER_CODE`. */
  providerParams?: Record<string, unknown>
  communications?: Record<string, unknown>[]
}

export interface TimelineRecord {
  id: number
  kind: 'comment' | 'log'
  title: string
  text: string
  iconCode: string
  authorId: number
  createdAt: number
  owners: Binding[]
}

export interface Task {
  id: number
  fields: Record<string, any>
  createdBy: number
  createdAt: number
  activityId: number | null
}

export interface Notification {
  id: number
  userId: number
  message: string
  tag: string
  at: number
}

export interface Badge {
  code: string
  title: string
  value: string
  type: string
}

export interface EventHandler {
  id: number
  event: string
  handler: string
  /** The user whose token goes along; 0: the user who caused the event. */
  authType: number
  boundBy: number
}

export interface Placement {
  id: number
  placement: string
  handler: string
  title: string
  description: string
  groupName: string
  langAll: Record<string, any>
  options: Record<string, unknown>
  userId: number
}

export interface RobotDefinition {
  code: string
  handler: string
  authUserId: number
  /** Empty: whoever puts the robot into a funnel chooses. */
  useSubscription: 'Y' | 'N' | ''
  name: unknown
  description: unknown
  properties: Record<string, any>
  returnProperties: Record<string, any>
  documentType: string[] | null
  filter: any
  usePlacement: boolean
  placementHandler: string
}

export interface MessageSender {
  code: string
  type: string
  handler: string
  name: unknown
  description: unknown
}

export interface Connector {
  id: string
  name: string
  placementHandler: string
  flags: Record<string, boolean>
  /** Per open line: switched on, data given. */
  lines: Map<number, { active: boolean, error: boolean, data: Record<string, unknown> | null }>
}

export interface App {
  id: number
  clientId: string
  clientSecret: string
  name: string
  shape: 'local' | 'market'
  ui: boolean
  handlerUrl: string
  installUrl: string
  scopes: string[]
  version: number
  /** Present on the portal; false before the first installation and after removal. */
  present: boolean
  /** `installFinish` has been called (or was not needed). */
  installed: boolean
  /** The frame has not sent `setInstall` yet. */
  firstRun: boolean
  applicationToken: string
  options: Record<string, any>
  userOptions: Map<number, Record<string, any>>
  eventHandlers: EventHandler[]
  placements: Placement[]
  robots: Map<string, RobotDefinition>
  activities: Map<string, RobotDefinition>
  senders: Map<string, MessageSender>
  connectors: Map<string, Connector>
  /** Trigger code -> name. */
  triggers: Map<string, string>
  activityTypes: Set<string>
}

export interface RobotRun {
  eventToken: string
  workflowId: string
  clientId: string
  code: string
  dealId: number
  properties: Record<string, unknown>
  useSubscription: boolean
  timeoutSeconds: number | null
  startedAt: number
  /** HTTP status of the handler, or the reason why the call was lost. */
  delivered: number | string | null
  answered: boolean
  answeredAt: number | null
  isTimeout: boolean
  returnValues: Record<string, unknown> | null
  /** Answers that came when the process had gone on; the portal says `true` and ignores them. */
  lateAnswers: number
  log: string[]
  /** Stages that the deal entered while the run was waiting: a move does not end a run. */
  stagesPassed: string[]
}

export interface SentMessage {
  messageId: string
  clientId: string
  code: string
  to: string
  body: string
  status: string
  userId: number
  statuses: string[]
}

/** All that a portal holds. */
export class World {
  users = new Map<number, User>()
  stages: Stage[] = []
  categories: { id: number, name: string, sort: number }[] = []
  deals = new Map<number, Item>()
  contacts = new Map<number, Item>()
  leads = new Map<number, Item>()
  companies = new Map<number, Item>()
  readonly lines = new OpenLines()
  bookings = new Map<number, Booking>()
  resources = new Map<number, Resource>()
  /** The duplicate index: entity type, kind and normalised value -> ids. */
  communications = new Map<string, Set<number>>()
  activities = new Map<number, Activity>()
  timeline: TimelineRecord[] = []
  tasks = new Map<number, Task>()
  notifications: Notification[] = []
  badges = new Map<string, Badge>()
  messages = new Map<string, SentMessage>()
  apps = new Map<string, App>()
  runs = new Map<string, RobotRun>()
  firedTriggers: { code: string, ownerTypeId: number, ownerId: number, at: number }[] = []
  /** Where the clinic put a trigger: code -> the stage that a deal moves to. */
  triggerStages = new Map<string, string>()
  /** Kinds of ids that meet in one payload start far apart, so that a mix-up is noticed. */
  private lastIds = new Map<string, number>([['session', 320], ['chat', 1740], ['file', 5400], ['chat message', 85800]])

  nextId(kind: string): number {
    const id = (this.lastIds.get(kind) ?? 0) + 1
    this.lastIds.set(kind, id)
    return id
  }

  item(entityTypeId: number, id: number): Item | undefined {
    return this.store(entityTypeId)?.get(id)
  }

  /** 1 leads, 2 deals, 3 contacts, 4 companies. */
  store(entityTypeId: number): Map<number, Item> | undefined {
    return [undefined, this.leads, this.deals, this.contacts, this.companies][entityTypeId]
  }

  stageOf(deal: Item): Stage | undefined {
    return this.stages.find((stage) => stage.id === deal.stageId)
  }
}

/** Whether the text stands for yes in the portal's eyes: `Y`, `1`, `true`. */
export function isYes(value: unknown): boolean {
  return value === true || value === 1 || value === 'Y' || value === 'y' || value === '1' || value === 'true'
}

/** A date as the portal prints it, with its own time zone (+03:00). */
export function portalDate(epochMs: number): string {
  return `${new Date(epochMs + 3 * 3_600_000).toISOString().slice(0, 19)}+03:00`
}
