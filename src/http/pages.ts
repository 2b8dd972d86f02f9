import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type FastifyInstance, type FastifyReply } from 'fastify'
import { type OpenedPage, type PageOpener } from '../flows/open-page.ts'
import { type Language } from '../bitrix/language.ts'
import { AppError } from '../errors.ts'
import { type Log } from '../log.ts'
import { inLanguage } from '../words/english.ts'
import { type LanguageOf } from './language.ts'
import { type Boot } from './schemas.ts'
import { type Sessions } from './portal-session.ts'

interface Parts {
  readonly pageOpener: PageOpener
  readonly sessions: Sessions
  readonly languageOf: LanguageOf
  readonly pagesFolder: string
  readonly log: Log
}

export const pages = ['install', 'dashboard', 'robot-settings', 'patient', 'connector-settings'] as const
const marker = '<!--estafeta-boot-->'

/**
 * Pages in frames of the portal. The portal opens them by POST; the page comes back with a session for the person who looks at it.
 * GET and HEAD answer too, because the Market checks addresses by them: without a portal a page only says where to open it.
 */
export const registerPages = (scope: FastifyInstance, { pageOpener, sessions, languageOf, pagesFolder, log }: Parts): void => {
  const built = new Map<string, Promise<string>>()
  const htmlOf = (page: string): Promise<string> => {
    const known = built.get(page)
    if (known !== undefined) return known
    const html = readFile(path.join(pagesFolder, page, 'index.html'), 'utf8')
    built.set(page, html)
    html.catch(() => built.delete(page))
    return html
  }
  const isPage = (page: string): boolean => (pages as readonly string[]).includes(page)
  const sendHtml = (reply: FastifyReply, html: string, domain?: string): FastifyReply =>
    reply
      .type('text/html; charset=utf-8')
      .header('cache-control', 'no-store')
      .header('referrer-policy', 'no-referrer')
      .header('x-content-type-options', 'nosniff')
      .header('content-security-policy', `frame-ancestors 'self'${domain === undefined ? '' : ` https://${domain} http://${domain}`}`)
      .send(html)

  scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, _body, done) => done(null, {}))
  scope.get<{ Params: { page: string } }>('/placements/:page', async (request, reply) => {
    if (!isPage(request.params.page)) throw new AppError('NOT_FOUND', 'Такой страницы нет.')
    return sendHtml(reply, await htmlOf(request.params.page))
  })
  scope.post<{ Params: { page: string } }>('/placements/:page', async (request, reply) => {
    const { page } = request.params
    if (!isPage(page)) throw new AppError('NOT_FOUND', 'Такой страницы нет.')
    try {
      const opened = await pageOpener.open(page, request.query, request.body)
      return await sendHtml(reply, (await htmlOf(page)).replace(marker, () => bootScript(opened, sessions)), opened.domain)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      log.warn({ code: error.code, page }, 'a page could not be opened')
      return sendHtml(reply.status(error.status), messagePage(languageOf(request), error.message), frameHost(request.query))
    }
  })
}

const bootScript = ({ viewer, subject, access, language, placement, options }: OpenedPage, sessions: Sessions): string => {
  const boot: Boot = { session: sessions.issue({ ...viewer, language, subject, access }), language, placement, options, isAdmin: viewer.isAdmin }
  // The portal's options are foreign text: nothing in them may end the script.
  return `<script type="application/json" id="estafeta-boot">${JSON.stringify(boot).replaceAll('<', '\\u003c')}</script>`
}

const frameHost = (query: unknown): string | undefined => {
  const domain = (query as Record<string, unknown> | null)?.DOMAIN
  return typeof domain === 'string' && /^[a-z0-9.-]+(?::\d+)?$/i.test(domain) ? domain : undefined
}

const titles = { ru: 'Эстафета', en: 'Estafeta' } as const

const messagePage = (language: Language, message: string): string =>
  `<!doctype html><html lang="${language}"><meta charset="utf-8"><title>${titles[language]}</title><body style="font:16px/1.5 system-ui,sans-serif;color:#333;background:#eef2f4;margin:0;padding:48px 24px"><main style="max-width:520px;margin:0 auto;background:#fff;border-radius:12px;padding:24px 28px">${inLanguage(language, message).replace(/[&<>]/g, (character) => `&#${character.charCodeAt(0)};`)}</main></body></html>`
