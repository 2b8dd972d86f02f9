import { randomBytes } from 'node:crypto'
import { dealFieldsCommand, dealFieldsOf } from '../bitrix/appointments.ts'
import { connectorListCommand, connectorTitlesOf } from '../bitrix/lines.ts'
import { isOurConnector } from '../bitrix/manifest.ts'
import { deleteApiKey, listApiKeys, saveApiKey, type ApiKeyRow } from '../db/api-keys.ts'
import { updatePortal, type AppointmentFields, type Portal } from '../db/portals.ts'
import { type PortalId } from '../domain/ids.ts'
import { AppError } from '../errors.ts'
import { chosenFields } from './find-appointment.ts'
import { type Deps } from './deps.ts'
import { getPortal } from './read-settings.ts'
import { v7 } from './uuid.ts'

const mostKeys = 20

export interface Conversations {
  readonly portal: Portal
  readonly dealFields: readonly { readonly name: string; readonly title: string }[]
  readonly apiKeys: readonly ApiKeyRow[]
  readonly warnings: readonly string[]
}

/** Kinds of fields that can hold a moment, a name or a text. */
const usefulTypes = new Set(['string', 'text', 'date', 'datetime', 'enumeration', 'address', 'url', 'integer', 'double', ''])

/** Conversations of a portal as they are set up. What the portal does not tell now is empty. */
export const readConversations = async (deps: Deps, id: PortalId): Promise<Conversations> => {
  const portal = await getPortal(deps, id)
  const [apiKeys, outcomes] = await Promise.all([listApiKeys(deps.db, id), deps.portalClient(id).batch([dealFieldsCommand('fields'), connectorListCommand('connectors')])])
  const [fields, connectors] = [outcomes.get('fields'), outcomes.get('connectors')]
  const dealFields = fields?.ok === true ? dealFieldsOf(fields.result).filter(({ type, isMultiple }) => !isMultiple && usefulTypes.has(type)).map(({ name, title }) => ({ name, title })) : []
  return { portal, dealFields, apiKeys, warnings: connectors?.ok === true ? strangersToMax(connectorTitlesOf(connectors.result)) : [] }
}

/**
 * Connectors of others that speak to MAX. The messenger's own bots cannot write to a phone number, so whoever sells that through open
 * lines does it with a person's account, which is against its rules (A6).
 */
const strangersToMax = (titles: ReadonlyMap<string, string>): readonly string[] =>
  [...titles].filter(([id, title]) => !isOurConnector(id) && /(?:^|[^a-zа-яё])(?:max|макс)(?:[^a-zа-яё]|$)/i.test(`${id.replaceAll('_', ' ')} ${title}`)).map(([, title]) => title)

/** @throws AppError FORM_INVALID for a field that deals of the portal do not have */
export const saveConversations = async (deps: Deps, id: PortalId, wanted: { readonly oneChatPerPatient: boolean; readonly appointment: Required<AppointmentFields> }): Promise<void> => {
  const { result } = await deps.portalClient(id).call('crm.item.fields', dealFieldsCommand('').params)
  const known = new Set(dealFieldsOf(result).map(({ name }) => name))
  const strange = chosenFields(wanted.appointment).find((name) => !known.has(name))
  if (strange !== undefined) {
    const [field] = Object.entries(wanted.appointment).find(([, name]) => name === strange) ?? ['at']
    throw new AppError('FORM_INVALID', 'Такого поля в сделках больше нет: выберите другое.', { fields: { [`appointment.${field}`]: 'Выберите поле из списка.' } })
  }
  await updatePortal(deps.db, id, { oneChatPerPatient: wanted.oneChatPerPatient, appointmentFields: wanted.appointment })
}

/** Makes a key of the HTTP API: 256 random bits, shown this once. */
export const makeApiKey = async (deps: Deps, portal: PortalId, name: string): Promise<{ id: string; key: string }> => {
  if ((await listApiKeys(deps.db, portal)).length >= mostKeys) throw new AppError('CONFLICT', `Ключей уже ${mostKeys}: удалите ненужные.`)
  const made = { id: v7(Date.now()), key: `est_${randomBytes(32).toString('base64url')}` }
  await saveApiKey(deps.db, portal, { ...made, name })
  return made
}

/** Takes a key away: from this moment on nothing can be done with it. */
export const removeApiKey = async (deps: Deps, portal: PortalId, id: string): Promise<void> => {
  if (!(await deleteApiKey(deps.db, portal, id))) throw new AppError('NOT_FOUND', 'Этого ключа уже нет: обновите страницу.')
}
