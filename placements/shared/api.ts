/**
 * The application's API as the pages call it: typed, with the session of the page, one retry rule and errors as sentences.
 *
 * Retry rule: a call that may be repeated without harm is tried once more after a second when nobody answered or the answer was
 * 429, 502, 503 or 504. A call that makes or sends something (a connection, a message, a contact) is never repeated by itself.
 */
import type {
  ApiError,
  Chats,
  CheckResult,
  Connection,
  ConnectionForm,
  InstallResult,
  Overview,
  RobotSettings,
  Route,
  RouteForm,
  TestResult,
} from '../../src/http/schemas.ts'
import type {
  ApiKey,
  Candidate,
  ConnectorView,
  ConversationSettings,
  ConversationSettingsForm,
  History,
  HistoryQuery,
  IdentityLog,
  PatientView,
  StartLink,
  Typing,
  WriteForm,
} from '../../src/http/patient-schemas.ts'
import type { Language } from './boot.ts'

/** A refusal or a silence of the server: `message` is one sentence for the person, `fields` has one per form field. */
export class ApiFailure extends Error {
  readonly code: string
  readonly fields: Readonly<Record<string, string>>

  constructor(code: string, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'ApiFailure'
    this.code = code
    this.fields = fields
  }
}

const sessionInvalid = 'SESSION_INVALID'

const texts = {
  ru: {
    noAnswer: 'Сервер приложения не отвечает. Проверьте соединение и повторите.',
    unreadable: 'Сервер приложения ответил непонятно. Повторите через минуту.',
    sessionOver: 'Время работы страницы истекло. Обновите её и повторите.',
    unexpected: 'На странице произошла ошибка. Обновите страницу.',
  },
  en: {
    noAnswer: 'The application server does not answer. Check the connection and try again.',
    unreadable: 'The application server gave an unreadable answer. Try again in a minute.',
    sessionOver: 'The page has been open for too long. Reload it and try again.',
    unexpected: 'Something went wrong on this page. Reload it.',
  },
}

/** Nothing but a reload of the page helps. */
export const isSessionOver = (error: unknown): boolean => error instanceof ApiFailure && error.code === sessionInvalid

/** The sentence to show for whatever was thrown. */
export const sentenceOf = (error: unknown, language: Language): string => (error instanceof ApiFailure ? error.message : texts[language].unexpected)

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'
interface Answer {
  readonly status: number
  text(): Promise<string>
}
type Fetch = (url: string, init: { method: Method; headers: Record<string, string>; body?: string }) => Promise<Answer>

export interface ApiOptions {
  readonly session: string
  readonly language: Language
  readonly fetch: Fetch
  readonly wait: (ms: number) => Promise<void>
  /** Called when the server no longer knows the session; the page is to be reloaded. */
  readonly onSessionInvalid: () => void
}

const retryAfterMs = 1000
const passingStatuses = [429, 502, 503, 504]

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isApiError = (value: unknown): value is ApiError =>
  typeof value === 'object' && value !== null && typeof (value as ApiError).code === 'string' && typeof (value as ApiError).message === 'string'

/** `?a=1&b=2` of what is set; empty values are left out. */
const queryString = (query: Readonly<Record<string, string | number | undefined>>): string => {
  const set = Object.entries(query).filter((pair): pair is [string, string | number] => pair[1] !== undefined && pair[1] !== '')
  return set.length === 0 ? '' : `?${set.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`
}

export type Api = ReturnType<typeof createApi>

/** @throws ApiFailure from every call; nothing else is thrown by a server's answer or its absence */
export const createApi = ({ session, language, fetch, wait, onSessionInvalid }: ApiOptions) => {
  const say = texts[language]

  const call = async <T>(method: Method, path: string, options: { body?: unknown; isRepeatable: boolean }): Promise<T> => {
    const headers: Record<string, string> = { accept: 'application/json', authorization: `Bearer ${session}` }
    if (options.body !== undefined) headers['content-type'] = 'application/json'
    const once = (): Promise<Answer | undefined> =>
      fetch(path, { method, headers, body: options.body === undefined ? undefined : JSON.stringify(options.body) }).catch(() => undefined)

    let answer = await once()
    if (options.isRepeatable && (answer === undefined || passingStatuses.includes(answer.status))) {
      await wait(retryAfterMs)
      answer = await once()
    }
    if (answer === undefined) throw new ApiFailure('NO_ANSWER', say.noAnswer)

    const text = await answer.text().catch(() => undefined)
    if (text === undefined) throw new ApiFailure('NO_ANSWER', say.noAnswer)
    const value = parse(text)
    if (answer.status >= 200 && answer.status < 300 && value !== undefined) return value as T
    if (!isApiError(value)) throw new ApiFailure('UNREADABLE', say.unreadable)
    if (value.code === sessionInvalid) {
      onSessionInvalid()
      throw new ApiFailure(value.code, say.sessionOver)
    }
    throw new ApiFailure(value.code, value.message, value.fields ?? {})
  }

  const read = <T>(path: string) => call<T>('GET', path, { isRepeatable: true })
  const repeatable = <T>(method: Method, path: string, body?: unknown) => call<T>(method, path, { body, isRepeatable: true })
  const once = <T>(path: string, body: unknown) => call<T>('POST', path, { body, isRepeatable: false })
  const connection = (id: string) => `/api/connections/${encodeURIComponent(id)}`
  const route = (id: string) => `/api/routes/${encodeURIComponent(id)}`
  const running = (id: string) => `/api/patient/deliveries/${encodeURIComponent(id)}`

  return {
    overview: () => read<Overview>('/api/overview'),
    install: () => repeatable<InstallResult>('POST', '/api/install', {}),
    robotSettings: () => read<RobotSettings>('/api/robot-settings'),

    addConnection: (form: ConnectionForm) => once<Connection>('/api/connections', form),
    changeConnection: (id: string, form: ConnectionForm) => repeatable<Connection>('PUT', connection(id), form),
    deleteConnection: (id: string) => repeatable<object>('DELETE', connection(id)),
    checkConnection: (id: string) => repeatable<CheckResult>('POST', `${connection(id)}/check`, {}),
    chats: (id: string) => read<Chats>(`${connection(id)}/chats`),
    sendTest: (id: string, to: string) => once<TestResult>(`${connection(id)}/test`, { to }),

    addRoute: (form: RouteForm) => once<Route>('/api/routes', form),
    changeRoute: (id: string, form: RouteForm) => repeatable<Route>('PUT', route(id), form),
    deleteRoute: (id: string) => repeatable<object>('DELETE', route(id)),

    patient: () => read<PatientView>('/api/patient'),
    history: (query: HistoryQuery) => read<History>(`/api/patient/history${queryString(query)}`),
    typing: () => read<Typing>('/api/patient/typing'),
    identityLog: () => read<IdentityLog>('/api/patient/log'),
    findContacts: (q: string) => read<{ contacts: Candidate[] }>(`/api/patient/contacts${queryString({ q })}`),
    write: (form: WriteForm) => once<object>('/api/patient/write', form),
    bind: (key: string, contactId: string) => repeatable<PatientView>('POST', '/api/patient/bind', { key, contactId }),
    confirm: (key: string) => once<PatientView>('/api/patient/confirm', { key }),
    unbind: (key: string) => repeatable<PatientView>('POST', '/api/patient/unbind', { key }),
    setReply: (key: string) => repeatable<PatientView>('POST', '/api/patient/reply', { key }),
    merge: (contactId: string) => once<PatientView>('/api/patient/merge', { contactId }),
    makeStartLink: (connectionId: string) => once<StartLink>('/api/patient/start-link', { connectionId }),
    stopDelivery: (id: string) => repeatable<PatientView>('POST', `${running(id)}/stop`, {}),
    // Said twice it would skip a step.
    nextStep: (id: string) => once<PatientView>(`${running(id)}/next`, {}),

    connector: () => read<ConnectorView>('/api/connector'),
    activate: (connectionId: string | undefined) => repeatable<ConnectorView>('POST', '/api/connector/activate', { connectionId }),
    deactivate: () => repeatable<ConnectorView>('POST', '/api/connector/deactivate', {}),

    conversations: () => read<ConversationSettings>('/api/conversations'),
    saveConversations: (form: ConversationSettingsForm) => repeatable<ConversationSettings>('PUT', '/api/conversations', form),
    addApiKey: (name: string) => once<ApiKey>('/api/api-keys', { name }),
    deleteApiKey: (id: string) => repeatable<object>('DELETE', `/api/api-keys/${encodeURIComponent(id)}`),
  }
}
