import type { MessageView } from '../../src/site-chat/protocol.ts'
import type { Conversation } from './conversation.ts'
import { Refused } from './api.ts'
import { h, icon } from './dom.ts'
import { inkOn, rowsOf, unreadCount } from './model.ts'
import { elementOf } from './rows.ts'
import { style } from './style.ts'
import { texts, type Language } from './texts.ts'

const emoji = '😀 😊 🙂 😉 😍 😘 😂 😅 🤔 😐 😔 😢 😭 😱 😷 🤒 🤕 🤧 🥱 😴 👍 👎 🙏 👌 💪 👋 🤝 ❤️ 💊 💉 🩺 🦷 👶 🎂 🎉 🌷 ✅ ❌ ❓ ⏰'.split(' ')

/** Near the end the list follows new messages; a visitor who reads above is left there. */
const followPixels = 80

/**
 * The round button and the window. Everything lives in a shadow root beside the page's body: the page's styles, its transforms and its overflow
 * do not reach it, and the styles are made by script, which a strict Content-Security-Policy allows.
 */
export const createWindow = (origin: string, language: Language) => {
  const words = texts[language]
  const locale = language === 'ru' ? 'ru-RU' : 'en-GB'
  let talk: Conversation | undefined
  let isOpen = false
  let menuOf: number | undefined
  let editing: MessageView | undefined
  let isFollowing = true

  const host = h('div', { id: 'estafeta-chat' })
  const shadow = host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(style)
  shadow.adoptedStyleSheets = [sheet]

  const badge = h('span', { class: 'badge', hidden: true })
  const launch = h('button', { class: 'launch', type: 'button', 'aria-label': words.open, 'aria-expanded': 'false', onclick: () => toggle() }, icon('chat', true), badge)
  const status = h('div', { class: 'status' })
  const go = h('div', { class: 'go', hidden: true })
  const log = h('div', { class: 'log', role: 'log', 'aria-label': words.messages, tabindex: '0' })
  const notice = h('div', { class: 'notice', role: 'status', hidden: true })
  const editBar = h('div', { class: 'editing', hidden: true }, h('span', {}, words.editing), h('button', { type: 'button', onclick: () => stopEditing() }, words.cancel))
  const palette = h('div', { class: 'emoji', hidden: true }, ...emoji.map((one) => h('button', { type: 'button', 'aria-label': one, onclick: () => type(one) }, one)))
  const input = h('textarea', { rows: '1', placeholder: words.placeholder, 'aria-label': words.placeholder, oninput: () => written(), onkeydown: (event: KeyboardEvent) => typed(event), onpaste: (event: ClipboardEvent) => attach(event.clipboardData?.files) })
  const picker = h('input', { type: 'file', multiple: true, hidden: true, onchange: () => pick() })
  const send = h('button', { class: 'round send', type: 'submit', 'aria-label': words.send, disabled: true }, icon('send', true))
  const write = h(
    'form',
    { class: 'write', onsubmit: (event: Event) => submit(event) },
    h('button', { class: 'round', type: 'button', 'aria-label': words.attach, onclick: () => picker.click() }, icon('clip')),
    picker,
    input,
    h('button', { class: 'round', type: 'button', 'aria-label': words.emoji, 'aria-expanded': 'false', onclick: (event: Event) => togglePalette(event.currentTarget as HTMLElement) }, icon('smile')),
    send,
  )
  const pane = h(
    'section',
    { class: 'window', role: 'dialog', 'aria-label': words.title, hidden: true, onkeydown: (event: KeyboardEvent) => closeByKey(event), ondragover: (event: DragEvent) => event.preventDefault(), ondrop: (event: DragEvent) => drop(event) },
    h('header', { class: 'head' }, h('div', { class: 'names' }, h('h2', { class: 'title' }, words.title), status), h('button', { class: 'round', type: 'button', 'aria-label': words.close, onclick: () => toggle(false) }, icon('close'))),
    go,
    log,
    notice,
    editBar,
    palette,
    write,
  )
  const root = h('div', { class: 'root', lang: language }, launch, pane)
  shadow.append(root)

  const say = (text: string): void => {
    notice.textContent = text
    notice.hidden = text === ''
  }
  const complain = (error: unknown): void => say(words.problems[error instanceof Refused ? error.code : 'other'] ?? words.problems.other!)
  const attempt = (act: Promise<unknown>): void => void act.then(() => say(''), complain)

  const grow = (): void => {
    send.disabled = input.value.trim() === ''
    input.style.height = 'auto'
    input.style.height = `${Math.min(120, input.scrollHeight)}px`
  }
  const written = (): void => {
    grow()
    if (input.value.trim() !== '') talk?.type()
  }
  const type = (text: string): void => {
    input.setRangeText(text, input.selectionStart, input.selectionEnd, 'end')
    input.focus()
    grow()
  }
  const typed = (event: KeyboardEvent): void => {
    // A key that ends the choice of a Japanese word is no Enter.
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) submit(event)
  }
  const submit = (event: Event): void => {
    event.preventDefault()
    const text = input.value.trim()
    if (text === '' || talk === undefined) return
    if (editing !== undefined) attempt(talk.edit(editing.id, text))
    else {
      isFollowing = true
      talk.write(text)
    }
    stopEditing()
    palette.hidden = true
    input.focus()
  }
  const stopEditing = (): void => {
    editing = undefined
    editBar.hidden = true
    input.value = ''
    grow()
  }
  const attach = (files: FileList | null | undefined): void => {
    const limits = talk?.settings?.limits
    if (files === null || files === undefined || limits === undefined || talk?.standing !== 'open') return
    for (const file of files) {
      if (file.size > limits.fileBytes) say(words.fileLarge(Math.floor(limits.fileBytes / 1024 / 1024)))
      else if (!limits.fileTypes.includes(file.type)) say(words.problems.FILE_REFUSED!)
      else {
        say('')
        isFollowing = true
        talk.write('', file)
      }
    }
  }
  const pick = (): void => {
    attach(picker.files)
    picker.value = ''
  }
  const drop = (event: DragEvent): void => {
    event.preventDefault()
    attach(event.dataTransfer?.files)
  }
  const togglePalette = (button: HTMLElement): void => {
    palette.hidden = !palette.hidden
    button.setAttribute('aria-expanded', String(!palette.hidden))
  }
  const closeByKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return
    event.stopPropagation()
    if (editing !== undefined) stopEditing()
    else if (!palette.hidden) palette.hidden = true
    else toggle(false)
  }
  const toggle = (opens = !isOpen): void => {
    isOpen = opens
    pane.hidden = !isOpen
    root.classList.toggle('opened', isOpen)
    launch.setAttribute('aria-expanded', String(isOpen))
    isFollowing = true
    lastDrawn = ''
    draw()
    if (isOpen) (write.hidden ? log.querySelector<HTMLElement>('.main') : input)?.focus()
    else launch.focus()
    see()
  }
  const see = (): void => talk?.show(isOpen && document.visibilityState === 'visible')

  const showLinks = async (): Promise<void> => {
    const links = (await talk?.transferLinks()) ?? []
    go.replaceChildren(...links.map(({ title, url }) => h('a', { href: url, target: '_blank', rel: 'noopener' }, title)))
  }
  const actions = {
    press: (id: number, payload: string) => attempt(talk!.press(id, payload)),
    toggleMenu: (id: number) => {
      menuOf = menuOf === id ? undefined : id
      draw()
    },
    edit: (message: MessageView) => {
      editing = message
      menuOf = undefined
      input.value = message.text
      editBar.hidden = false
      draw()
      grow()
      input.focus()
    },
    remove: (id: number) => {
      menuOf = undefined
      attempt(talk!.remove(id))
    },
    again: (clientId: string) => talk!.again(clientId),
    drop: (clientId: string) => talk!.drop(clientId),
  }
  const parts = { words, locale, origin, actions }

  const greeting = (): HTMLElement => h('div', { class: 'row' }, h('div', { class: 'bubble' }, talk!.settings!.greeting))
  const consent = (): HTMLElement => {
    const { text, policyUrl } = talk!.settings!.consent
    const agree = h('button', { class: 'main', type: 'button', onclick: () => attempt(talk!.agree().then(() => input.focus())) }, words.agree)
    return h('div', { class: 'consent' }, talk!.standing === 'again' && h('p', {}, words.agreeAgain), h('p', {}, text), h('a', { href: policyUrl, target: '_blank', rel: 'noopener' }, words.policy), agree)
  }
  log.addEventListener('scroll', () => {
    isFollowing = log.scrollHeight - log.scrollTop - log.clientHeight < followPixels
  })

  // A picture that has come, a palette that opens, a keyboard of a phone: the end stays in sight.
  const keepEnd = (): void => {
    if (isFollowing) log.scrollTop = log.scrollHeight
  }
  log.addEventListener('load', keepEnd, true)
  new ResizeObserver(keepEnd).observe(log)

  /** A row that has not changed stays the element that it is: a picture does not blink, a screen reader reads news only. */
  const drawn = new Map<string, { readonly state: string; readonly element: HTMLElement }>()
  let lastDrawn = ''
  const drawRows = (): void => {
    const { chat, standing, settings } = talk!
    const rows = rowsOf(chat, (at) => new Date(at).toDateString()).map((row) => {
      const isMenuOpen = row.type === 'message' && row.message.id === menuOf
      const state = JSON.stringify([row, row.type === 'message' && row.message.author === 'visitor' && row.message.id <= chat.marks.clinicReadId, isMenuOpen])
      const known = drawn.get(row.key)
      const element = known?.state === state ? known.element : elementOf(row, chat, isMenuOpen, parts)
      drawn.set(row.key, { state, element })
      return element
    })
    const older = chat.hasMore && h('button', { class: 'older', type: 'button', onclick: () => attempt(talk!.loadOlder()) }, words.older)
    const around = [...(older === false ? [] : [older]), ...(chat.hasMore ? [] : [greeting()]), ...rows, ...(standing === 'open' || settings === undefined ? [] : [consent()])]
    const before = { height: log.scrollHeight, top: log.scrollTop }
    // What stays is not touched: only then a screen reader takes the rest for news.
    const wanted = new Set<Node>(around)
    for (const node of [...log.childNodes]) if (!wanted.has(node)) node.remove()
    around.forEach((node, index) => log.childNodes[index] !== node && log.insertBefore(node, log.childNodes[index] ?? null))
    log.scrollTop = isFollowing ? log.scrollHeight : before.top + (log.scrollHeight > before.height && before.top < followPixels ? log.scrollHeight - before.height : 0)
  }

  const draw = (): void => {
    if (talk?.settings === undefined) return
    const { chat, standing, settings, isOnline } = talk
    const unread = unreadCount(chat)
    badge.hidden = unread === 0 || isOpen
    badge.textContent = unread > 99 ? '99+' : String(unread)
    launch.setAttribute('aria-label', isOpen ? words.close : unread === 0 ? words.open : `${words.open}. ${words.unread(unread)}`)
    if (!isOpen) return
    const state = JSON.stringify([chat, standing, settings, isOnline, menuOf])
    if (state === lastDrawn) return
    lastDrawn = state
    status.textContent = isOnline ? words.online : words.offline
    write.hidden = standing !== 'open'
    go.hidden = !settings.hasTransfer || standing !== 'open'
    if (!go.hidden && go.childNodes.length === 0) go.append(h('button', { type: 'button', onclick: () => attempt(showLinks()) }, words.goOn))
    drawRows()
  }

  return {
    /** Shows the button once the site is known to be ours. */
    show: (conversation: Conversation): void => {
      talk = conversation
      const { colour, limits } = conversation.settings!
      root.style.setProperty('--accent', colour)
      root.style.setProperty('--ink', inkOn(colour))
      picker.accept = limits.fileTypes.join(',')
      input.maxLength = limits.textLength
      document.documentElement.append(host)
      draw()
    },
    draw,
    see,
  }
}
