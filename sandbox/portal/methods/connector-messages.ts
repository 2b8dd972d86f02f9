import { RestError } from '../errors.ts'
import { findConnector, stateOnLine, worksOnLine } from '../lines/connectors.ts'
import { lineIsActive } from '../lines/config.ts'
import { chatToRename, type InboundItem, type ItemResult, readItems, receive, receiveDelete, receiveUpdate } from '../lines/inbound.ts'
import { type Line } from '../lines/model.ts'
import { asMap } from '../list-query.ts'
import { type Connector } from '../model.ts'
import { answer, answerLater, appOf, type Call, causeOf, type Handler } from './call.ts'

function connector(call: Call): Connector {
  const id = String(call.params.CONNECTOR).toLowerCase()
  const own = call.app ? appOf(call).connectors.get(id) : findConnector(call.engine, id)?.connector
  if (!own) throw new RestError('IMCONNECTOR_NO_CORRECT_PROVIDER', 'Failed to find a suitable provider for the connector')
  return own
}

/** The line, with the connector switched on there. */
function activeLine(call: Call, of: Connector): Line {
  const line = call.engine.world.lines.lines.get(Number(call.params.LINE))
  if (!lineIsActive(line) || !worksOnLine(of, line.id)) throw new RestError('NOT_ACTIVE_LINE', 'The line with this ID is inactive or does not exist')
  return line
}

/** Outer success says only that the list was read: each element has its own SUCCESS. */
function inbound(handle: (call: Call, of: Connector, line: Line, item: InboundItem) => ItemResult | Promise<ItemResult>): Handler {
  return answerLater(async (call) => {
    const items = readItems(call.params.MESSAGES)
    const of = connector(call)
    const line = activeLine(call, of)
    const results: ItemResult[] = []
    for (const item of items) results.push(await handle(call, of, line, item))
    return { SUCCESS: true, DATA: { RESULT: results } }
  })
}

interface Receipt {
  im?: { chat_id?: unknown, message_id?: unknown }
  message?: { id?: unknown, date?: unknown }
  chat?: { id?: unknown }
}

/**
 * The receipts. A message that is not known is passed over in silence; ids that are no list are refused, for the page asks for a list even for one.
 */
function receipts(call: Call): Receipt[] {
  const list = Object.values(asMap(call.params.MESSAGES)) as Receipt[]
  if (list.length === 0) throw new RestError('ERROR_ARGUMENT', "Argument 'MESSAGES' is null or empty")
  for (const one of list) {
    const ids = one.message?.id
    const whole = [one.im?.chat_id, one.im?.message_id, one.chat?.id].every((value) => value !== undefined && value !== '')
    if (!whole || !Array.isArray(ids) || ids.length === 0 || ids.some((id) => String(id) === '')) {
      throw new RestError('ERROR_ARGUMENT', 'The incorrect structure of a message inside MESSAGES parameter')
    }
  }
  return list
}

/** Messages that go between a connector and the line. @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/index.html */
export const connectorMessageMethods: Record<string, Handler> = {
  'imconnector.send.messages': inbound((call, of, line, item) => receive(call.engine, of, line, item, causeOf(call))),
  'imconnector.update.messages': inbound((call, of, line, item) => receiveUpdate(call.engine, of, line, item, causeOf(call))),
  'imconnector.delete.messages': inbound((call, of, line, item) => receiveDelete(call.engine, of, line, item, causeOf(call))),
  'imconnector.send.status.delivery': answer((call) => {
    const list = receipts(call)
    const of = connector(call)
    const { lines } = call.engine.world
    for (const one of list) {
      const message = lines.messages.get(Number(one.im!.message_id))
      const chat = message && lines.chats.get(message.chatId)
      if (!chat || chat.connector !== of.id || chat.lineId !== Number(call.params.LINE) || chat.id !== Number(one.im!.chat_id) || message.kind === 'patient') continue
      message.connectorMid = (one.message!.id as unknown[]).map(String)
      message.state = 'delivered'
    }
    return { SUCCESS: true, DATA: [] }
  }),
  // Accepted and without any effect: a delivered message counts as read already.
  'imconnector.send.status.reading': answer((call) => {
    receipts(call)
    connector(call)
    return true
  }),
  'imconnector.chat.name.set': answer((call) => {
    const of = connector(call)
    const line = activeLine(call, of)
    const userId = String(call.params.USER_ID ?? '')
    if (userId === '' && of.flags.CHAT_GROUP !== true) throw new RestError('ERROR_ARGUMENT', "Argument 'USER_ID' is null or empty")
    const chat = chatToRename(call.engine, of, line, String(call.params.CHAT_ID), userId)
    if (!chat) throw new RestError('CHAT_RENAMING_FAILED', 'Failed to rename the chat')
    chat.name = String(call.params.NAME)
    // PHP has an empty object here, not a list.
    return { SUCCESS: true, DATA: { RESULT: {} } }
  }),
  // No page of its own; named on the page of SETTING_CONNECTOR. Operators' messages do not go out until the connector is activated again.
  'imconnector.set.error': answer((call) => {
    stateOnLine(connector(call), Number(call.params.LINE)).error = true
    return true
  }),
}
