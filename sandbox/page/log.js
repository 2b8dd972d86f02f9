import { draw, find, hhmmss, names, safe, state } from './base.js'

const logs = ['rest', 'calls', 'webhooks', 'deliveries']

export const isBad = { rest: (one) => one.error !== undefined, calls: (one) => one.code !== 'ok', webhooks: (one) => one.outcome === 'lost' || one.outcome === 'given up' || one.status >= 400, deliveries: (one) => typeof one.outcome === 'string' || one.outcome >= 400 }

export function renderLog() {
  draw(find('tabs'), logs.map((name) => {
    const bad = state.scene[name].filter(isBad[name]).length
    return `<button role="tab" data-tab="${name}" class="${state.tab === name ? 'on' : ''}">${state.word[name]}<i>${state.scene[name].length}</i>${bad > 0 ? `<i class="bad">${bad}</i>` : ''}</button>`
  }).join(''))
  const rows = find('log')
  const atEnd = rows.scrollHeight - rows.scrollTop - rows.clientHeight < 40
  const lines = state.scene[state.tab].map(showLine[state.tab]).join('')
  if (draw(rows, lines === '' ? `<div class="quiet">${state.word.nothing}</div>` : lines) && atEnd) rows.scrollTop = rows.scrollHeight
}

export const row = (time, who, what, end, kind, attributes = '') =>
  `<${attributes === '' ? 'div' : 'button'} class="line" ${attributes}><span class="t">${hhmmss(time)}</span><span class="w">${safe(who)}</span><span class="m">${what}</span><span class="${kind}">${safe(end)}</span></${attributes === '' ? 'div' : 'button'}>`

export const showLine = {
  rest: (one) => row(Date.parse(one.time), one.batch === undefined ? 'REST' : `↳ ${state.word.inBatch}`, safe(one.method), one.error ?? `${one.status} · ${Math.round(one.durationMs)} ${state.word.colMs}`,
    one.error === undefined ? 'ok' : 'bad', `data-rest="${one.id}"`),
  calls: (one) => row(one.at, names[one.messenger], `${safe(one.method)} <small>${safe(one.account)}</small>`, one.code === 'ok' ? String(one.status) : `${one.status === 0 ? '—' : one.status} · ${one.code}`, one.code === 'ok' ? 'ok' : 'bad'),
  webhooks: (one) => row(one.at, names[one.messenger], `${safe(one.kind)} <small>${safe(one.reason ?? '')}${one.tries > 1 ? ` · ${state.word.tries} ${one.tries}` : ''}</small>`,
    one.outcome === 'accepted' ? String(one.status) : one.outcome, one.outcome === 'accepted' ? 'ok' : one.outcome === 'sending' ? 'wait' : 'bad'),
  deliveries: (one) => row(Date.parse(one.at), one.what.split(':')[0].startsWith('ON') ? 'event' : one.what.split(':')[0], `${safe(one.what)} <small>${safe(one.url)}</small>`,
    String(one.outcome ?? '…'), one.outcome === null ? 'wait' : isBad.deliveries(one) ? 'bad' : 'ok'),
}
