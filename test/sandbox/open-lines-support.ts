import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo } from 'node:net'
import { type Portal, startPortal } from '../../sandbox/portal/portal.ts'
import { caller, createManualClock, type Received, register, type RestAnswer, startApplication } from './portal-support.ts'

/** Samples of the documentation about open lines (each with its page), as this project keeps them. */
export const lineVectors = JSON.parse(readFileSync(new URL('open-lines-vectors.json', import.meta.url), 'utf8')) as Record<string, any>

export type Call = (method: string, params?: Record<string, unknown>) => Promise<RestAnswer>

const events = [
  'ONIMCONNECTORMESSAGEADD', 'ONIMCONNECTORMESSAGEUPDATE', 'ONIMCONNECTORMESSAGEDELETE', 'ONIMCONNECTORDIALOGSTART', 'ONIMCONNECTORDIALOGFINISH',
  'ONIMCONNECTORSTATUSDELETE', 'ONIMCONNECTORLINEDELETE', 'ONSESSIONSTART', 'ONSESSIONFINISH', 'ONOPENLINEMESSAGEADD', 'ONOPENLINEMESSAGEUPDATE', 'ONOPENLINEMESSAGEDELETE',
]

export interface LinePortal {
  portal: Portal
  clientId: string
  call: Call
  /** The line on which the connector `clinic_chat` is switched on. */
  line: number
  clock: ReturnType<typeof createManualClock>
  /** Sends messages and gives the results of the elements. */
  send: (...messages: Record<string, any>[]) => Promise<any[]>
  /** Data of the events of one name that have arrived by now. */
  events: (name: string) => Promise<any[]>
  received: Received[]
  close: () => Promise<void>
}

/** A portal with an installed application, its connector on one line, and all events bound. */
export async function startLines(
  options: { line?: Record<string, unknown>, flags?: Record<string, unknown>, bind?: string[] } = {},
): Promise<LinePortal> {
  const clock = createManualClock()
  const application = await startApplication()
  const portal = await startPortal({ clock, limits: { burst: 0 } })
  const { clientId } = register(portal, application.origin)
  portal.finishInstall(clientId)
  const call = caller(portal, clientId)
  const line = portal.lines.add({ LINE_NAME: 'Чаты клиники', CRM_CREATE: 'none', VOTE_MESSAGE: 'N', ...options.line })
  await registerConnector(call, application.origin, 'clinic_chat', options.flags)
  await switchOn(call, 'clinic_chat', line)
  for (const event of options.bind ?? events) await call('event.bind', { event, handler: `${application.origin}/event` })
  return {
    portal, clientId, call, line, clock, received: application.received,
    send: async (...messages) => {
      const answer = await call('imconnector.send.messages', { CONNECTOR: 'clinic_chat', LINE: line, MESSAGES: messages })
      if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
      return answer.body.result.DATA.RESULT as any[]
    },
    events: async (name) => {
      await portal.settle()
      return application.received.filter((one) => one.form.event === name).map((one) => one.form.data)
    },
    close: async () => {
      await portal.close()
      application.close()
    },
  }
}

export async function registerConnector(call: Call, origin: string, id: string, flags: Record<string, unknown> = {}): Promise<void> {
  const { body } = await call('imconnector.register', {
    ID: id, NAME: 'Чат клиники', ICON: { DATA_IMAGE: 'data:image/svg+xml,%3Csvg%2F%3E' }, PLACEMENT_HANDLER: `${origin}/settings`,
    NEED_SIGNATURE: false, NEED_SYSTEM_MESSAGES: false, ...flags,
  })
  if (body.result.result !== true) throw new Error(JSON.stringify(body))
}

export async function switchOn(call: Call, connector: string, line: number): Promise<void> {
  await call('imconnector.activate', { CONNECTOR: connector, LINE: line, ACTIVE: '1' })
  await call('imconnector.connector.data.set', { CONNECTOR: connector, LINE: line, DATA: { ID: 'x', NAME: 'Чат клиники' } })
}

/** One message of a patient. Ids of person and chat differ, as they should. */
export function from(person: string, text: string, change: { user?: Record<string, unknown>, message?: Record<string, unknown>, chat?: Record<string, unknown> } = {}): Record<string, any> {
  return {
    user: { id: `p${person}`, name: 'Иван', ...change.user }, message: { id: `m-${person}-${text}`, date: 1_768_467_600, text, ...change.message },
    chat: { id: `c${person}`, ...change.chat },
  }
}

/** A server with files for the portal to download. */
export async function startFiles(files: Record<string, Uint8Array>): Promise<{ origin: string, headers: Record<string, unknown>[], close: () => void }> {
  const headers: Record<string, unknown>[] = []
  const server = createServer((request, response) => {
    headers.push(request.headers)
    const body = files[request.url ?? '']
    response.statusCode = body ? 200 : 404
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, headers, close: () => server.close() }
}
