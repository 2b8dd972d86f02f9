import { deleteRoute, listConnections, listRoutes, saveRoute, type StoredRoute } from '../db/connections.ts'
import { lockPortal } from '../db/portals.ts'
import { connectionId, routeId, type PortalId, type RouteId } from '../domain/ids.ts'
import { problemsOf, type ConnectionAbility, type RouteProblem, type RouteStep } from '../domain/route.ts'
import { AppError, messageOf } from '../errors.ts'
import { ChannelError } from '../channels/channel.ts'
import { callSignal, type Deps } from './deps.ts'
import { v7 } from './uuid.ts'

export interface RouteDraft {
  readonly name: string
  readonly isDefault: boolean
  readonly stopsWhenDealMoves: boolean
  readonly steps: readonly RouteStep[]
}

const words: Readonly<Record<RouteProblem['code'], string>> = {
  noSteps: 'Добавьте хотя бы один шаг.',
  tooManySteps: 'Шагов не больше десяти.',
  unknownConnection: 'Этого подключения больше нет: выберите другое.',
  connectionOff: 'Подключение выключено или сломано: почините его или выберите другое.',
  manualOnly: 'Этот канал - только для переписки, которую ведут люди: выберите другое подключение.',
  proofImpossible: 'Этот мессенджер такого подтверждения не даёт: выберите другое, иначе шаг никогда не закончится успехом.',
  actedNeedsButtons: 'В этом мессенджере нет кнопок: уберите их из шага.',
  templateRequired: 'Писать первым здесь можно только по одобренному шаблону: укажите его имя и язык.',
  taskNotLast: 'Задача сотруднику может быть только последним шагом.',
  minutesOutOfRange: 'Время шага - от 1 минуты до 7 дней.',
  textTooLong: 'Текст длиннее, чем принимает этот мессенджер.',
  sameConnectionTwice: 'Это подключение уже есть в маршруте: дважды в один мессенджер пациенту не пишут.',
}

/**
 * Saves a route that can work; one that cannot is refused with the reason at its step (B3).
 *
 * @throws AppError ROUTE_IMPOSSIBLE; `fields` keys are `steps.<n>` or `steps`
 */
export const saveRouteDraft = async (deps: Deps, portal: PortalId, draft: RouteDraft, id?: RouteId): Promise<StoredRoute> => {
  const abilities = await abilitiesOf(deps, portal)
  const problems = problemsOf(draft.steps, (connection) => abilities.get(connection))
  if (problems.length > 0) {
    const fields = Object.fromEntries([...problems].reverse().map(({ step, code }) => [step === undefined ? 'steps' : `steps.${step}`, words[code]]))
    throw new AppError('ROUTE_IMPOSSIBLE', words[problems[0]!.code], { fields })
  }
  const route = await deps.db.transaction().execute(async (trx) => {
    // One at a time: of two administrators who choose a default at once, the second has the last word.
    await lockPortal(trx, portal)
    const routes = await listRoutes(trx, portal)
    const others = routes.filter((candidate) => candidate.id !== id)
    if (id !== undefined && others.length === routes.length) throw gone()
    const saved: StoredRoute = { ...draft, id: id ?? routeId(v7(Date.now())), isDefault: draft.isDefault || !others.some((other) => other.isDefault) }
    await saveRoute(trx, portal, saved)
    return saved
  })
  await setTemplateLives(deps, portal)
  return route
}

/** Deletes a route; when it was the default, the oldest of the others becomes it, so that robots always know where to go. */
export const removeRoute = async (deps: Deps, portal: PortalId, id: RouteId): Promise<void> => {
  await deps.db.transaction().execute(async (trx) => {
    await lockPortal(trx, portal)
    if (!(await deleteRoute(trx, portal, id))) throw gone()
    const left = await listRoutes(trx, portal)
    if (left[0] !== undefined && !left.some((route) => route.isDefault)) await saveRoute(trx, portal, { ...left[0], isDefault: true })
  })
}

const gone = (): AppError => new AppError('NOT_FOUND', 'Этого маршрута уже нет: обновите страницу.')

const abilitiesOf = async (deps: Deps, portal: PortalId): Promise<ReadonlyMap<string, ConnectionAbility>> => {
  const connections = await listConnections(deps.db, portal)
  return new Map(
    connections.flatMap((connection) => {
      const channel = deps.channelById(connection.channel)
      if (channel === undefined) return []
      const ability: ConnectionAbility = {
        title: connection.title,
        isUsable: connection.state === 'working',
        receipts: channel.receipts,
        hasButtons: channel.limits.buttons !== undefined,
        needsTemplate: channel.canStart === 'template',
        isManualOnly: channel.isManualOnly === true,
        textLength: channel.limits.textLength,
      }
      return [[connection.id, ability] as const]
    }),
  )
}

/**
 * A template's life at the vendor follows the shortest step that uses it, so that a late message cannot arrive after the next step's
 * (B11). A vendor that refuses does not hold up the route: the cascade still corrects its record by late receipts.
 */
const setTemplateLives = async (deps: Deps, portal: PortalId): Promise<void> => {
  const lives = new Map<string, { connection: string; name: string; language: string; lifeSeconds: number }>()
  for (const step of (await listRoutes(deps.db, portal)).flatMap((route) => route.steps)) {
    if (step.kind !== 'channel' || step.content.template === undefined) continue
    const { name, language } = step.content.template
    const key = `${step.connectionId} ${name} ${language}`
    const lifeSeconds = Math.min(step.minutes * 60, lives.get(key)?.lifeSeconds ?? Number.POSITIVE_INFINITY)
    lives.set(key, { connection: step.connectionId, name, language, lifeSeconds })
  }
  for (const { connection, ...template } of lives.values()) {
    const open = await deps.connections.byId(portal, connectionId(connection))
    if (open?.channel.setTemplateLife === undefined) continue
    const signal = callSignal(deps)
    try {
      await open.channel.setTemplateLife(template, { credentials: open.credentials, http: deps.http, signal })
    } catch (error) {
      if (!(error instanceof ChannelError)) throw error
      deps.log.warn({ channel: open.channel.id, code: error.failure.code, reason: messageOf(error) }, 'the life of a template could not be set')
    }
  }
}
