/**
 * The chat for the clinic's site: `<script src="https://<application>/widget.js" data-site="<key>" async></script>`.
 * One file, no dependencies, nothing from anywhere but the application.
 */
import { createApi } from './api.ts'
import { Conversation } from './conversation.ts'
import { languageOf } from './texts.ts'
import { createWindow } from './window.ts'

/** Private windows and strict browsers forbid it: then the conversation lasts as long as the page. */
const memoryFor = (site: string) => {
  const name = `estafeta-chat.${site}`
  let kept: string | null = null
  return {
    get: (): string | null => {
      try {
        return localStorage.getItem(name)
      } catch {
        return kept
      }
    },
    set: (value: string): void => {
      kept = value
      try {
        localStorage.setItem(name, value)
      } catch {
        // Kept in the page.
      }
    },
  }
}

const newId = (): string => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const script = document.currentScript as HTMLScriptElement | null
const site = script?.dataset.site
// A page may carry the code twice: in its template and by a tag manager.
if (script !== null && site !== undefined && document.getElementById('estafeta-chat') === null) {
  const base = script.src.replace(/\/widget\.js(?:[?#].*)?$/, '')
  const language = languageOf(document.documentElement.lang, navigator.language)
  const pane = createWindow(base, language)
  const talk = new Conversation({ api: createApi(`${base}/chat/${encodeURIComponent(site)}`, fetch.bind(window)), memory: memoryFor(site), language, now: Date.now, newId, onChange: () => pane.draw() })
  addEventListener('online', () => talk.wake())
  document.addEventListener('visibilitychange', () => {
    pane.see()
    if (document.visibilityState === 'visible') talk.wake()
  })
  const begin = (tries = 0): void => {
    talk.start().then(
      () => pane.show(talk),
      // Without an answer the page stays as it is; later there may be one.
      () => (tries < 5 ? setTimeout(() => begin(tries + 1), 5_000 * 2 ** tries) : undefined),
    )
  }
  begin()
}
