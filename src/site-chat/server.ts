import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { type FastifyError, type FastifyInstance } from 'fastify'
import { registerClinicApi } from './clinic-api.ts'
import { pruneFiles } from './files.ts'
import { createHub } from './hub.ts'
import { createTokens } from './keys.ts'
import { createLimits } from './limits.ts'
import { type Stream } from './live.ts'
import { type SiteChatParts } from './parts.ts'
import { Refusal } from './refusal.ts'
import { createReport, createWhisper, reportForgotten } from './report.ts'
import { registerVisitorApi } from './visitor-api.ts'

export { type SiteChatParts } from './parts.ts'

const sweepMs = 5_000
const pruneMs = 3600_000
/** A request's body, files apart: a text of 4000 letters in the longest spelling JSON has. */
const mostBodyBytes = 64 * 1024

/** The messenger of the clinic's site: its widget, what visitors' pages ask, and what the application asks. */
export const registerSiteChat = (scope: FastifyInstance, parts: SiteChatParts & { readonly widgetFile: string }): void => {
  const hub = createHub(parts.db, parts.onError)
  const report = createReport(parts.db, parts.connections, parts.takeWebhook)
  const streams = new Set<Stream>()
  let isStopped = false

  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  scope.addHook('onRoute', (route) => {
    route.bodyLimit ??= mostBodyBytes
  })
  scope.setErrorHandler(async (error: FastifyError | Error, _request, reply) => {
    if ('code' in error && error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return reply.status(413).send({ code: 'BODY_TOO_LARGE' })
    if (!(error instanceof Refusal)) throw error
    if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds)
    return reply.status(error.status).send({ code: error.code })
  })
  registerWidget(scope, parts.widgetFile)
  registerClinicApi(scope, { ...parts, hub })
  registerVisitorApi(scope, { ...parts, tokens: createTokens(parts.tokenKey), limits: createLimits(Date.now), hub, report, whisper: createWhisper(parts.connections, parts.takeWebhook), streams, isStopped: () => isStopped })

  const repeat = (work: () => Promise<void>, everyMs: number): NodeJS.Timeout => {
    let isRunning = false
    const timer = setInterval(() => {
      if (isRunning) return
      isRunning = true
      work()
        .catch((error: unknown) => (isStopped ? undefined : parts.onError(error)))
        .finally(() => (isRunning = false))
    }, everyMs)
    return timer.unref()
  }
  const timers: NodeJS.Timeout[] = []
  scope.addHook('onListen', (done) => {
    timers.push(repeat(() => reportForgotten(parts.db, report), sweepMs), repeat(() => pruneFiles(parts.db), pruneMs))
    done()
  })
  // Open streams would keep a server that stops waiting for ever.
  scope.addHook('preClose', (done) => {
    isStopped = true
    timers.forEach((timer) => clearInterval(timer))
    hub.stop()
    streams.forEach((stream) => stream.close())
    done()
  })
}

/** The script for the clinic's page. A new version of the application reaches the pages within minutes. */
const registerWidget = (scope: FastifyInstance, file: string): void => {
  let built: Promise<{ script: Buffer; zipped: Buffer; tag: string }> | undefined
  const load = async (): Promise<{ script: Buffer; zipped: Buffer; tag: string }> => {
    const script = await readFile(file)
    return { script, zipped: gzipSync(script), tag: `"${createHash('sha256').update(script).digest('base64url').slice(0, 22)}"` }
  }
  scope.get('/widget.js', async (request, reply) => {
    built ??= load()
    built.catch(() => (built = undefined))
    const { script, zipped, tag } = await built
    void reply.headers({
      'content-type': 'text/javascript; charset=utf-8', 'cache-control': 'public, max-age=300', etag: tag, vary: 'Accept-Encoding',
      'access-control-allow-origin': '*', 'cross-origin-resource-policy': 'cross-origin', 'x-content-type-options': 'nosniff',
    })
    if (request.headers['if-none-match'] === tag) return reply.status(304).send()
    const isZipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
    return isZipped ? reply.header('content-encoding', 'gzip').send(zipped) : reply.send(script)
  })
}
