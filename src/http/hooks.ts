import { type FastifyInstance, type FastifyRequest } from 'fastify'
import { type RawRequest } from '../channels/channel.ts'
import { type Receiver } from '../flows/receive.ts'

/** What a key of ours can look like: nothing else is worth a question to the database. */
const keyPattern = /^[\w-]{1,64}$/

const mediaType = /^[\w.+-]+\/[\w.+-]+/

/**
 * Webhooks of messengers: `/hooks/<channel>/<key>`. The body is kept as the bytes that came, because signatures cover them; the answer
 * is 200 whatever is inside, as soon as it is stored.
 */
export const registerHooks = (scope: FastifyInstance, receiver: Receiver): void => {
  scope.removeAllContentTypeParsers()
  // A type that is none would be refused, and a vendor that is refused repeats itself, or falls silent. Nobody else reads it.
  scope.addHook('onRequest', (request, _reply, done) => {
    if (!mediaType.test(request.headers['content-type'] ?? 'none/none')) request.headers['content-type'] = 'application/octet-stream'
    done()
  })
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  scope.route<{ Params: { channel: string; key: string } }>({
    method: ['GET', 'POST'],
    url: '/hooks/:channel/:key',
    handler: async (request, reply) => {
      if (!keyPattern.test(request.params.key)) return reply.status(404).send('')
      const answer = await receiver.webhook(request.params.channel, request.params.key, rawRequestOf(request))
      if (answer === undefined) return reply.status(404).send('')
      return reply.status(answer.status).type('text/plain').send(answer.body)
    },
  })
}

const rawRequestOf = (request: FastifyRequest): RawRequest => ({
  method: request.method,
  headers: oneOfEach(request.headers),
  query: oneOfEach(request.query as Record<string, string | string[] | undefined>),
  body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
})

/** What is given twice counts once: no vendor does that, and whoever checks a secret expects a text. */
const oneOfEach = (values: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]))
