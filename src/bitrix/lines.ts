import { z } from 'zod'
import { readResult } from './answer.ts'
import { type Command, type Params } from './command.ts'
import { type LineKey } from './open-lines.ts'

/** An open line as the settings page lists it. */
export interface Line {
  readonly lineId: number
  readonly name: string
  readonly isActive: boolean
  readonly operatorIds: readonly number[]
}

/** Who answers: employees or whole departments. */
export interface LineOperator {
  readonly type: 'user' | 'department'
  readonly id: number
}

/**
 * What conversations with patients need of a line: people are looked for in the CRM but never made there (no stray leads), and
 * nobody is asked for a rating: "1" would be swallowed as one.
 *
 * Flags are `Y` and `N`: `"0"` counts as yes (F26).
 */
export const lineSettings = { CRM: 'Y', CRM_CREATE: 'none', VOTE_MESSAGE: 'N' } as const

const Id = z.coerce.number().int().positive()
const Text = z.string().catch('')
const list = (value: unknown): unknown => (typeof value === 'object' && value !== null ? Object.values(value) : [])
const Operators = z.preprocess(list, z.array(z.union([Id, z.unknown().transform(() => 0)]))).transform((ids) => ids.filter((id) => id > 0))
const Config = z.looseObject({ ID: Id, LINE_NAME: Text, ACTIVE: Text, QUEUE: Operators.optional() })

const lineFrom = ({ ID, LINE_NAME, ACTIVE, QUEUE }: z.infer<typeof Config>): Line => ({ lineId: ID, name: LINE_NAME, isActive: ACTIVE !== 'N', operatorIds: QUEUE ?? [] })

/**
 * Asks for one line with its settings.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/imopenlines-config-get.html
 */
export const lineCommand = (key: string, lineId: number): Command => ({
  key,
  method: 'imopenlines.config.get',
  params: { CONFIG_ID: lineId, WITH_QUEUE: 'Y', SHOW_OFFLINE: 'Y' },
})

const FullConfig = z.looseObject({ ...Config.shape, CRM: Text, CRM_CREATE: Text, VOTE_MESSAGE: Text })

/** A line and whether its settings are those that conversations with patients need; `wrong` names the settings that are not. */
export const lineOf = (result: unknown): Line & { readonly wrong: readonly (keyof typeof lineSettings)[] } => {
  const config = readResult(FullConfig, result, 'imopenlines.config.get')
  return { ...lineFrom(config), wrong: (Object.keys(lineSettings) as (keyof typeof lineSettings)[]).filter((name) => config[name] !== lineSettings[name]) }
}

const queueOf = (operators: readonly LineOperator[] | undefined): Params => ({
  // An empty queue cannot be said, and nobody would answer.
  QUEUE: operators === undefined || operators.length === 0 ? undefined : operators.map(({ type, id }) => ({ ENTITY_TYPE: type, ENTITY_ID: id })),
})

/**
 * Gives a line the settings that conversations with patients need, and a name or operators where they are given.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/openlines/imopenlines-config-update.html
 */
export const updateLineCommand = (key: string, lineId: number, line: { readonly name?: string; readonly operators?: readonly LineOperator[] } = {}): Command => ({
  key,
  method: 'imopenlines.config.update',
  params: { CONFIG_ID: lineId, PARAMS: { LINE_NAME: line.name, ...lineSettings, ...queueOf(line.operators) } },
})

/**
 * Switches a connector on or off in a line. Off is `"0"`: every other word, `N` among them, switches it on.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-activate.html
 */
export const activateCommand = (key: string, { connector, line, isActive }: LineKey & { readonly isActive: boolean }): Command => ({
  key,
  method: 'imconnector.activate',
  params: { CONNECTOR: connector, LINE: line, ACTIVE: isActive ? '1' : '0' },
})

/**
 * Says which account stands behind the connector in this line. Without it the connector never counts as set up. `url` is where a
 * patient finds the account (`https://t.me/clinic_bot`); the whole record is replaced.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-connector-data-set.html
 */
export const connectorDataCommand = (key: string, { connector, line, id, name, url }: LineKey & { readonly id: string; readonly name: string; readonly url?: string }): Command => ({
  key,
  method: 'imconnector.connector.data.set',
  params: { CONNECTOR: connector, LINE: line, DATA: { ID: id, NAME: name, URL: url, URL_IM: url } },
})

/**
 * Asks how a connector stands in a line.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-status.html
 */
export const connectorStatusCommand = (key: string, { connector, line }: LineKey): Command => ({
  key,
  method: 'imconnector.status',
  params: { CONNECTOR: connector, LINE: line },
})

/** `isWorking`: switched on, set up and without an error. */
export interface ConnectorStatus {
  readonly connector: string
  readonly lineId?: number
  readonly isConfigured: boolean
  readonly hasError: boolean
  readonly isWorking: boolean
}

const Flag = z.unknown().optional().transform((value) => value === true || value === 'Y' || value === 1 || value === '1' || value === 'true')
const Status = z.looseObject({ CONNECTOR: Text, LINE: Id.optional().catch(undefined), ERROR: Flag, CONFIGURED: Flag, STATUS: Flag })

export const connectorStatusOf = (result: unknown): ConnectorStatus => {
  const { CONNECTOR, LINE, ERROR, CONFIGURED, STATUS } = readResult(Status, result, 'imconnector.status')
  return { connector: CONNECTOR, lineId: LINE, isConfigured: CONFIGURED, hasError: ERROR, isWorking: STATUS && !ERROR }
}

/**
 * Asks for all connectors of the portal, built in and of every application.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-list.html
 */
export const connectorListCommand = (key: string): Command => ({ key, method: 'imconnector.list', params: {} })

const Titles = z.union([z.record(z.string(), z.unknown()), z.array(z.unknown()).transform((): Record<string, unknown> => ({}))])

/** Titles by connector id, ids in lower case. */
export const connectorTitlesOf = (result: unknown): ReadonlyMap<string, string> =>
  new Map(Object.entries(readResult(Titles, result, 'imconnector.list')).map(([id, title]) => [id.toLowerCase(), typeof title === 'string' ? title : id]))
