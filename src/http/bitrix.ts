import { type FastifyInstance } from 'fastify'
import { type Receiver } from '../flows/receive.ts'

/**
 * What the portal sends by itself: events and robots. It never repeats them and demotes slow handlers, so the answer goes out as soon
 * as the call is stored; a forged one gets the same answer and has no effect.
 *
 * @see https://apidocs.bitrix24.com/api-reference/events/index.html
 */
export const registerBitrix = (scope: FastifyInstance, receiver: Receiver): void => {
  // Something that is not a form is no call of a portal; it is answered all the same.
  scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, {}))
  scope.post('/bitrix/events', async (request, reply) => {
    await receiver.event(request.body)
    return reply.send('')
  })
  scope.post('/bitrix/robots/:code', async (request, reply) => {
    await receiver.robot(request.body)
    return reply.send('')
  })
}
