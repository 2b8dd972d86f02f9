import { type FastifyInstance } from 'fastify'
import { type Engine } from '../engine.ts'
import { frameOf, layout, safe } from '../pages.ts'
import { findConnector, settingOptions } from './connectors.ts'

/** Public links of files, the contact center with the settings pages of connectors. */
export function addLinePages(app: FastifyInstance, engine: Engine): void {
  // The short link: no cookies, no sign of who asks.
  app.get<{ Params: { token: string } }>('/~:token', (request, reply) => {
    const { lines } = engine.world
    const file = lines.files.get(lines.fileByToken.get(request.params.token) ?? 0)
    if (!file) return reply.code(404).type('text/html; charset=utf-8').send(layout(engine, 'Файл не найден', '<h1>Файл не найден</h1>'))
    return reply.type(file.mime).header('content-disposition', `inline; filename*=UTF-8''${encodeURIComponent(file.name)}`).send(Buffer.from(file.bytes))
  })
  app.get<{ Querystring: { ID?: string, LINE?: string, user?: string } }>('/contact_center/connector', (request, reply) => {
    const found = findConnector(engine, (request.query.ID ?? '').toLowerCase())
    const lineId = Number(request.query.LINE ?? [...engine.world.lines.lines.keys()][0] ?? 0)
    void reply.type('text/html; charset=utf-8')
    if (!found) return reply.code(404).send(layout(engine, 'Контакт-центр', '<h1>Такого канала нет</h1>'))
    const options = settingOptions(found.connector, lineId)
    const frame = frameOf(engine, found.app.clientId, Number(request.query.user ?? 1), 'SETTING_CONNECTOR', options, found.connector.placementHandler)
    const choice = [...engine.world.lines.lines.values()].map((line) =>
      `<a href="/contact_center/connector/?ID=${safe(found.connector.id)}&LINE=${line.id}" class="${line.id === lineId ? 'on' : ''}">${safe(line.config.LINE_NAME)}</a>`).join('')
    return reply.send(layout(engine, found.connector.name, `<h1 data-title>${safe(found.connector.name)}</h1><nav class="tabs">${choice}</nav>${frame}`))
  })
}
