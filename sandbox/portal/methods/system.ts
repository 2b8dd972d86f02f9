import { allScopes, findMethod, methodNames } from '../catalogue.ts'
import { appStatus } from '../engine.ts'
import { RestError } from '../errors.ts'
import { queryList } from '../list-query.ts'
import { isYes, portalDate, type User } from '../model.ts'
import { answer, appOf, type Handler } from './call.ts'

function userRow(user: User): Record<string, unknown> {
  return {
    ID: String(user.id), ACTIVE: user.active, NAME: user.name, LAST_NAME: user.lastName, SECOND_NAME: '', EMAIL: user.email,
    LAST_LOGIN: '2025-01-09T09:00:00+03:00', DATE_REGISTER: '2025-01-09T00:00:00+03:00', IS_ONLINE: 'Y', TIMESTAMP_X: {}, LAST_ACTIVITY_DATE: {},
    PERSONAL_GENDER: '', PERSONAL_BIRTHDAY: '', WORK_POSITION: '', UF_EMPLOYMENT_DATE: '', UF_DEPARTMENT: [1], USER_TYPE: 'employee',
  }
}

/** @see https://apidocs.bitrix24.com/api-reference/common/index.html */
export const systemMethods: Record<string, Handler> = {
  'app.info': answer((call) => {
    const app = appOf(call)
    return {
      ID: app.id, CODE: app.clientId, VERSION: app.version, STATUS: appStatus(app), INSTALLED: app.installed, PAYMENT_EXPIRED: 'N', DAYS: null,
      LANGUAGE_ID: call.engine.language, LICENSE: 'ru_pro100', LICENSE_TYPE: 'pro100', LICENSE_FAMILY: 'pro',
    }
  }),
  'profile': answer(({ user }) => ({
    ID: String(user.id), ADMIN: user.admin, NAME: user.name, LAST_NAME: user.lastName, PERSONAL_GENDER: '', TIME_ZONE: '',
  })),
  'user.admin': answer(({ user }) => user.admin),
  'user.current': answer(({ user }) => userRow(user)),
  'user.get': (call) => {
    const rows = [...call.engine.world.users.values()].map(userRow)
    const fields = Object.keys(userRow(call.user))
    const filter = Object.fromEntries(Object.entries((call.params.FILTER ?? {}) as object).map(([key, value]) => [
      key.toUpperCase(), /ACTIVE/i.test(key) ? isYes(value) : value,
    ]))
    const order = call.params.sort ? { [String(call.params.sort).toUpperCase()]: call.params.order ?? 'ASC' } : {}
    const { rows: result, ...rest } = queryList(rows, { filter, order, start: call.params.start }, (field) => fields.includes(field))
    return { result, ...rest }
  },
  'scope': answer((call) => isYes(call.params.full) ? allScopes() : call.scopes),
  'methods': answer((call) => methodNames().filter((name) => {
    const scopes = findMethod(name)!.scopes
    if (call.params.scope) return scopes.includes(String(call.params.scope))
    return isYes(call.params.full) || scopes.length === 0 || scopes.some((scope) => scope === 'basic' || call.scopes.includes(scope))
  })),
  'server.time': answer(({ engine }) => portalDate(engine.clock.now())),
  'method.get': answer((call) => {
    const rule = findMethod(String(call.params.name ?? ''))
    return {
      isExisting: rule !== undefined,
      isAvailable: rule !== undefined && (rule.scopes.length === 0 || rule.scopes.some((scope) => scope === 'basic' || call.scopes.includes(scope))),
    }
  }),
  'feature.get': answer((call) => ({ value: ['rest_offline_extended', 'rest_auth_connector'].includes(String(call.params.CODE)) ? 'Y' : 'N' })),
  'app.option.get': answer((call) => {
    const { options } = appOf(call)
    return call.params.option === undefined ? options : options[String(call.params.option)] ?? null
  }),
  'app.option.set': answer((call) => {
    const options = call.params.options as object
    if (Object.keys(options).length === 0) throw new RestError('ArgumentNullException', 'options is empty')
    Object.assign(appOf(call).options, options)
    return true
  }),
  'user.option.get': answer((call) => {
    const options = appOf(call).userOptions.get(call.user.id) ?? {}
    return call.params.option === undefined ? options : options[String(call.params.option)] ?? null
  }),
  'user.option.set': answer((call) => {
    const app = appOf(call)
    app.userOptions.set(call.user.id, { ...app.userOptions.get(call.user.id), ...(call.params.options as object) })
    return true
  }),
}
