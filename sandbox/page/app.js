/* global document, window, FormData, fetch, EventSource, setTimeout, clearTimeout, setInterval, navigator, localStorage */
import { icons } from './icons.js'
import { languages } from './words.js'

const messengers = ['whatsapp', 'telegram', 'max', 'sms']
const names = { whatsapp: 'WhatsApp', telegram: 'Telegram', max: 'MAX', sms: 'SMS' }
const speeds = [1, 10, 60, 600]
const logs = ['rest', 'calls', 'webhooks', 'deliveries']

let language = localStorage.getItem('language') ?? 'ru'
let word = languages[language]
let scene
let receivedAt = 0
let tab = 'rest'
let known
const find = (id) => document.getElementById(id)
const safe = (text) => String(text ?? '').replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

// --- time

const zone = { timeZone: 'Europe/Moscow' }
const hhmm = (ms) => new Date(ms).toLocaleTimeString('ru-RU', { ...zone, hour: '2-digit', minute: '2-digit' })
const hhmmss = (ms) => new Date(ms).toLocaleTimeString('ru-RU', { ...zone, hour: '2-digit', minute: '2-digit', second: '2-digit' })
const dayOf = (ms) => new Date(ms).toLocaleDateString(language === 'ru' ? 'ru-RU' : 'en-GB', { ...zone, day: 'numeric', month: 'long' })
const nowSimulated = () => scene.clock.now + (Date.now() - receivedAt) * scene.clock.speed

setInterval(() => {
  if (scene === undefined) return
  const now = nowSimulated()
  find('clock-time').textContent = hhmmss(now)
  find('clock-date').textContent = new Date(now).toLocaleDateString(language === 'ru' ? 'ru-RU' : 'en-GB', { ...zone, weekday: 'short', day: 'numeric', month: 'short' })
  for (const one of document.querySelectorAll('.status time')) one.textContent = hhmm(now)
}, 60)

// --- talking to the sandbox

async function post(path, body = {}) {
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const json = await answer.json().catch(() => ({}))
  if (!answer.ok || json.ok === false) {
    toast(json.error ?? `HTTP ${answer.status}`, true)
    return undefined
  }
  return json
}
const phone = (deed, messenger, more = {}) => post(`/sandbox/phones/${scene.phone.id}/${deed}`, { messenger, ...more })

let toastTimer
function toast(text, bad = false) {
  const element = find('toast')
  element.textContent = text
  element.className = `toast on${bad ? ' bad' : ''}`
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => { element.className = 'toast' }, 2600)
}

const live = new EventSource('/api/live')
live.onmessage = (event) => {
  scene = JSON.parse(event.data)
  receivedAt = Date.now()
  render()
}
live.onerror = () => toast(word.lost, true)

// --- drawing: a part is replaced only when its text has changed

const drawn = new Map()
function draw(element, html) {
  if (drawn.get(element) === html) return false
  drawn.set(element, html)
  element.innerHTML = html
  return true
}

function render() {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = word[element.dataset.word]
  find('language').textContent = language === 'ru' ? 'EN' : 'RU'
  renderTime()
  renderDeal()
  renderTimeline()
  for (const messenger of messengers) renderPhone(messenger)
  known = new Set(scene.phone.messages.filter((one) => one.arrivedAt !== undefined).map((one) => `${one.messenger}/${one.id}`))
  renderLog()
}

function renderTime() {
  find('time').className = `time${scene.clock.speed > 1 ? ' fast' : ''}`
  draw(find('speeds'), speeds.map((speed) => `<button data-speed="${speed}" class="${scene.clock.speed === speed ? 'on' : ''}" title="${word.speed}">${speed}×</button>`).join(''))
  draw(find('jumps'), `<button data-jump="300000">${word.minutes5}</button><button data-jump="3600000">${word.hour}</button>`)
  link('link-deal', scene.links.deal, '')
  link('link-app', scene.links.application, word.noAppLink)
}

function link(id, href, otherwise) {
  const element = find(id)
  element.classList.toggle('off', href === null)
  element.title = href ?? otherwise
  if (href === null) element.removeAttribute('href')
  else element.href = href
}

const initials = (name) => name.split(' ').map((part) => part[0] ?? '').join('').slice(0, 2).toUpperCase()

function renderDeal() {
  const { deal, stages, phone: owner } = scene
  if (deal === null) return
  const way = stages.filter((stage) => stage.semantics !== 'F').sort((a, b) => a.sort - b.sort)
  const at = way.findIndex((stage) => stage.id === deal.stageId)
  const colour = deal.semantics === 'F' ? '#ff5752' : deal.semantics === 'S' ? '#7bd500' : '#39a8ef'
  draw(find('deal'), `<div class="kind">${language === 'ru' ? 'Сделка' : 'Deal'} № ${deal.id}</div><h1>${safe(deal.title)}</h1>
    <span class="stage-name">${safe(deal.stageName)}</span>
    <div class="stages" style="--stage:${colour}">${way.map((stage, index) => `<i class="${index <= at || deal.semantics === 'F' ? 'done' : ''}" title="${safe(stage.name)}"></i>`).join('')}</div>
    <div class="person"><div class="face">${initials(owner.name)}</div><div><b>${safe(owner.name)}</b><span>${safe(owner.phone)}</span></div></div>`)
  const text = find('robot-text')
  if (text.dataset.filled === undefined) {
    text.dataset.filled = 'yes'
    text.value = word.robotText.replace('{visit}', deal.title.replace(/^\S+\s/, ''))
  }
  const ready = (scene.app?.robots.length ?? 0) > 0
  find('run-robot').disabled = !ready
  find('robot-hint').textContent = ready ? `${safe(scene.app.name)} · ${scene.app.robots[0]}` : word.noApp
  const run = scene.robotRuns.at(-1)
  draw(find('runs'), run === undefined ? '' : showRun(run))
}

function showRun(run) {
  const values = Object.entries(run.returnValues ?? {}).filter(([, value]) => value !== '' && value !== null)
  const what = run.isTimeout
    ? `<b>${word.timedOut}</b>`
    : run.answered
      ? `<b>${word.returned}</b> <span>${values.map(([name, value]) => `${safe(name)}: ${safe(value)}`).join(' · ')}</span>`
      : `<b>${safe(run.code)}</b> <span>${word.waitsFor}${typeof run.delivered === 'string' ? ` (${safe(run.delivered)})` : ''}</span>`
  return `<div class="run${run.answered || run.isTimeout ? ' done' : ''}"><i class="dot"></i><div>${what}</div></div>`
}

const marks = { configurable: '⇄', task: '✓', todo: '✓', comment: '✎', log: 'i' }
function renderTimeline() {
  const entries = scene.timeline.map((one) => `<article class="entry ${one.kind}">
    <span class="mark">${marks[one.kind] ?? '•'}</span><span class="when">${hhmm(Date.parse(one.updatedAt))}</span>
    <h3>${safe(one.title)}</h3>
    ${one.tags.length === 0 ? '' : `<div class="tags">${one.tags.map((tag) => `<span class="tag ${safe(tag.type)}">${safe(tag.title)}</span>`).join('')}</div>`}
    ${one.lines.map((line) => `<p>${safe(line)}</p>`).join('')}
    ${one.buttons.length === 0 ? '' : `<div class="acts">${one.buttons.map((button) => `<button data-activity="${one.id}" data-action="${safe(button.id)}">${safe(button.title)}</button>`).join('')}</div>`}
  </article>`).join('')
  draw(find('timeline'), `<h2>${word.timeline}</h2>${entries === '' ? `<p class="empty">${word.emptyTimeline}</p>` : entries}`)
}

// --- phones

const shells = new Map()
function shellOf(messenger) {
  let shell = shells.get(messenger)
  if (shell !== undefined) return shell
  const column = document.createElement('div')
  column.innerHTML = `<div class="switch"></div><div class="baton"></div>
    <div class="phone"><div class="screen ${messenger}">
      <div class="status"><time></time><span class="battery">5G <i></i></span></div>
      <div class="bar"></div><div class="chat"></div><div class="below"></div><div class="dark" hidden></div>
    </div></div>`
  find('phones').append(column)
  const part = (name) => column.querySelector(name)
  shell = { column, switch: part('.switch'), bar: part('.bar'), chat: part('.chat'), below: part('.below'), dark: part('.dark') }
  shells.set(messenger, shell)
  return shell
}

function accountOf(messenger) {
  const account = scene.accounts[messenger][0]
  if (account === undefined) return undefined
  switch (messenger) {
    case 'whatsapp': return { key: account.phoneNumberId, title: account.verifiedName, sub: word.business, hook: account.override ?? account.webhook }
    case 'telegram': return { key: String(account.botId), title: account.name, sub: `@${account.username}`, hook: account.webhookUrl }
    case 'max': return { key: String(account.userId), title: account.name, sub: word.bot, hook: account.webhookUrl }
    default: return { key: account.login, title: account.senders[0], sub: word.sms, hook: account.callbackUrl }
  }
}
const chatOf = (messenger, account) => scene.phone.chats[`${messenger}/${account?.key}`] ?? { started: false, blocked: false }

function renderPhone(messenger) {
  const shell = shellOf(messenger)
  const behaviour = scene.behaviours[messenger]
  const account = accountOf(messenger)
  const chat = chatOf(messenger, account)
  const counts = scene.phone.counts[messenger]
  shell.column.className = `column ${behaviour.mode}`
  const changed = behaviour.receipts !== 'normal' || behaviour.updates !== 'normal' || behaviour.failure !== 'none' || behaviour.pace !== 'natural'
  const twice = counts.repeated.length > 0 ? `<b>${word.repeated}</b> ` : ''
  draw(shell.switch, `<div class="name">${icons[messenger]}<b>${names[messenger]}</b>
      <span class="facts" title="${word.received}: ${counts.received}, ${word.sent}: ${counts.accepted}">${twice}${word.received} ${counts.received}${counts.accepted === counts.received ? '' : ` ${word.of} ${counts.accepted}`}</span>
      <button class="gear${changed ? ' changed' : ''}" data-gear="${messenger}" title="${word.finer}">${icons.gear}</button></div>
    <div class="modes">${['works', 'silent', 'refuses'].map((mode) => `<button class="${mode}${behaviour.mode === mode ? ' on' : ''}" data-mode="${mode}" data-messenger="${messenger}">${word[mode]}</button>`).join('')}</div>`)
  draw(shell.bar, `<div class="face">${messenger === 'sms' ? icons.person : safe((account?.title ?? '?').replace(/[^\p{L}]/gu, '')[0] ?? '?')}</div>
    <div class="who"><b>${safe(account?.title ?? '')}</b><span>${safe(account?.sub ?? '')}</span></div>
    <button class="menu" data-menu="${messenger}" aria-label="menu">${icons.more}</button>`)

  const own = scene.phone.messages.filter((one) => one.messenger === messenger)
  const atEnd = shell.chat.scrollHeight - shell.chat.scrollTop - shell.chat.clientHeight < 60
  const grown = draw(shell.chat, own.length === 0
    ? `<div class="nothing">${word.emptyChat}</div>`
    : `<div class="day">${dayOf(own[0].acceptedAt)}</div>${own.map((message) => showMessage(message)).join('')}`)
  if (grown && atEnd) shell.chat.scrollTop = shell.chat.scrollHeight
  renderBelow(messenger, shell, account, chat)
  shell.dark.hidden = scene.phone.online
  draw(shell.dark, `<b>${word.phoneIsOff}</b><small>${word.phoneIsOffHint}</small><button data-online="true">${icons.power} ${word.phoneOn}</button>`)
}

function showMessage(message) {
  const fresh = known !== undefined && message.arrivedAt !== undefined && !known.has(`${message.messenger}/${message.id}`)
  if (message.arrivedAt === undefined) {
    const why = message.state === 'waiting' ? scene.phone.online ? word.waiting : word.waitingOff : word[message.state]
    return `<div class="message unseen"><div class="bubble">${safe(message.text)}</div><small>${why}</small></div>`
  }
  const written = message.direction === 'written'
  const foot = [
    message.editedAt === undefined ? '' : word.edited, message.deletedAt === undefined ? '' : word.deleted,
    message.segments > 1 ? `${message.segments} ${word.segments}` : '', hhmm(message.arrivedAt),
  ].filter(Boolean).join(' · ')
  const ticks = written && message.messenger !== 'sms' ? '<span class="ticks">✓✓</span> ' : ''
  const pressed = new Set(message.pressed.map((one) => one.text))
  const keys = message.deletedAt !== undefined || message.buttons.length === 0
    ? ''
    : `<div class="keys">${message.buttons.map((row) => `<div>${row.map((button) => `<button data-press="${safe(message.id)}" data-messenger="${message.messenger}" data-button="${safe(button.text)}" class="${pressed.has(button.text) ? 'pressed' : ''}">${safe(button.text)}${button.kind === 'url' ? ' ↗' : ''}</button>`).join('')}</div>`).join('')}</div>`
  const notice = message.notice === undefined ? '' : `<div class="notice">${safe(message.notice)}</div>`
  return `<div class="message${written ? ' written' : ''}${fresh ? ' new' : ''}${message.deletedAt === undefined ? '' : ' deleted'}">
    <div class="bubble">${safe(message.text)}<span class="foot">${ticks}${foot}</span></div>${keys}</div>${notice}`
}

function renderBelow(messenger, shell, account, chat) {
  const isBot = messenger === 'telegram' || messenger === 'max'
  if (chat.blocked) {
    draw(shell.below, `<div class="barred">${isBot ? word.blocked : messenger === 'sms' ? word.refusedSms : word.blockedNumber}
      <button data-deed="unblock" data-messenger="${messenger}">${word.undo}</button></div>`)
  } else if (isBot && !chat.started) {
    draw(shell.below, `<button class="big-start" style="display:block;width:calc(100% - 18px)" data-start="${messenger}">${word.start}</button>`)
  } else if (draw(shell.below, `<form class="entry-box" data-write="${messenger}"><input name="text" autocomplete="off" placeholder="${word.writePlaceholder}"><button aria-label="send">${icons.send}</button></form>`)) {
    shell.below.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault()
      const field = event.target.elements.text
      if (field.value.trim() === '') return
      void phone('reply', messenger, { text: field.value.trim() })
      field.value = ''
    })
  }
}

// --- the log

const isBad = { rest: (one) => one.error !== undefined, calls: (one) => one.code !== 'ok', webhooks: (one) => one.outcome === 'lost' || one.outcome === 'given up' || one.status >= 400, deliveries: (one) => typeof one.outcome === 'string' || one.outcome >= 400 }

function renderLog() {
  draw(find('tabs'), logs.map((name) => {
    const bad = scene[name].filter(isBad[name]).length
    return `<button role="tab" data-tab="${name}" class="${tab === name ? 'on' : ''}">${word[name]}<i>${scene[name].length}</i>${bad > 0 ? `<i class="bad">${bad}</i>` : ''}</button>`
  }).join(''))
  const rows = find('log')
  const atEnd = rows.scrollHeight - rows.scrollTop - rows.clientHeight < 40
  const lines = scene[tab].map(showLine[tab]).join('')
  if (draw(rows, lines === '' ? `<div class="quiet">${word.nothing}</div>` : lines) && atEnd) rows.scrollTop = rows.scrollHeight
}

const row = (time, who, what, end, kind, attributes = '') =>
  `<${attributes === '' ? 'div' : 'button'} class="line" ${attributes}><span class="t">${hhmmss(time)}</span><span class="w">${safe(who)}</span><span class="m">${what}</span><span class="${kind}">${safe(end)}</span></${attributes === '' ? 'div' : 'button'}>`

const showLine = {
  rest: (one) => row(Date.parse(one.time), one.batch === undefined ? 'REST' : `↳ ${word.inBatch}`, safe(one.method), one.error ?? `${one.status} · ${Math.round(one.durationMs)} ${word.colMs}`,
    one.error === undefined ? 'ok' : 'bad', `data-rest="${one.id}"`),
  calls: (one) => row(one.at, names[one.messenger], `${safe(one.method)} <small>${safe(one.account)}</small>`, one.code === 'ok' ? String(one.status) : `${one.status === 0 ? '—' : one.status} · ${one.code}`, one.code === 'ok' ? 'ok' : 'bad'),
  webhooks: (one) => row(one.at, names[one.messenger], `${safe(one.kind)} <small>${safe(one.reason ?? '')}${one.tries > 1 ? ` · ${word.tries} ${one.tries}` : ''}</small>`,
    one.outcome === 'accepted' ? String(one.status) : one.outcome, one.outcome === 'accepted' ? 'ok' : one.outcome === 'sending' ? 'wait' : 'bad'),
  deliveries: (one) => row(Date.parse(one.at), one.what.split(':')[0].startsWith('ON') ? 'event' : one.what.split(':')[0], `${safe(one.what)} <small>${safe(one.url)}</small>`,
    String(one.outcome ?? '…'), one.outcome === null ? 'wait' : isBad.deliveries(one) ? 'bad' : 'ok'),
}

// --- sheets

// A narrow sheet lies over the phone that it belongs to.
function sheet(head, body, messenger) {
  const dialog = find('sheet')
  dialog.className = messenger === undefined ? '' : 'narrow'
  const column = messenger === undefined ? undefined : shells.get(messenger).column.getBoundingClientRect()
  dialog.style.cssText = column === undefined ? '' : `margin: 0; top: 150px; left: ${Math.max(12, Math.min(column.left + column.width / 2 - 170, window.innerWidth - 352))}px`
  dialog.innerHTML = `<div class="sheet-head">${head}<button data-close aria-label="${word.close}">×</button></div>${body}`
  if (!dialog.open) dialog.showModal()
}

function accountsSheet() {
  const line = (name, value) => value === undefined || value === null ? '' : `<button data-copy="${safe(value)}"><span>${name}</span><b>${safe(value)}</b></button>`
  const { whatsapp: [wa], telegram: [tg], max: [max], sms: [sms] } = scene.accounts
  const hook = (messenger, account, url, more = '') => `<form class="hook" data-hook="${messenger}" data-account="${safe(account)}"><input name="url" value="${safe(url)}" placeholder="${word.hookPlaceholder}">${more}<button>${word.save}</button></form>`
  const told = (url) => `<p class="told">${word.webhook}: ${safe(url ?? word.webhookNone)}</p>`
  sheet(`<div><h2>${word.accountsTitle}</h2><p>${word.accountsHint}</p></div>`, `<div class="sheet-body"><div class="account">
    <section><h3>${icons.whatsapp}WhatsApp</h3>${line('Phone ID', wa.phoneNumberId)}${line('WABA ID', wa.wabaId)}${line('Token', wa.token)}${line('App secret', wa.appSecret)}${line('Base URL', wa.baseUrl)}
      <h4>${word.templates}</h4>${wa.templates.map((one) => line(one.status.toLowerCase(), `${one.name}`)).join('')}
      <h4>${word.metaConsole}</h4>${hook('whatsapp', wa.phoneNumberId, (wa.override ?? wa.webhook)?.url, `<input name="verifyToken" placeholder="verify token" value="${safe((wa.override ?? wa.webhook)?.verifyToken)}">`)}</section>
    <section><h3>${icons.telegram}Telegram</h3>${line('Token', tg.token)}${line('Bot', `@${tg.username}`)}${line('API root', tg.apiRoot)}${told(tg.webhookUrl)}
      <h3 class="second">${icons.max}MAX</h3>${line('Token', max.token)}${line('Bot', max.username)}${line('Base URL', max.baseUrl)}${told(max.webhookUrl)}
      <h3 class="second">${icons.sms}SMSC.ru</h3>${line('Login', sms.login)}${line('Password', sms.password)}${line('API key', sms.apiKey)}${line('Secret', sms.secret)}${line('Sender', sms.senders[0])}${line('Base URL', sms.baseUrl)}${line(word.balance, sms.balance.toFixed(2))}
      <h4>${word.smscConsole}</h4>${hook('sms', sms.login, sms.callbackUrl)}</section>
  </div></div>`)
}

function gearSheet(messenger) {
  const behaviour = scene.behaviours[messenger]
  const select = (name, values, prefix) => `<div class="field"><label>${word[name]}</label><select data-behave="${messenger}" name="${name}">${values.map((value) =>
    `<option value="${value}"${behaviour[name] === value ? ' selected' : ''}>${word[`${prefix}_${value}`]}</option>`).join('')}</select></div>`
  const receipts = messenger === 'whatsapp' || messenger === 'sms' ? select('receipts', ['normal', 'late', 'twice', 'reversed', 'early', ...(messenger === 'whatsapp' ? ['readOnly'] : []), 'never'], 'r') : ''
  const failures = ['unauthorized', 'rateLimited', 'unavailable', 'badGateway', 'dropBefore', 'dropAfter', 'hangAfter']
  sheet(`${icons[messenger]}<h2>${names[messenger]}: ${word.finer.toLowerCase()}</h2>`, `<div class="sheet-body">${receipts}${select('updates', ['normal', 'late', 'twice', 'lost'], 'u')}
    <h4>${word.nextCall}</h4><div class="chips">${failures.map((one) => `<button data-next="${one}" data-messenger="${messenger}">${word[`f_${one}`]}</button>`).join('')}</div>
    <div class="chips"><button data-release="${messenger}">${word.release}</button><button data-reset="${messenger}">${word.reset}</button></div></div>`, messenger)
}

function menuSheet(messenger) {
  const account = accountOf(messenger)
  const chat = chatOf(messenger, account)
  const isBot = messenger === 'telegram' || messenger === 'max'
  const item = (deed, text, kind = '') => `<button class="${kind}" data-deed="${deed}" data-messenger="${messenger}">${text}</button>`
  const barWord = isBot ? ['block', 'unblock'] : messenger === 'sms' ? ['refuseSms', 'allowSms'] : ['blockNumber', 'unblockNumber']
  sheet(`${icons[messenger]}<h2>${safe(scene.phone.name)}, ${names[messenger]}</h2>`, `<div class="menu-list">
    ${isBot ? `<form class="hook" data-link="${messenger}"><input name="link" placeholder="${word.linkPlaceholder}"><button>${word.open}</button></form>` + item('start', word.startBot) + item('contact', word.shareContact) + item('forge', word.forgeContact) : ''}
    ${item('read', word.readAll)}${messenger === 'sms' ? '' : item('twice', word.pressTwice)}
    ${item(chat.blocked ? 'unblock' : 'block', word[barWord[chat.blocked ? 1 : 0]], chat.blocked ? '' : 'danger')}
    ${item('off', word.phoneOff)}</div>`, messenger)
}

const deeds = {
  start: (messenger) => phone('start', messenger),
  contact: (messenger) => phone('contact', messenger),
  forge: (messenger) => phone('contact', messenger, { forge: 'foreign' }),
  read: (messenger) => phone('read', messenger),
  twice: (messenger) => phone('press', messenger, { times: 2 }),
  block: (messenger) => phone('block', messenger),
  unblock: (messenger) => phone('unblock', messenger),
  off: () => post(`/sandbox/phones/${scene.phone.id}/online`, { online: false }),
}

async function restSheet(id) {
  const call = await (await fetch(`/api/rest/${id}`)).json()
  const pretty = (value) => safe(JSON.stringify(value, null, 2) ?? '')
  sheet(`<div><h2>${safe(call.method)}</h2><p>${hhmmss(Date.parse(call.time))} · HTTP ${call.status}${call.error === undefined ? '' : ` · ${safe(call.error)}`}</p></div>`,
    `<div class="sheet-body"><h4>params</h4><pre>${pretty(call.params)}</pre><h4>answer</h4><pre>${pretty(call.answer)}</pre></div>`)
}

// --- hands

document.addEventListener('click', (event) => {
  const dialog = find('sheet')
  if (event.target === dialog) {
    dialog.close()
    return
  }
  const target = event.target.closest('button')
  if (target === null || scene === undefined) return
  const data = target.dataset
  if (data.close !== undefined) dialog.close()
  else if (data.speed !== undefined) void post('/sandbox/clock', { speed: Number(data.speed) })
  else if (data.jump !== undefined) void post('/sandbox/clock', { advanceMs: Number(data.jump) })
  else if (data.mode !== undefined) void post(`/sandbox/messengers/${data.messenger}`, { mode: data.mode })
  else if (data.press !== undefined) void phone('press', data.messenger, { messageId: data.press, button: data.button })
  else if (data.start !== undefined) void phone('start', data.start)
  else if (data.online !== undefined) void post(`/sandbox/phones/${scene.phone.id}/online`, { online: true })
  else if (data.gear !== undefined) gearSheet(data.gear)
  else if (data.menu !== undefined) menuSheet(data.menu)
  else if (data.deed !== undefined) {
    dialog.close()
    void deeds[data.deed](data.messenger)
  } else if (data.next !== undefined) {
    void post(`/sandbox/messengers/${data.messenger}`, { failure: data.next, next: 1 })
    toast(`${names[data.messenger]}, ${word.next}: ${word[`f_${data.next}`]}`)
  } else if (data.release !== undefined) void post(`/sandbox/messengers/${data.release}/release`)
  else if (data.reset !== undefined) {
    dialog.close()
    void post(`/sandbox/messengers/${data.reset}/reset`)
  } else if (data.copy !== undefined) {
    void navigator.clipboard?.writeText(data.copy)
    toast(word.copied)
  } else if (data.tab !== undefined) {
    tab = data.tab
    renderLog()
  } else if (data.rest !== undefined) void restSheet(data.rest)
  else if (data.activity !== undefined) void post('/api/click', { activityId: data.activity, actionId: data.action })
  else if (target.id === 'show-accounts') accountsSheet()
  else if (target.id === 'run-robot') void post('/api/robot', { text: find('robot-text').value })
  else if (target.id === 'language') {
    language = language === 'ru' ? 'en' : 'ru'
    localStorage.setItem('language', language)
    word = languages[language]
    drawn.clear()
    render()
  }
})

document.addEventListener('submit', (event) => {
  const { hook, account, link: bot } = event.target.dataset
  if (bot !== undefined) {
    event.preventDefault()
    const typed = event.target.elements.link.value.trim()
    find('sheet').close()
    void phone('start', bot, { payload: /[?&]start=([^&#]+)/.exec(typed)?.[1] ?? typed })
    return
  }
  if (hook === undefined) return
  event.preventDefault()
  const fields = Object.fromEntries(new FormData(event.target))
  const path = hook === 'whatsapp' ? 'webhook' : 'callback'
  void post(`/sandbox/accounts/${hook}/${account}/${path}`, fields).then((done) => done !== undefined && toast(word.saved))
})

document.addEventListener('change', (event) => {
  const { behave } = event.target.dataset
  if (behave !== undefined) void post(`/sandbox/messengers/${behave}`, { [event.target.name]: event.target.value })
})

window.addEventListener('pagehide', () => live.close())
