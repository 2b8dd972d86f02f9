import { type FastifyInstance, type FastifyReply } from 'fastify'
import { readFileSync } from 'node:fs'
import { type Engine } from '../engine.ts'
import { type App, type Placement } from '../model.ts'
import { frameOf, layout, safe } from '../pages.ts'
import { findConnector, settingOptions } from './connectors.ts'

interface Widget {
  app: App
  placement: Placement
  title: string
}

/** What applications bound to a place of the messenger that is shown in dialogs of open lines. Without a context a widget is shown everywhere. */
export function chatWidgets(engine: Engine, code: string): Widget[] {
  return [...engine.world.apps.values()].filter((app) => app.present && app.installed).flatMap((app) => app.placements
    .filter((placement) => placement.placement === code && /(^|;)\s*(ALL|LINES)\s*(;|$)/i.test(String(placement.options.context ?? 'ALL')))
    .map((placement) => ({ app, placement, title: String(placement.langAll[engine.language]?.TITLE ?? (placement.title || app.name)) })))
}

/** A page that is nothing but the frame of an application. */
function bare(title: string, body: string): string {
  return `<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>${safe(title)}</title><link rel="stylesheet" href="/sandbox/assets/portal.css">
<style>body { background: #fff; } #frame-place, .app-frame { height: 100vh; border-radius: 0; }</style></head><body>${body}</body></html>`
}

/** The messenger of the operators, public links of files, the contact center with the settings pages of connectors. */
export function addLinePages(app: FastifyInstance, engine: Engine): void {
  const html = (reply: FastifyReply, text: string, status = 200): FastifyReply => reply.code(status).type('text/html; charset=utf-8').send(text)

  app.get('/online', (_request, reply) => html(reply, readFileSync(new URL('../assets/messenger.html', import.meta.url), 'utf8')))
  app.get<{ Querystring: { code?: string } }>('/online/widgets', (request, reply) =>
    reply.send(chatWidgets(engine, request.query.code ?? 'IM_SIDEBAR').map(({ placement, title }) => ({ id: placement.id, title, iconName: placement.options.iconName ?? '' }))))
  // `{dialogId}` is all that the page gets: which patient it is the application has to ask for.
  app.get<{ Querystring: { code?: string, id?: string, chat?: string, user?: string } }>('/online/widget', (request, reply) => {
    const { code = 'IM_SIDEBAR', id, chat, user } = request.query
    const widget = chatWidgets(engine, code).find(({ placement }) => placement.id === Number(id))
    if (!widget || !engine.world.lines.chats.has(Number(chat))) return html(reply, bare('', '<p class="muted">Такого приложения здесь нет.</p>'), 404)
    const options = { dialogId: `chat${Number(chat)}`, URI: '/online/' }
    return html(reply, bare(widget.title, frameOf(engine, widget.app.clientId, Number(user ?? 1), code, options, widget.placement.handler)))
  })

  // The short link: no cookies, no sign of who asks.
  app.get<{ Params: { token: string } }>('/~:token', (request, reply) => {
    const { lines } = engine.world
    const file = lines.files.get(lines.fileByToken.get(request.params.token) ?? 0)
    if (!file) return html(reply, layout(engine, 'Файл не найден', '<h1>Файл не найден</h1>'), 404)
    return reply.type(file.mime).header('content-disposition', `inline; filename*=UTF-8''${encodeURIComponent(file.name)}`).send(Buffer.from(file.bytes))
  })
  app.get<{ Querystring: { ID?: string, LINE?: string, user?: string } }>('/contact_center/connector', (request, reply) => {
    const found = findConnector(engine, (request.query.ID ?? '').toLowerCase())
    const lineId = Number(request.query.LINE ?? [...engine.world.lines.lines.keys()][0] ?? 0)
    if (!found) return html(reply, layout(engine, 'Контакт-центр', '<h1>Такого канала нет</h1>'), 404)
    const options = settingOptions(found.connector, lineId)
    const frame = frameOf(engine, found.app.clientId, Number(request.query.user ?? 1), 'SETTING_CONNECTOR', options, found.connector.placementHandler)
    const choice = [...engine.world.lines.lines.values()].map((line) =>
      `<a href="/contact_center/connector/?ID=${safe(found.connector.id)}&LINE=${line.id}" class="${line.id === lineId ? 'on' : ''}">${safe(line.config.LINE_NAME)}</a>`).join('')
    return html(reply, layout(engine, found.connector.name, `<h1 data-title>${safe(found.connector.name)}</h1><nav class="tabs">${choice}</nav>${frame}`))
  })
}
