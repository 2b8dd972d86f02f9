import { RestError } from '../errors.ts'
import { checkHandler } from './bizproc.ts'
import { answer, appOf, type Call, type Handler } from './call.ts'

function notify(call: Call): number | false {
  const userId = Number(call.params.USER_ID)
  if (userId <= 0) throw new RestError('USER_ID_EMPTY', "User ID can't be empty")
  if (call.params.ATTACH !== undefined && JSON.stringify(call.params.ATTACH).length > 60_000) {
    throw new RestError('ATTACH_OVERSIZE', 'You have exceeded the maximum allowable size of attach')
  }
  const { world, clock } = call.engine
  if (!world.users.has(userId)) return false
  const tag = String(call.params.TAG ?? '')
  // The same tag replaces the older notification.
  if (tag !== '') world.notifications = world.notifications.filter((one) => one.userId !== userId || one.tag !== tag)
  const id = world.nextId('notification')
  world.notifications.push({ id, userId, message: String(call.params.MESSAGE), tag, at: clock.now() })
  return id
}

function checkSenderCode(call: Call): string {
  const code = String(call.params.CODE)
  if (!/^[a-zA-Z0-9._-]+$/.test(code)) throw new RestError('ERROR_SENDER_VALIDATION_FAILURE', 'Wrong sender code!')
  return code
}

/** @see https://apidocs.bitrix24.com/api-reference/messageservice/index.html */
export const messagingMethods: Record<string, Handler> = {
  'im.notify.system.add': answer(notify),
  'im.notify.personal.add': answer(notify),
  'messageservice.sender.add': answer((call) => {
    const app = appOf(call)
    const code = checkSenderCode(call)
    if (String(call.params.TYPE) !== 'SMS') throw new RestError('ERROR_SENDER_VALIDATION_FAILURE', 'Unknown sender message TYPE!')
    checkHandler(String(call.params.HANDLER), app)
    if (app.senders.has(code)) throw new RestError('ERROR_SENDER_ALREADY_INSTALLED', 'Sender already installed!')
    app.senders.set(code, { code, type: 'SMS', handler: String(call.params.HANDLER), name: call.params.NAME, description: call.params.DESCRIPTION ?? '' })
    return true
  }),
  'messageservice.sender.update': answer((call) => {
    const app = appOf(call)
    const sender = app.senders.get(checkSenderCode(call))
    if (call.params.HANDLER === undefined && call.params.NAME === undefined && call.params.DESCRIPTION === undefined) {
      throw new RestError('ERROR_SENDER_OTHER_PARAMS_REQUIRED', 'At least one other parameter is required!')
    }
    if (!sender) throw new RestError('ERROR_SENDER_NOT_FOUND', 'Sender not found!')
    if (call.params.HANDLER !== undefined) {
      checkHandler(String(call.params.HANDLER), app)
      sender.handler = String(call.params.HANDLER)
    }
    if (call.params.NAME !== undefined) sender.name = call.params.NAME
    if (call.params.DESCRIPTION !== undefined) sender.description = call.params.DESCRIPTION
    return true
  }),
  'messageservice.sender.list': answer((call) => [...appOf(call).senders.keys()]),
  'messageservice.sender.delete': answer((call) => {
    if (!appOf(call).senders.delete(checkSenderCode(call))) throw new RestError('ERROR_SENDER_NOT_FOUND', 'Sender not found!')
    return true
  }),
  'messageservice.message.status.update': answer((call) => {
    const status = String(call.params.STATUS)
    if (!['queued', 'sent', 'delivered', 'undelivered', 'failed'].includes(status)) {
      throw new RestError('ERROR_MESSAGE_STATUS_INCORRECT', 'Message status incorrect!')
    }
    const message = call.engine.world.messages.get(String(call.params.MESSAGE_ID))
    if (message?.clientId !== appOf(call).clientId || message.code !== String(call.params.CODE)) {
      throw new RestError('ERROR_MESSAGE_NOT_FOUND', 'Message not found!')
    }
    if (!call.user.admin && call.user.id !== message.userId) throw new RestError('ACCESS_DENIED', 'Access denied!', 403)
    message.status = status
    message.statuses.push(status)
    return true
  }),
}
