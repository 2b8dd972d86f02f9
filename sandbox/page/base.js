/* global document, fetch, setTimeout, clearTimeout, localStorage */
import { languages } from './words.js'

export const messengers = ['whatsapp', 'telegram', 'max', 'sms']
export const names = { whatsapp: 'WhatsApp', telegram: 'Telegram', max: 'MAX', sms: 'SMS' }

const language = localStorage.getItem('language') ?? 'ru'

/** What the page knows: the scene as the sandbox sent it last, and the choices of the person. */
export const state = { scene: undefined, receivedAt: 0, language, word: languages[language], tab: 'rest', known: undefined, composing: {} }

export const find = (id) => document.getElementById(id)
export const safe = (text) => String(text ?? '').replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)

// --- time

export const zone = { timeZone: 'Europe/Moscow' }
export const hhmm = (ms) => new Date(ms).toLocaleTimeString('ru-RU', { ...zone, hour: '2-digit', minute: '2-digit' })
export const hhmmss = (ms) => new Date(ms).toLocaleTimeString('ru-RU', { ...zone, hour: '2-digit', minute: '2-digit', second: '2-digit' })
export const dayOf = (ms) => new Date(ms).toLocaleDateString(state.language === 'ru' ? 'ru-RU' : 'en-GB', { ...zone, day: 'numeric', month: 'long' })
export const nowSimulated = () => state.scene.clock.now + (Date.now() - state.receivedAt) * state.scene.clock.speed

// --- talking to the sandbox

export async function post(path, body = {}) {
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  const json = await answer.json().catch(() => ({}))
  if (!answer.ok || json.ok === false) {
    toast(json.error ?? `HTTP ${answer.status}`, true)
    return undefined
  }
  return json
}
/** The patient does something in a messenger. */
export const phone = (deed, messenger, more = {}) => post(`/sandbox/phones/${state.scene.phone.id}/${deed}`, { messenger, ...more })

let toastTimer
export function toast(text, bad = false) {
  const element = find('toast')
  element.textContent = text
  element.className = `toast on${bad ? ' bad' : ''}`
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => { element.className = 'toast' }, 2600)
}

// --- drawing: a part is replaced only when its text has changed

export const drawn = new Map()
export function draw(element, html) {
  if (drawn.get(element) === html) return false
  drawn.set(element, html)
  element.innerHTML = html
  return true
}
