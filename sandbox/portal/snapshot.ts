import { type Engine } from './engine.ts'
import { readBlocks, readText } from './layout.ts'
import { type Activity, type Binding, type Item } from './model.ts'

/** One record of a timeline as a person sees it. */
export interface TimelineEntry {
  id: number
  kind: 'configurable' | 'todo' | 'task' | 'line' | 'comment' | 'log'
  title: string
  tags: { title: string, type: string }[]
  lines: string[]
  completed: boolean
  /** ISO times of the portal clock. */
  createdAt: string
  updatedAt: string
  deadline: string | null
  icon: string
  logo: string
  /** Buttons of a configurable activity: what is written on them and the id of their event. */
  buttons: { title: string, action: string, id: string }[]
  owners: Binding[]
}

export interface PortalState {
  deal: Record<string, any> | null
  contact: Record<string, any> | null
  stages: { id: string, name: string, semantics: 'S' | 'F' | null, sort: number, categoryId: number }[]
  /** Newest first. */
  timeline: TimelineEntry[]
  robotRuns: {
    eventToken: string, code: string, dealId: number, startedAt: string, properties: Record<string, unknown>, delivered: number | string | null
    answered: boolean, answeredAt: string | null, isTimeout: boolean, returnValues: Record<string, unknown> | null, lateAnswers: number, log: string[], stagesPassed: string[]
  }[]
  triggers: { code: string, ownerTypeId: number, ownerId: number, at: string }[]
  app: {
    clientId: string, name: string, installed: boolean, version: number, scopes: string[], robots: string[], activities: string[], triggers: { code: string, name: string }[]
    events: { event: string, handler: string }[], placements: { placement: string, title: string }[], senders: string[], connectors: string[]
  } | null
  notifications: { id: number, userId: number, message: string, tag: string, at: string }[]
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

function dealData(engine: Engine, deal: Item): Record<string, any> {
  const stage = engine.world.stageOf(deal)
  return { ...deal, stageName: stage?.name ?? deal.stageId, semantics: stage?.semantics ?? null }
}

function contactData(contact: Item): Record<string, any> {
  return {
    ...contact,
    phones: contact.fm.filter((entry) => entry.typeId === 'PHONE').map((entry) => entry.value),
    emails: contact.fm.filter((entry) => entry.typeId === 'EMAIL').map((entry) => entry.value),
  }
}

function activityEntry(engine: Engine, activity: Activity): TimelineEntry {
  const language = engine.language
  const layout = activity.layout
  const tags = Object.values((layout?.header?.tags ?? {}) as Record<string, any>).map((tag) => ({ title: readText(tag.title, language), type: String(tag.type) }))
  const buttons = Object.values((layout?.footer?.buttons ?? {}) as Record<string, any>).map((button) => ({
    title: readText(button.title, language), action: String(button.action?.type ?? ''), id: String(button.action?.id ?? ''),
  }))
  return {
    id: activity.id,
    kind: activity.kind,
    title: activity.subject,
    tags,
    lines: layout ? readBlocks(layout.body?.blocks, language, activity.deadline) : activity.description.split('\n').filter((line) => line !== ''),
    completed: activity.completed,
    createdAt: iso(activity.createdAt),
    updatedAt: iso(activity.updatedAt),
    deadline: activity.deadline,
    icon: layout?.icon?.code ?? (activity.kind === 'task' ? 'task' : activity.kind === 'line' ? 'chat' : 'clock'),
    logo: layout?.body?.logo?.code ?? '',
    buttons,
    owners: activity.bindings,
  }
}

/** The timeline of one card, newest first. */
export function timelineOf(engine: Engine, owner: Binding): TimelineEntry[] {
  const mine = (bindings: Binding[]): boolean => bindings.some((one) => one.entityTypeId === owner.entityTypeId && one.entityId === owner.entityId)
  const activities = [...engine.world.activities.values()].filter((activity) => mine(activity.bindings)).map((activity) => activityEntry(engine, activity))
  const records = engine.world.timeline.filter((record) => mine(record.owners)).map((record): TimelineEntry => ({
    id: record.id, kind: record.kind, title: record.title, tags: [], lines: record.text.split('\n').filter((line) => line !== ''), completed: true,
    createdAt: iso(record.createdAt), updatedAt: iso(record.createdAt), deadline: null, icon: record.iconCode, logo: '', buttons: [], owners: record.owners,
  }))
  return [...activities, ...records].sort((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id - a.id)
}

/** What a person would see of a deal or a contact, and what the portal knows of robots, triggers and the application. */
export function takeState(engine: Engine, query: { dealId?: number, contactId?: number }): PortalState {
  const { world } = engine
  const deal = query.dealId === undefined ? undefined : world.deals.get(query.dealId)
  const contact = world.contacts.get(query.contactId ?? Number(deal?.contactId ?? 0))
  const owner = query.contactId === undefined
    ? { entityTypeId: 2, entityId: query.dealId ?? 0 }
    : { entityTypeId: 3, entityId: query.contactId }
  const app = [...world.apps.values()].find((one) => one.present)
  return {
    deal: deal ? dealData(engine, deal) : null,
    contact: contact ? contactData(contact) : null,
    stages: world.stages.map(({ id, name, semantics, sort, categoryId }) => ({ id, name, semantics, sort, categoryId })),
    timeline: timelineOf(engine, owner),
    robotRuns: [...world.runs.values()].filter((run) => query.dealId === undefined || run.dealId === query.dealId).map((run) => ({
      eventToken: run.eventToken, code: run.code, dealId: run.dealId, startedAt: iso(run.startedAt), properties: run.properties, delivered: run.delivered,
      answered: run.answered, answeredAt: run.answeredAt === null ? null : iso(run.answeredAt), isTimeout: run.isTimeout, returnValues: run.returnValues,
      lateAnswers: run.lateAnswers, log: run.log, stagesPassed: run.stagesPassed,
    })),
    triggers: world.firedTriggers.filter((one) => query.dealId === undefined || (one.ownerTypeId === 2 && one.ownerId === query.dealId))
      .map((one) => ({ ...one, at: iso(one.at) })),
    app: app ? {
      clientId: app.clientId, name: app.name, installed: app.installed, version: app.version, scopes: app.scopes, robots: [...app.robots.keys()],
      activities: [...app.activities.keys()], triggers: [...app.triggers].map(([code, name]) => ({ code, name })),
      events: app.eventHandlers.map(({ event, handler }) => ({ event, handler })),
      placements: app.placements.map(({ placement, title }) => ({ placement, title })), senders: [...app.senders.keys()], connectors: [...app.connectors.keys()],
    } : null,
    notifications: world.notifications.map((one) => ({ ...one, at: iso(one.at) })),
  }
}
