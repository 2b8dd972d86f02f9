import { z } from 'zod'
import { readResult, type Outcome } from './answer.ts'
import { type PortalClient } from './client.ts'
import { type Command } from './command.ts'
import { registrationWords } from './error-words.ts'
import { connectorListCommand, connectorTitlesOf } from './lines.ts'
import { addressOf, connectorParamsOf, isOurConnector, robotFieldsOf, type Language, type Manifest } from './manifest.ts'

/** How one registration ended, in one sentence for the administrator: Russian, as every sentence of ours before it is shown. */
export interface RegistrationLine {
  /** `event ONAPPUPDATE`, `robot estafeta_send`, `trigger estafeta_read`, `connector estafeta_max`, `placement CRM_DEAL_DETAIL_TAB`. */
  readonly name: string
  readonly ok: boolean
  readonly message: string
}

export interface RegistrationOptions {
  /** Where the portal reaches us. */
  readonly publicUrl: string
  readonly language: Language
  /** Robots, triggers, connectors and places in the portal may be registered by an administrator only; others get a line that says so. */
  readonly isAdmin: boolean
  /** The administrator whose token robots hand over. */
  readonly userId?: string
}

interface Plan {
  readonly name: string
  readonly command: Omit<Command, 'key'>
  readonly done: keyof typeof registrationWords
}

const Events = z.array(z.looseObject({ event: z.string(), handler: z.string() }))
const Placements = z.array(z.looseObject({ placement: z.string(), handler: z.string() }))
const Codes = z.array(z.string())
const Triggers = z.array(z.looseObject({ CODE: z.string(), NAME: z.string() }))
const Connectors = z.unknown().transform(connectorTitlesOf)

/**
 * Makes the portal's registrations equal to the manifest: adds what is missing, updates what differs, takes away what points to
 * another address or is not ours any more. Running it again changes nothing, and an update of the application, which wipes events
 * and robots, is repaired by it.
 *
 * One line per registration; a refused one does not stop the others. Throws `BitrixError` only when the portal cannot be asked at all.
 *
 * @see https://apidocs.bitrix24.com/api-reference/events/event-bind.html
 */
export const register = async (client: PortalClient, manifest: Manifest, options: RegistrationOptions): Promise<readonly RegistrationLine[]> => {
  const lines: RegistrationLine[] = []
  const lists: Command[] = [{ key: 'events', method: 'event.get', params: {} }]
  if (options.isAdmin) {
    lists.push({ key: 'robots', method: 'bizproc.robot.list', params: {} }, { key: 'triggers', method: 'crm.automation.trigger.list', params: {} })
    lists.push(connectorListCommand('connectors'))
    if (manifest.scopes.includes('placement')) lists.push({ key: 'placements', method: 'placement.get', params: {} })
  } else {
    lines.push({ name: 'robots and triggers', ok: false, message: registrationWords.adminNeeded })
  }
  const found = await client.batch(lists)
  const read = <Schema extends z.ZodType>(key: string, schema: Schema): z.infer<Schema> | undefined => {
    const outcome = found.get(key)
    if (outcome === undefined) return undefined
    if (outcome.ok) return readResult(schema, outcome.result, key)
    // One kind may be closed on this portal; when not even events can be listed, nothing works.
    if (key === 'events') throw outcome.error
    lines.push({ name: key, ok: false, message: outcome.error.message })
    return undefined
  }
  const events = read('events', Events) ?? []
  const robots = read('robots', Codes)
  const triggers = read('triggers', Triggers)
  const connectors = read('connectors', Connectors)
  const placements = read('placements', Placements)
  const plans = [
    ...planEvents(events, manifest, options),
    ...(robots === undefined ? [] : planRobots(robots, manifest, options)),
    ...(triggers === undefined ? [] : planTriggers(triggers, manifest, options)),
    ...(connectors === undefined ? [] : planConnectors(connectors, manifest, options)),
    ...(placements === undefined ? [] : planPlacements(placements, manifest, options)),
  ]
  const outcomes = await client.batch(plans.map(({ command }, index) => ({ key: String(index), ...command })))
  lines.push(...plans.map((plan, index) => lineOf(plan, outcomes.get(String(index))!)), ...unchangedLines(plans, manifest, { triggers: triggers !== undefined, placements: placements !== undefined }, registrationWords.upToDate))
  const missing = await missingEvents(client, manifest, options)
  return [...lines.filter(({ name }) => !missing.some((line) => line.name === name)), ...missing]
}

const lineOf = ({ name, done }: Pick<Plan, 'name' | 'done'>, outcome: Outcome): RegistrationLine =>
  outcome.ok || outcome.error.action === 'alreadyDone'
    ? { name, ok: true, message: registrationWords[done] }
    : { name, ok: false, message: outcome.error.message }

const planEvents = (found: z.infer<typeof Events>, manifest: Manifest, { publicUrl }: RegistrationOptions): readonly Plan[] => {
  const handler = addressOf(publicUrl, manifest.events.handler)
  const isWanted = (entry: { event: string; handler: string }): boolean =>
    entry.handler === handler && manifest.events.names.includes(entry.event.toUpperCase())
  return [
    ...found
      .filter((entry) => !isWanted(entry))
      .map((entry) => ({
        name: `event ${entry.event.toUpperCase()}`,
        command: { method: 'event.unbind', params: { event: entry.event, handler: entry.handler } },
        done: 'takenAway' as const,
      })),
    ...manifest.events.names
      .filter((name) => !found.some((entry) => isWanted(entry) && entry.event.toUpperCase() === name))
      .map((name) => ({ name: `event ${name}`, command: { method: 'event.bind', params: { event: name, handler } }, done: 'registered' as const })),
  ]
}

const planRobots = (found: readonly string[], manifest: Manifest, { publicUrl, language, userId }: RegistrationOptions): readonly Plan[] => [
  ...found
    .filter((code) => !manifest.robots.some((robot) => robot.code === code))
    .map((code) => ({ name: `robot ${code}`, command: { method: 'bizproc.robot.delete', params: { CODE: code } }, done: 'takenAway' as const })),
  ...manifest.robots.map((robot) => {
    const fields = robotFieldsOf(robot, { publicUrl, language, userId })
    return found.includes(robot.code)
      ? // The list tells only codes, so whether the handler is still ours cannot be seen: write it.
        { name: `robot ${robot.code}`, command: { method: 'bizproc.robot.update', params: { CODE: robot.code, FIELDS: fields } }, done: 'upToDate' as const }
      : { name: `robot ${robot.code}`, command: { method: 'bizproc.robot.add', params: { CODE: robot.code, ...fields } }, done: 'registered' as const }
  }),
]

const planTriggers = (found: z.infer<typeof Triggers>, manifest: Manifest, { language }: RegistrationOptions): readonly Plan[] => [
  ...found
    .filter(({ CODE }) => !manifest.triggers.some(({ code }) => code === CODE))
    .map(({ CODE }) => ({
      name: `trigger ${CODE}`,
      command: { method: 'crm.automation.trigger.delete', params: { CODE } },
      done: 'takenAway' as const,
    })),
  ...manifest.triggers
    .filter(({ code, name }) => !found.some((entry) => entry.CODE === code && entry.NAME === name[language]))
    // Adding a known code again renames the trigger.
    .map(({ code, name }) => ({
      name: `trigger ${code}`,
      command: { method: 'crm.automation.trigger.add', params: { CODE: code, NAME: name[language] } },
      done: 'registered' as const,
    })),
]

const planConnectors = (found: ReadonlyMap<string, string>, manifest: Manifest, { publicUrl, language }: RegistrationOptions): readonly Plan[] => [
  ...[...found.keys()]
    .filter((id) => isOurConnector(id) && !manifest.connectors.some((connector) => connector.id === id))
    .map((id) => ({ name: `connector ${id}`, command: { method: 'imconnector.unregister', params: { ID: id } }, done: 'takenAway' as const })),
  // The list tells only titles, so whether the settings page is still ours cannot be seen: write it.
  ...manifest.connectors.map((connector) => ({
    name: `connector ${connector.id}`,
    command: { method: 'imconnector.register', params: connectorParamsOf(connector, { publicUrl, language }) },
    done: found.has(connector.id) ? ('upToDate' as const) : ('registered' as const),
  })),
]

/** Pages that the portal binds by itself, with a robot or a connector. */
const isBoundByPortal = ({ placement, handler }: { placement: string; handler: string }, manifest: Manifest, publicUrl: string): boolean =>
  placement.toUpperCase() === 'SETTING_CONNECTOR' || manifest.robots.some(({ settingsPage }) => addressOf(publicUrl, settingsPage) === handler)

const planPlacements = (found: z.infer<typeof Placements>, manifest: Manifest, { publicUrl, language }: RegistrationOptions): readonly Plan[] => {
  const wanted = manifest.placements.map((entry) => ({ ...entry, address: addressOf(publicUrl, entry.handler) }))
  const isWanted = (entry: { placement: string; handler: string }): boolean =>
    wanted.some(({ placement, address }) => placement === entry.placement && address === entry.handler)
  return [
    ...found
      .filter((entry) => !isWanted(entry) && !isBoundByPortal(entry, manifest, publicUrl))
      .map((entry) => ({
        name: `placement ${entry.placement}`,
        command: { method: 'placement.unbind', params: { PLACEMENT: entry.placement, HANDLER: entry.handler } },
        done: 'takenAway' as const,
      })),
    ...wanted
      .filter(({ placement, address }) => !found.some((entry) => entry.placement === placement && entry.handler === address))
      .map(({ placement, address, title, options }) => ({
        name: `placement ${placement}`,
        command: {
          method: 'placement.bind',
          params: {
            PLACEMENT: placement,
            HANDLER: address,
            TITLE: title[language],
            LANG_ALL: { ru: { TITLE: title.ru }, en: { TITLE: title.en } },
            OPTIONS: options,
          },
        },
        done: 'registered' as const,
      })),
  ]
}

/** A portal may accept a name and bind nothing: what is not in the list afterwards will never be delivered. */
const missingEvents = async (client: PortalClient, manifest: Manifest, { publicUrl }: RegistrationOptions): Promise<readonly RegistrationLine[]> => {
  const handler = addressOf(publicUrl, manifest.events.handler)
  const { result } = await client.call('event.get')
  const bound = readResult(Events, result, 'event.get').filter((entry) => entry.handler === handler)
  return manifest.events.names
    .filter((name) => !bound.some(({ event }) => event.toUpperCase() === name))
    .map((name) => ({ name: `event ${name}`, ok: false, message: registrationWords.notListed }))
}

const unchangedLines = (plans: readonly Plan[], manifest: Manifest, known: { triggers: boolean; placements: boolean }, upToDate: string): readonly RegistrationLine[] => {
  const names = [
    ...manifest.events.names.map((name) => `event ${name}`),
    ...(known.triggers ? manifest.triggers.map(({ code }) => `trigger ${code}`) : []),
    ...(known.placements ? manifest.placements.map(({ placement }) => `placement ${placement}`) : []),
  ]
  return names.filter((name) => !plans.some((plan) => plan.name === name)).map((name) => ({ name, ok: true, message: upToDate }))
}

/**
 * Takes away what an uninstall leaves behind - triggers stay in the portal and would wait for an application that is gone - and
 * our connectors, so that no line keeps a dead messenger. Works only while the application is still installed.
 *
 * @see https://apidocs.bitrix24.com/settings/app-uninstallation.html
 */
export const unregister = async (client: PortalClient, manifest: Manifest): Promise<readonly RegistrationLine[]> => {
  const found = await client.batch([{ key: 'triggers', method: 'crm.automation.trigger.list', params: {} }, connectorListCommand('connectors')])
  const lines: RegistrationLine[] = []
  const read = <Schema extends z.ZodType>(key: string, schema: Schema): z.infer<Schema> | undefined => {
    const outcome = found.get(key)!
    if (outcome.ok) return readResult(schema, outcome.result, key)
    lines.push({ name: key, ok: false, message: outcome.error.message })
    return undefined
  }
  const triggers = (read('triggers', Triggers) ?? []).filter(({ CODE }) => manifest.triggers.some(({ code }) => code === CODE))
  const connectors = [...(read('connectors', Connectors)?.keys() ?? [])].filter(isOurConnector)
  const plans: readonly Plan[] = [
    ...triggers.map(({ CODE }) => ({ name: `trigger ${CODE}`, command: { method: 'crm.automation.trigger.delete', params: { CODE } }, done: 'removed' as const })),
    ...connectors.map((id) => ({ name: `connector ${id}`, command: { method: 'imconnector.unregister', params: { ID: id } }, done: 'removed' as const })),
  ]
  const outcomes = await client.batch(plans.map(({ name, command }) => ({ key: name, ...command })))
  return [...lines, ...plans.map((plan) => lineOf(plan, outcomes.get(plan.name)!))]
}
