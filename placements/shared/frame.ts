/**
 * Opens the portal's frame once, mounts the page into it and keeps the frame as tall as the page.
 *
 * @see https://apidocs.bitrix24.com/sdk/bx24-js-sdk/additional-functions/bx24-fit-window.html
 */
import { initializeB24Frame, type B24Frame } from '@bitrix24/b24jssdk'
import b24UiPlugin from '@bitrix24/b24ui-nuxt/vue-plugin'
import { createApp, h, type Component } from 'vue'
import Shell from './Shell.vue'
import Outside from './Outside.vue'
import { createApi } from './api.ts'
import { guessLanguage, parseBoot, type Language } from './boot.ts'
import { pageKey } from './page.ts'
import './page.css'

/** A menu that opens downwards needs room, and a frame cuts what is below it. */
const leastHeightPx = 420
const answerTimeoutMs = 10_000
/** A session that is refused again right after a reload is not cured by one more reload. */
const reloadPauseMs = 60_000
const reloadedAtKey = 'estafeta.reloadedAt'

const openFrame = async (): Promise<B24Frame | undefined> => {
  if (window.parent === window) return undefined
  // A parent that is not a portal never answers, and the SDK would wait for ever.
  const silence = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), answerTimeoutMs))
  return Promise.race([initializeB24Frame().catch(() => undefined), silence])
}

/** Storage of a framed page may be forbidden by the browser. */
const reloadedAt = (): number => {
  try {
    return Number(window.sessionStorage.getItem(reloadedAtKey) ?? 0)
  } catch {
    return 0
  }
}

const reloadOnce = (frame: B24Frame): void => {
  if (Date.now() - reloadedAt() < reloadPauseMs) return
  try {
    window.sessionStorage.setItem(reloadedAtKey, String(Date.now()))
  } catch {
    return
  }
  void frame.parent.reloadWindow()
}

/**
 * The SDK's own fitWindow measures the document, which is never lower than the frame itself, so that a frame could only grow:
 * the page's height is sent instead, by the same command.
 */
const keepFitted = (frame: B24Frame, element: HTMLElement): void => {
  let sent = 0
  const fit = () => {
    const height = Math.max(leastHeightPx, Math.ceil(element.getBoundingClientRect().height))
    if (height === sent) return
    sent = height
    void frame.parent.message.send('resizeWindow', { width: '100%', height, isSafely: true })
  }
  new ResizeObserver(fit).observe(element)
  fit()
}

const create = (root: Component, language: Language) => {
  document.documentElement.lang = language
  return createApp({ render: () => h(Shell, { language }, () => h(root)) }).use(b24UiPlugin)
}

/**
 * Shows `root` inside the portal; outside of it, or without a session, one sentence says where to open the page.
 *
 * `isGuest`: the page stands in a window of someone else's work (a card, a chat). It never reloads that window by itself when its
 * session ends: what a person typed there, or here, would be lost. It says so and waits to be asked.
 */
export const mount = async (root: Component, { isGuest = false }: { readonly isGuest?: boolean } = {}): Promise<void> => {
  const element = document.getElementById('app')
  if (element === null) throw new Error('index.html has no #app')
  const boot = parseBoot(document.getElementById('estafeta-boot')?.textContent)
  const frame = await openFrame()
  if (boot === undefined || frame === undefined) {
    create(Outside, boot?.language ?? guessLanguage(navigator.language)).mount(element)
    return
  }
  addEventListener('pagehide', () => frame.destroy())
  const api = createApi({
    session: boot.session,
    language: boot.language,
    fetch: (url, init) => fetch(url, { ...init, credentials: 'omit', cache: 'no-store' }),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    onSessionInvalid: () => {
      if (!isGuest) reloadOnce(frame)
    },
  })
  const reload = () => void frame.parent.reloadWindow()
  const toTop = () => void frame.parent.scrollParentWindow(0)
  create(root, boot.language).provide(pageKey, { frame, api, boot, language: boot.language, toTop, reload }).mount(element)
  keepFitted(frame, element)
}
