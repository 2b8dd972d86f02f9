import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type FastifyInstance } from 'fastify'
import { answerVisit } from '../flows/answer-visit.ts'
import { type Deps } from '../flows/deps.ts'
import { openMiniApp, requireMiniApp } from '../flows/open-mini-app.ts'
import { readForm } from './errors.ts'
import { MiniAppAnswer, MiniAppLaunch, MiniAppView } from './schemas.ts'

interface Connection {
  Params: { connection: string }
}

/** The messenger's web client shows the page in a frame; its applications open it by themselves. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors https://max.ru https://*.max.ru"

const bodyLimitBytes = 16 * 1024

/**
 * The page that a messenger opens for a patient, and what the page asks. Who they are comes with each request, signed by the messenger: no
 * cookie and no session, so nothing is left on a phone that somebody else picks up.
 */
export const registerMiniApp = (scope: FastifyInstance, { deps, pagesFolder }: { readonly deps: Deps; readonly pagesFolder: string }): void => {
  let html: Promise<string> | undefined
  const load = (): Promise<string> => {
    html ??= readFile(path.join(pagesFolder, 'mini-app/index.html'), 'utf8')
    html.catch(() => (html = undefined))
    return html
  }
  const view = async (connection: string, launchData: string): Promise<MiniAppView> => {
    const { launched, visit, answer } = await openMiniApp(deps, connection, launchData)
    const { portal, clinic, contactId } = launched
    const iso = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString())
    const shown = visit === undefined ? undefined : { at: iso(visit.at), endsAt: iso(visit.endsAt), doctor: visit.doctor, place: visit.place, service: visit.service, preparation: visit.preparation, answer }
    return MiniAppView.parse({ clinic: { ...clinic }, language: portal.language, timeZone: portal.timeZone, isKnown: contactId !== undefined, visit: shown })
  }

  scope.addHook('onSend', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' })
  })
  scope.get<Connection>('/mini-app/:connection', async (request, reply) => {
    await requireMiniApp(deps, request.params.connection)
    return reply.type('text/html; charset=utf-8').header('content-security-policy', policy).send(await load())
  })
  scope.post<Connection>('/mini-app/:connection/visit', { bodyLimit: bodyLimitBytes }, async (request) => view(request.params.connection, readForm(MiniAppLaunch, request.body).launchData))
  scope.post<Connection>('/mini-app/:connection/answer', { bodyLimit: bodyLimitBytes }, async (request) => {
    const { launchData, answer, at } = readForm(MiniAppAnswer, request.body)
    await answerVisit(deps, request.params.connection, launchData, { answer, visitAt: Date.parse(at) })
    return view(request.params.connection, launchData)
  })
}
