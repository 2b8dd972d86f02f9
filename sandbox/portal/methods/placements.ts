import { RestError } from '../errors.ts'
import { isYes } from '../model.ts'
import { answer, appOf, type Call, type Handler } from './call.ts'

const crmCards = ['LEAD', 'DEAL', 'CONTACT', 'COMPANY', 'QUOTE', 'SMART_INVOICE', 'INVOICE', 'ORDER']

/** Codes with the scope that each needs beside `placement`. @see https://apidocs.bitrix24.com/api-reference/widgets/placements.html */
const codes: Record<string, string> = {
  ...Object.fromEntries(crmCards.flatMap((card) => [
    `CRM_${card}_DETAIL_TAB`, `CRM_${card}_DETAIL_ACTIVITY`, `CRM_${card}_DETAIL_TOOLBAR`, `CRM_${card}_LIST_MENU`, `CRM_${card}_LIST_TOOLBAR`,
    `CRM_${card}_ROBOT_DESIGNER_TOOLBAR`, `CRM_${card}_DOCUMENTGENERATOR_BUTTON`,
  ].map((code) => [code, 'crm']))),
  CRM_LEAD_ACTIVITY_TIMELINE_MENU: 'crm', CRM_DEAL_ACTIVITY_TIMELINE_MENU: 'crm', CRM_QUOTE_ACTIVITY_TIMELINE_MENU: 'crm',
  CRM_ANALYTICS_MENU: 'crm', CRM_FUNNELS_TOOLBAR: 'crm', CRM_DETAIL_SEARCH: 'crm',
  CONTACT_CENTER: 'contact_center', SETTING_CONNECTOR: 'imopenlines',
  IM_SIDEBAR: 'im', IM_TEXTAREA: 'im', IM_CONTEXT_MENU: 'im', IM_NAVIGATION: 'im',
  TASK_LIST_CONTEXT_MENU: 'task', TASK_VIEW_TAB: 'task', TASK_VIEW_SIDEBAR: 'task', TASK_VIEW_TOP_PANEL: 'task', TASK_ROBOT_DESIGNER_TOOLBAR: 'task',
  LEFT_MENU: '', REST_APP_URI: '', PAGE_BACKGROUND_WORKER: '', USER_PROFILE_MENU: '', USER_PROFILE_TOOLBAR: '', CALL_CARD: 'telephony',
}

/** Only one handler of these may exist. */
const single = ['REST_APP_URI', 'PAGE_BACKGROUND_WORKER']

function knownCode(call: Call): string {
  const code = String(call.params.PLACEMENT)
  const scope = codes[code]
  if (scope === undefined || (scope !== '' && !call.scopes.includes(scope))) {
    throw new RestError('ERROR_PLACEMENT_NOT_FOUND', 'Placement not found')
  }
  return code
}

/** @see https://apidocs.bitrix24.com/api-reference/widgets/placement-bind.html */
export const placementMethods: Record<string, Handler> = {
  'placement.list': answer((call) => Object.keys(codes).filter((code) => {
    const scope = codes[code]!
    if (call.params.SCOPE) return scope === String(call.params.SCOPE)
    return isYes(call.params.FULL) || scope === '' || call.scopes.includes(scope)
  })),
  'placement.bind': answer((call) => {
    const app = appOf(call)
    const code = knownCode(call)
    const handler = String(call.params.HANDLER)
    const url = URL.canParse(handler) ? new URL(handler) : undefined
    if (!url?.hostname.includes('.')) throw new RestError('ERROR_WRONG_HANDLER_URL', 'Wrong handler URL')
    if (!/^https?:$/.test(url.protocol)) throw new RestError('ERROR_UNSUPPORTED_PROTOCOL', 'Unsupported handler protocol')
    const options = (call.params.OPTIONS ?? {}) as Record<string, unknown>
    if (call.params.USER_ID !== undefined && code !== 'PAGE_BACKGROUND_WORKER') {
      throw new RestError('ERROR_PLACEMENT_USER_MODE', 'User mode is not available.', 200)
    }
    if (single.includes(code) && app.placements.some((one) => one.placement === code)) {
      throw new RestError('ERROR_PLACEMENT_MAX_COUNT', 'Placement max count was exceeded', 200)
    }
    if (code === 'PAGE_BACKGROUND_WORKER' && !options.errorHandlerUrl) throw new RestError('EMPTY_ERROR_HANDLER_URL', 'errorHandlerUrl is empty', 200)
    if (app.placements.some((one) => one.placement === code && one.handler === handler)) {
      throw new RestError('ERROR_CORE', 'Unable to set placement handler: Handler already binded')
    }
    app.placements.push({
      id: call.engine.world.nextId('placement'),
      placement: code,
      handler,
      title: String(call.params.TITLE ?? ''),
      description: String(call.params.DESCRIPTION ?? ''),
      groupName: String(call.params.GROUP_NAME ?? ''),
      langAll: (call.params.LANG_ALL ?? {}) as Record<string, unknown>,
      options,
      userId: Number(call.params.USER_ID ?? 0),
    })
    return true
  }),
  'placement.get': answer((call) => appOf(call).placements.map((one) => ({
    placement: one.placement,
    userId: one.userId,
    handler: one.handler,
    // An empty PHP map comes as a list.
    options: Object.keys(one.options).length === 0 ? [] : one.options,
    title: one.title,
    description: one.description,
    langAll: Object.keys(one.langAll).length > 0
      ? one.langAll
      : { [call.engine.language]: { TITLE: one.title, DESCRIPTION: one.description, GROUP_NAME: one.groupName } },
  }))),
  'placement.unbind': answer((call) => {
    const app = appOf(call)
    const before = app.placements.length
    app.placements = app.placements.filter((one) => one.placement !== String(call.params.PLACEMENT)
      || (call.params.HANDLER !== undefined && call.params.HANDLER !== '' && one.handler !== String(call.params.HANDLER))
      || (call.params.USER_ID !== undefined && one.userId !== Number(call.params.USER_ID)))
    // The number grows by one for each record found and by one more for each removed.
    return { count: 2 * (before - app.placements.length) }
  }),
}
