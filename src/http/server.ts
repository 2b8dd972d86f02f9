import formbody from '@fastify/formbody'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyInstance } from 'fastify'
import path from 'node:path'
import { decodeForm } from '../bitrix/incoming.ts'
import { type Deps } from '../flows/deps.ts'
import { type PageOpener } from '../flows/open-page.ts'
import { type Receiver } from '../flows/receive.ts'
import { registerSiteChat, type SiteChatParts } from '../site-chat/server.ts'
import { inLanguage } from '../words/english.ts'
import { registerApi } from './api.ts'
import { registerBitrix } from './bitrix.ts'
import { createErrorHandler } from './errors.ts'
import { registerFiles } from './files.ts'
import { registerHooks } from './hooks.ts'
import { createLanguageOf } from './language.ts'
import { registerMiniApp } from './mini-app.ts'
import { registerPages } from './pages.ts'
import { type Sessions } from './portal-session.ts'
import { registerPublicApi } from './public-api.ts'

export interface ServerParts {
  readonly deps: Deps
  readonly receiver: Receiver
  readonly pageOpener: PageOpener
  readonly sessions: Sessions
  readonly siteChat: SiteChatParts
  /** Folder of the built pages. */
  readonly pagesFolder: string
  /** undefined: everything that a request needs is there; else what is missing. */
  readonly isReady: () => Promise<string | undefined>
}

/** Robots carry long texts, WhatsApp up to 3 MB of updates. */
const bodyLimitBytes = 4 * 1024 * 1024

/** Every route, in the order in which it is tried. Request lines are logged without bodies, queries or headers. */
export const createServer = async ({ deps, receiver, pageOpener, sessions, siteChat, pagesFolder, isReady }: ServerParts): Promise<FastifyInstance> => {
  const server = fastify({
    logger: false,
    trustProxy: deps.config.trustProxy,
    bodyLimit: bodyLimitBytes,
    requestTimeout: 30_000,
    // Portals join addresses carelessly: a doubled or a trailing slash is the same address.
    // Links to files carry a signed name and the file's own.
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 2_000 },
  })
  const languageOf = createLanguageOf(sessions)
  server.setErrorHandler(createErrorHandler(deps.log, languageOf))
  server.setNotFoundHandler(async (request, reply) => reply.status(404).send({ code: 'NOT_FOUND', message: inLanguage(languageOf(request), 'Такого адреса здесь нет.') }))
  await server.register(formbody, { parser: decodeForm, bodyLimit: bodyLimitBytes })

  server.get('/healthz', () => ({ status: 'ok' }))
  server.get('/readyz', async (_request, reply) => {
    const missing = await isReady()
    return missing === undefined ? { status: 'ready' } : reply.status(503).send({ status: 'not ready', reason: missing })
  })
  server.get('/metrics', async (_request, reply) => reply.type('text/plain; version=0.0.4').send(deps.metrics.render()))

  await server.register((scope, _options, done) => {
    registerHooks(scope, receiver)
    done()
  })
  await server.register((scope, _options, done) => {
    registerSiteChat(scope, { ...siteChat, widgetFile: path.join(pagesFolder, 'widget.js') })
    done()
  })
  await server.register((scope, _options, done) => {
    registerMiniApp(scope, { deps, pagesFolder })
    done()
  })
  await server.register((scope, _options, done) => {
    registerBitrix(scope, receiver)
    done()
  })
  await server.register(fastifyStatic, { root: path.join(pagesFolder, 'assets'), prefix: '/placements/assets/', immutable: true, maxAge: '30d', decorateReply: false })
  await server.register((scope, _options, done) => {
    registerPages(scope, { pageOpener, sessions, languageOf, pagesFolder, log: deps.log })
    done()
  })
  await server.register(
    (scope, _options, done) => {
      registerApi(scope, { deps, sessions })
      done()
    },
    { prefix: '/api' },
  )
  await server.register((scope, _options, done) => {
    registerFiles(scope, deps)
    done()
  })
  await server.register(
    (scope, _options, done) => {
      registerPublicApi(scope, deps)
      done()
    },
    { prefix: '/v1' },
  )
  return server
}
