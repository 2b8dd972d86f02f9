/* global document, window, localStorage, Audio, EventSource, FormData, navigator, setInterval */
import { draw, drawn, find, hhmmss, messengers, names, nowSimulated, phone, post, state, toast, zone, hhmm } from './base.js'
import { renderDeal, renderTimeline } from './deal.js'
import { renderLog } from './log.js'
import { renderPhone } from './phones.js'
import { accountsSheet, acts, attachSheet, compose, deeds, gearSheet, gifts, menuSheet, messageSheet, restSheet, sendOwn } from './sheets.js'
import { languages } from './words.js'

const speeds = [1, 10, 60, 600]

setInterval(() => {
  if (state.scene === undefined) return
  const now = nowSimulated()
  find('clock-time').textContent = hhmmss(now)
  find('clock-date').textContent = new Date(now).toLocaleDateString(state.language === 'ru' ? 'ru-RU' : 'en-GB', { ...zone, weekday: 'short', day: 'numeric', month: 'short' })
  for (const one of document.querySelectorAll('.status time')) one.textContent = hhmm(now)
}, 60)

const live = new EventSource('/api/live')
live.onmessage = (event) => {
  state.scene = JSON.parse(event.data)
  state.receivedAt = Date.now()
  render()
}
live.onerror = () => toast(state.word.lost, true)

function render() {
  document.documentElement.lang = state.language
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = state.word[element.dataset.word]
  find('language').textContent = state.language === 'ru' ? 'EN' : 'RU'
  renderTime()
  renderDeal()
  renderTimeline()
  for (const messenger of messengers) renderPhone(messenger)
  state.known = new Set(state.scene.phone.messages.filter((one) => one.arrivedAt !== undefined).map((one) => `${one.messenger}/${one.id}`))
  renderLog()
}

function renderTime() {
  find('time').className = `time${state.scene.clock.speed > 1 ? ' fast' : ''}`
  draw(find('speeds'), speeds.map((speed) => `<button data-speed="${speed}" class="${state.scene.clock.speed === speed ? 'on' : ''}" title="${state.word.speed}">${speed}×</button>`).join(''))
  draw(find('jumps'), `<button data-jump="300000">${state.word.minutes5}</button><button data-jump="3600000">${state.word.hour}</button>`)
  link('link-deal', state.scene.links.deal, '')
  link('link-app', state.scene.links.application, state.word.noAppLink)
}

function link(id, href, otherwise) {
  const element = find(id)
  element.classList.toggle('off', href === null)
  element.title = href ?? otherwise
  if (href === null) element.removeAttribute('href')
  else element.href = href
}

// --- hands

/** The phone opens the bot's page in its own tab, as MAX does. */
async function openApp(messenger, payload) {
  const opened = await phone('app', messenger, { payload })
  if (opened !== undefined) window.open(opened.url, '_blank', 'noopener')
}

document.addEventListener('click', (event) => {
  const dialog = find('sheet')
  if (event.target === dialog) {
    dialog.close()
    return
  }
  const target = event.target.closest('button')
  if (target === null || state.scene === undefined) return
  const data = target.dataset
  if (data.close !== undefined) dialog.close()
  else if (data.speed !== undefined) void post('/sandbox/clock', { speed: Number(data.speed) })
  else if (data.jump !== undefined) void post('/sandbox/clock', { advanceMs: Number(data.jump) })
  else if (data.mode !== undefined) void post(`/sandbox/messengers/${data.messenger}`, { mode: data.mode })
  else if (data.app !== undefined) void openApp(data.messenger, data.app)
  else if (data.press !== undefined) void phone('press', data.messenger, { messageId: data.press, button: data.button })
  else if (data.start !== undefined) void phone('start', data.start)
  else if (data.online !== undefined) void post(`/sandbox/phones/${state.scene.phone.id}/online`, { online: true })
  else if (data.gear !== undefined) gearSheet(data.gear)
  else if (data.menu !== undefined) menuSheet(data.menu)
  else if (data.hand !== undefined) messageSheet(data.messenger, data.hand)
  else if (data.attach !== undefined) attachSheet(data.attach)
  else if (data.cancel !== undefined) compose(data.cancel)
  else if (data.play !== undefined) void new Audio(data.play).play().catch((error) => toast(error.message, true))
  else if (data.give !== undefined) {
    void gifts[data.give](data.messenger)
    dialog.close()
  } else if (data.act !== undefined) {
    dialog.close()
    void acts[data.act](data.messenger, data.id)
  } else if (data.deed !== undefined) {
    dialog.close()
    void deeds[data.deed](data.messenger)
  } else if (data.next !== undefined) {
    void post(`/sandbox/messengers/${data.messenger}`, { failure: data.next, next: 1 })
    toast(`${names[data.messenger]}, ${state.word.next}: ${state.word[`f_${data.next}`]}`)
  } else if (data.release !== undefined) void post(`/sandbox/messengers/${data.release}/release`)
  else if (data.reset !== undefined) {
    dialog.close()
    void post(`/sandbox/messengers/${data.reset}/reset`)
  } else if (data.copy !== undefined) {
    void navigator.clipboard?.writeText(data.copy)
    toast(state.word.copied)
  } else if (data.tab !== undefined) {
    state.tab = data.tab
    renderLog()
  } else if (data.rest !== undefined) void restSheet(data.rest)
  else if (data.activity !== undefined) void post('/api/click', { activityId: data.activity, actionId: data.action })
  else if (target.id === 'show-accounts') accountsSheet()
  else if (target.id === 'run-robot') void post('/api/robot', { text: find('robot-text').value })
  else if (target.id === 'language') {
    state.language = state.language === 'ru' ? 'en' : 'ru'
    localStorage.setItem('language', state.language)
    state.word = languages[state.language]
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
  void post(`/sandbox/accounts/${hook}/${account}/${path}`, fields).then((done) => done !== undefined && toast(state.word.saved))
})

document.addEventListener('change', (event) => {
  const { behave, own } = event.target.dataset
  if (own !== undefined) {
    sendOwn(own, event.target.files[0])
    find('sheet').close()
  }
  if (behave !== undefined) void post(`/sandbox/messengers/${behave}`, { [event.target.name]: event.target.value })
})

window.addEventListener('pagehide', () => live.close())
