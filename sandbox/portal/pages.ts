import { type FastifyInstance, type FastifyReply } from 'fastify'
import { readFileSync } from 'node:fs'
import { openFrame, placementsOf } from './apps.ts'
import { type Engine } from './engine.ts'
import { readText } from './layout.ts'
import { type Item } from './model.ts'
import { findRobot, settingsOptions } from './robots.ts'

const assets: Record<string, string> = {
  'frame-host.mjs': 'text/javascript', 'timeline.mjs': 'text/javascript', 'portal.css': 'text/css',
  'messenger.mjs': 'text/javascript', 'messages.mjs': 'text/javascript', 'bbcode.mjs': 'text/javascript', 'messenger.css': 'text/css',
}

/** Text for HTML. */
export function safe(value: unknown): string {
  return String(value ?? '').replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** JSON for a script element. */
export function embed(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c')
}

export function layout(engine: Engine, title: string, body: string): string {
  const links = [...engine.world.apps.values()].filter((app) => app.present)
    .map((app) => `<a href="/app/${safe(app.clientId)}/">${safe(app.name)}</a>`).join('')
  return `<!doctype html><html lang="ru"><head><meta charset="utf-8"><title>${safe(title)}</title>
<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/sandbox/assets/portal.css"></head>
<body><div class="top"><b>Клиника · Битрикс24 (песочница)</b><a href="/">CRM</a><a href="/online/">Мессенджер</a>${links}</div><main>${body}</main></body></html>`
}

/** The frame of an application page and the script that mounts it. `commands` is JavaScript: an object of placement commands. */
export function frameOf(
  engine: Engine, clientId: string, userId: number, placement: string, options: Record<string, unknown> | null, handler?: string, commands = '{}',
): string {
  try {
    const opened = openFrame(engine, clientId, userId, placement, options, handler)
    const { appSid, frameName, action, fields } = opened
    return `<div id="frame-place"></div><script type="module">import { mountFrame } from '/sandbox/assets/frame-host.mjs'
window.portalFrame = mountFrame(document.getElementById('frame-place'), ${embed({ appSid, frameName, action, fields, clientId, userId })}, ${commands})</script>`
  } catch (error) {
    return `<div class="card"><p>${safe(error instanceof Error ? error.message : error)}</p></div>`
  }
}

function fieldList(rows: [string, unknown][]): string {
  return `<dl>${rows.filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => `<dt>${safe(name)}</dt><dd>${safe(value)}</dd>`).join('')}</dl>`
}

function stageBar(engine: Engine, deal: Item): string {
  return `<div class="stages">${engine.world.stages.filter((stage) => stage.categoryId === deal.categoryId).sort((a, b) => a.sort - b.sort)
    .map((stage) => `<button data-stage="${safe(stage.id)}" style="--stage:${safe(stage.color)}" class="${stage.id === deal.stageId ? 'on' : ''}">${safe(stage.name)}</button>`)
    .join('')}</div>`
}

function contactName(contact: Item | undefined): string {
  return contact ? `${String(contact.name)} ${String(contact.lastName)}`.trim() : ''
}

function phones(contact: Item | undefined): string {
  return contact?.fm.filter((entry) => entry.typeId === 'PHONE').map((entry) => entry.value).join(', ') ?? ''
}

function card(engine: Engine, kind: 'deal' | 'contact', item: Item, tab: number | undefined, userId: number, left: string): string {
  const path = `/crm/${kind}/details/${item.id}/`
  const placements = placementsOf(engine, `CRM_${kind.toUpperCase()}_DETAIL_TAB`)
  const chosen = tab === undefined ? undefined : placements[tab]
  const tabs = `<nav class="tabs"><a href="${path}" class="${chosen ? '' : 'on'}">Общие</a>${placements.map((one, index) =>
    `<a href="${path}?tab=${index}" class="${one === chosen ? 'on' : ''}">${safe(one.title)}</a>`).join('')}</nav>`
  if (chosen) {
    const options = { ID: String(item.id), URI: `${path}?IFRAME=Y&IFRAME_TYPE=SIDE_SLIDER` }
    return tabs + frameOf(engine, chosen.app.clientId, userId, `CRM_${kind.toUpperCase()}_DETAIL_TAB`, options, chosen.handler)
  }
  return `${tabs}<div class="columns"><div>${left}</div><div><h2>Таймлайн</h2><div id="timeline"></div></div></div>
<script type="module">import { moveByClick, showTimeline } from '/sandbox/assets/timeline.mjs'
showTimeline(document.getElementById('timeline'), '${kind}Id=${item.id}')
moveByClick(${item.id})</script>`
}

function dealPage(engine: Engine, deal: Item, tab: number | undefined, userId: number): string {
  const contact = engine.world.contacts.get(Number(deal.contactId))
  const left = `<div class="card"><h2>О сделке</h2>${fieldList([
    ['Сумма', `${String(deal.opportunity)} ${String(deal.currencyId)}`], ['Комментарий', deal.comments],
    ['Ответственный', contactName(engine.world.users.get(Number(deal.assignedById)) as unknown as Item)],
  ])}</div><div class="card"><h2>Клиент</h2>${contact
    ? `${fieldList([['Имя', contactName(contact)], ['Телефон', phones(contact)]])}<p><a href="/crm/contact/details/${contact.id}/">Открыть карточку</a></p>`
    : '<p class="muted">Не указан</p>'}</div><p><a class="button" href="/robot/${deal.id}">Роботы</a></p>`
  return layout(engine, String(deal.title), `<h1>${safe(deal.title)}</h1>${stageBar(engine, deal)}${card(engine, 'deal', deal, tab, userId, left)}`)
}

function contactPage(engine: Engine, contact: Item, tab: number | undefined, userId: number): string {
  const deals = [...engine.world.deals.values()].filter((deal) => (deal.contactIds as number[]).includes(contact.id))
  const left = `<div class="card"><h2>О контакте</h2>${fieldList([
    ['Имя', contactName(contact)], ['Телефон', phones(contact)], ['E-mail', contact.email],
  ])}</div><div class="card"><h2>Сделки</h2>${deals.map((deal) => `<p><a href="/crm/deal/details/${deal.id}/">${safe(deal.title)}</a></p>`).join('')}</div>`
  return layout(engine, contactName(contact), `<h1>${safe(contactName(contact))}</h1>${card(engine, 'contact', contact, tab, userId, left)}`)
}

function robotPage(engine: Engine, deal: Item, code: string | undefined, userId: number): string {
  const robots = [...engine.world.apps.values()].filter((app) => app.present && app.installed)
    .flatMap((app) => [...app.robots.values()].map((robot) => ({ app, robot })))
  const found = code === undefined ? undefined : findRobot(engine, code)
  const list = robots.map(({ robot }) =>
    `<p><a class="button" href="/robot/${deal.id}?code=${encodeURIComponent(robot.code)}">${safe(readText(robot.name, engine.language))}</a></p>`).join('')
  const head = `<h1>Роботы · ${safe(deal.title)}</h1>`
  if (!found) return layout(engine, 'Роботы', `${head}<div class="card"><h2>Добавить робота</h2>${list || '<p class="muted">Роботов пока нет: установите приложение</p>'}</div>`)
  const { app, robot } = found
  const frame = robot.usePlacement
    ? frameOf(engine, app.clientId, userId, 'BIZPROC_ACTIVITY_PROPERTIES_DIALOG', settingsOptions(engine, robot), robot.placementHandler || app.handlerUrl,
      '{ setPropertyValue: (values) => window.robotValues(values) }')
    : '<p class="muted">У этого робота нет своей страницы настроек: впишите значения слева.</p>'
  const rows = Object.entries(robot.properties).map(([key, property]) =>
    `<tr><th>${safe(readText(property.Name, engine.language))}</th><td><input data-property="${safe(key)}"></td></tr>`).join('')
  return layout(engine, 'Роботы', `${head}<div class="columns"><div><div class="card"><h2>${safe(readText(robot.name, engine.language))}</h2>
<table>${rows}</table><p><label>Ждать не дольше, минут <input id="timeout" type="number" min="1" style="width:7em"></label></p>
<p><button class="main" id="run">Запустить</button> <span id="outcome" class="muted"></span></p></div></div><div class="card">${frame}</div></div>
<script type="module">
const values = ${embed(engine.templates.get(robot.code) ?? {})}
const show = () => { for (const input of document.querySelectorAll('[data-property]')) { const value = values[input.dataset.property]; input.value = value === undefined ? '' : Array.isArray(value) ? value.join(', ') : value } }
const post = (url, body) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }).then((answer) => answer.json())
const keep = () => post('/sandbox/templates/${encodeURIComponent(robot.code)}', values)
window.robotValues = (changed) => {
  const { isRawValue: _, ...rest } = changed
  Object.assign(values, rest)
  show()
  return keep().then(() => true)
}
for (const input of document.querySelectorAll('[data-property]')) input.onchange = () => { values[input.dataset.property] = input.value; keep() }
document.getElementById('run').onclick = async () => {
  const minutes = Number(document.getElementById('timeout').value)
  const answer = await post('/sandbox/robot', { dealId: ${deal.id}, code: ${embed(robot.code)}, properties: values, ...(minutes > 0 ? { timeoutSeconds: minutes * 60 } : {}) })
  document.getElementById('outcome').textContent = answer.error ?? 'Робот запущен'
}
show()
</script>`)
}

function homePage(engine: Engine): string {
  const deals = [...engine.world.deals.values()].map((deal) =>
    `<tr><td><a href="/crm/deal/details/${deal.id}/">${safe(deal.title)}</a></td><td>${safe(engine.world.stageOf(deal)?.name)}</td><td>${safe(contactName(engine.world.contacts.get(Number(deal.contactId))))}</td></tr>`).join('')
  return layout(engine, 'CRM', `<h1>Сделки</h1><div class="card"><table><tr><th>Сделка</th><th>Стадия</th><th>Клиент</th></tr>${deals}</table></div>`)
}

/** The portal as a person sees it: application pages in frames, cards with their timeline, a small robot designer. */
export function addPages(app: FastifyInstance, engine: Engine): void {
  const html = (reply: FastifyReply, text: string | undefined): FastifyReply =>
    text === undefined ? reply.code(404).type('text/html; charset=utf-8').send(layout(engine, 'Не найдено', '<h1>Не найдено</h1>')) : reply.type('text/html; charset=utf-8').send(text)
  type Route = { Params: { id: string }, Querystring: { user?: string, tab?: string, code?: string, placement?: string, params?: string } }
  const tabOf = (text: string | undefined): number | undefined => text === undefined ? undefined : Number(text)

  app.get<{ Params: { name: string } }>('/sandbox/assets/:name', (request, reply) => {
    const type = assets[request.params.name]
    if (type === undefined) return reply.code(404).send()
    return reply.type(`${type}; charset=utf-8`).send(readFileSync(new URL(`assets/${request.params.name}`, import.meta.url), 'utf8'))
  })
  app.get('/', (_request, reply) => html(reply, homePage(engine)))
  app.get<Route>('/app/:id', (request, reply) => {
    const owner = engine.world.apps.get(request.params.id)
    if (!owner) return html(reply, undefined)
    const { user, placement, params } = request.query
    const options = params === undefined ? null : JSON.parse(params) as Record<string, unknown>
    return html(reply, layout(engine, owner.name, `<h1 data-title>${safe(owner.name)}</h1>${frameOf(engine, owner.clientId, Number(user ?? 1), placement ?? 'DEFAULT', options)}`))
  })
  app.get<Route>('/crm/deal/details/:id', (request, reply) => {
    const deal = engine.world.deals.get(Number(request.params.id))
    return html(reply, deal && dealPage(engine, deal, tabOf(request.query.tab), Number(request.query.user ?? 1)))
  })
  app.get<Route>('/crm/contact/details/:id', (request, reply) => {
    const contact = engine.world.contacts.get(Number(request.params.id))
    return html(reply, contact && contactPage(engine, contact, tabOf(request.query.tab), Number(request.query.user ?? 1)))
  })
  app.get<Route>('/robot/:id', (request, reply) => {
    const deal = engine.world.deals.get(Number(request.params.id))
    return html(reply, deal && robotPage(engine, deal, request.query.code, Number(request.query.user ?? 1)))
  })
}
