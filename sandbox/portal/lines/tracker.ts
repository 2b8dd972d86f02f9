import { addCommunications, addItem, findByCommunication } from '../crm.ts'
import { type Engine } from '../engine.ts'
import { type Cause, emit } from '../events.ts'
import { addActivity } from '../methods/activities.ts'
import { type Binding, type Item, type Multifield } from '../model.ts'
import { type ConnectorUser, isOn, type LineChat, type LineSession } from './model.ts'

/** The CRM entities of one session. */
interface Links {
  lead?: Item
  company?: Item
  contact?: Item
  deal?: Item
}

const leadIsOpen = (lead: Item): boolean => lead.stageId !== 'CONVERTED' && lead.stageId !== 'JUNK'

function imValue(chat: LineChat): string {
  return `imol|${chat.entityId}`
}

/** What is written into the found or created entity. The value type of any connector of an application is IMOL. */
function multifields(chat: LineChat, user: ConnectorUser): Omit<Multifield, 'id'>[] {
  return [
    { typeId: 'IM', valueType: 'IMOL', value: imValue(chat) }, { typeId: 'LINK', valueType: 'USER', value: String(user.id) },
    { typeId: 'PHONE', valueType: 'WORK', value: user.phone }, { typeId: 'EMAIL', valueType: 'WORK', value: user.email },
  ]
}

function findBy(engine: Engine, typeId: string, value: string): Links {
  if (value === '') return {}
  const ids = (entityTypeId: number): number[] => findByCommunication(engine, entityTypeId, typeId, value).sort((a, b) => a - b)
  const contact = engine.world.contacts.get(ids(3)[0] ?? 0)
  const company = engine.world.companies.get(ids(4)[0] ?? 0)
  if (contact) return { contact }
  if (company) return { company }
  const leads = ids(1).flatMap((id) => engine.world.leads.get(id) ?? []).filter(leadIsOpen)
  // Two open leads with one phone: the portal cannot choose and makes a third.
  return leads.length === 1 ? { lead: leads[0]! } : {}
}

function findByName(engine: Engine, user: ConnectorUser): Links {
  if (user.name === '' || user.lastName === '') return {}
  const same = (item: Item): boolean => item.name === user.name && item.lastName === user.lastName
  const contact = [...engine.world.contacts.values()].find(same)
  return contact ? { contact } : {}
}

/**
 * Whose dialog this is: by the messenger value, by the internal user, then by the duplicate criteria of the connector's user.
 * With the same id for the person and the chat the messenger value is not recognised again, so that each session makes a new lead.
 */
function search(engine: Engine, chat: LineChat, user: ConnectorUser): Links {
  const ambiguous = chat.entityId.split('|')[2] === user.externalId
  const ways = [
    ...(ambiguous ? [] : [() => findBy(engine, 'IM', imValue(chat)), () => findBy(engine, 'LINK', String(user.id))]),
    () => findBy(engine, 'PHONE', user.phone), () => findBy(engine, 'EMAIL', user.email), () => findByName(engine, user),
  ]
  for (const way of ways) {
    const links = way()
    if (Object.keys(links).length > 0) return links
  }
  return {}
}

/** Deals take no multifields; what is missing elsewhere is added. */
function writeMultifields(engine: Engine, chat: LineChat, user: ConnectorUser, links: Links, cause: Cause): void {
  for (const item of [links.contact, links.company, links.lead]) if (item) addCommunications(engine, item, multifields(chat, user), cause)
}

function create(engine: Engine, chat: LineChat, user: ConnectorUser, found: Links, cause: Cause): Links {
  const line = engine.world.lines.lines.get(chat.lineId)!
  const person = { name: user.name || chat.name, lastName: user.lastName, sourceId: String(line.config.CRM_SOURCE ?? '') }
  if (line.config.CRM_CREATE === 'lead') {
    return Object.keys(found).length > 0 ? found : { lead: addItem(engine, 1, { title: chat.name, ...person, fm: multifields(chat, user) }, cause) }
  }
  if (line.config.CRM_CREATE !== 'deal') return found
  const contact = found.contact ?? (found.company || found.lead ? undefined : addItem(engine, 3, { ...person, fm: multifields(chat, user) }, cause))
  const open = contact && [...engine.world.deals.values()].find((deal) => deal.closed === 'N' && (deal.contactIds as number[]).includes(contact.id))
  const deal = open ?? addItem(engine, 2, { title: chat.name, ...(contact ? { contactId: contact.id } : {}) }, cause)
  return { ...found, ...(contact ? { contact } : {}), deal }
}

function bindingsOf(links: Links): Binding[] {
  return ([[2, links.deal], [1, links.lead], [3, links.contact], [4, links.company]] as const)
    .flatMap(([entityTypeId, item]) => item ? [{ entityTypeId, entityId: item.id }] : [])
}

/** Fills the card in the head of the chat and binds the session's activity, which is made when there is somebody to bind it to. */
function attach(engine: Engine, chat: LineChat, session: LineSession, links: Links, cause: Cause): void {
  const bindings = bindingsOf(links)
  const [main] = bindings
  if (!main) return
  const type = ['', 'LEAD', 'DEAL', 'CONTACT', 'COMPANY'][main.entityTypeId]!
  chat.entityData1 = `Y|${type}|${main.entityId}|N|N|${session.id}|${Math.floor(session.startedAt / 1000)}|0|0|0`
  chat.entityData2 = `LEAD|${links.lead?.id ?? 0}|COMPANY|${links.company?.id ?? 0}|CONTACT|${links.contact?.id ?? 0}|DEAL|${links.deal?.id ?? 0}`
  const activity = session.activityId === null ? undefined : engine.world.activities.get(session.activityId)
  if (activity) {
    const present = new Set(activity.bindings.map((one) => `${one.entityTypeId} ${one.entityId}`))
    activity.bindings.push(...bindings.filter((one) => !present.has(`${one.entityTypeId} ${one.entityId}`)))
    emit(engine, 'ONCRMACTIVITYUPDATE', { FIELDS: { ID: activity.id } }, cause)
    return
  }
  const line = engine.world.lines.lines.get(chat.lineId)
  session.activityId = addActivity(engine, cause === 'automation' ? 1 : cause.userId, {
    kind: 'line', providerId: 'IMOPENLINES_SESSION', providerTypeId: String(chat.lineId), bindings, associatedEntityId: session.id,
    originId: `IMOL_${session.id}`, subject: `Диалог открытой линии «${String(line?.config.LINE_NAME ?? '')}»`,
    description: chat.name, providerParams: { USER_CODE: chat.entityId },
    communications: [{ TYPE: 'IM', VALUE: imValue(chat), ENTITY_TYPE_ID: String(main.entityTypeId), ENTITY_ID: String(main.entityId) }],
  }).id
}

/** What the portal does by itself when a session with CRM begins: search, create by the line's rule, write multifields, bind the activity. */
export function linkSession(engine: Engine, chat: LineChat, session: LineSession, text: string, cause: Cause): void {
  const user = engine.world.lines.users.get(chat.userId)!
  const found = search(engine, chat, user)
  const links = create(engine, chat, user, Object.keys(found).length > 0 ? found : findInText(engine, text), cause)
  writeMultifields(engine, chat, user, links, cause)
  attach(engine, chat, session, links, cause)
}

function findInText(engine: Engine, text: string): Links {
  for (const [phone] of text.matchAll(/\+?\d[\d\s()-]{8,}\d/g)) {
    const links = findBy(engine, 'PHONE', phone.replace(/[^\d+]/g, ''))
    if (Object.keys(links).length > 0) return links
  }
  for (const [mail] of text.matchAll(/[\w.+-]+@[\w-]+\.[\w.-]+\w/g)) {
    const links = findBy(engine, 'EMAIL', mail)
    if (Object.keys(links).length > 0) return links
  }
  return {}
}

/** Phones and mails in the text of later messages: a contact or company found by them is bound while the session has none. Nothing is created. */
export function trackText(engine: Engine, chat: LineChat, session: LineSession, text: string, cause: Cause): void {
  const line = engine.world.lines.lines.get(chat.lineId)
  if (!session.crm || !line || !isOn(line, 'CRM_CHAT_TRACKER')) return
  const activity = session.activityId === null ? undefined : engine.world.activities.get(session.activityId)
  if (activity?.bindings.some((one) => one.entityTypeId === 3 || one.entityTypeId === 4)) return
  const links = findInText(engine, text)
  if (!links.contact && !links.company) return
  const lead = activity?.bindings.find((one) => one.entityTypeId === 1)
  writeMultifields(engine, chat, engine.world.lines.users.get(chat.userId)!, links, cause)
  attach(engine, chat, session, { ...links, ...(lead ? { lead: engine.world.leads.get(lead.entityId)! } : {}) }, cause)
}
