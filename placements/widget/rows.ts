import type { FileView, MessageView } from '../../src/site-chat/protocol.ts'
import { h, icon } from './dom.ts'
import { canChange, tickOf, type Chat, type Row } from './model.ts'
import { contentOf } from './rich.ts'
import type { Words } from './texts.ts'

export interface RowActions {
  readonly press: (id: number, payload: string) => void
  readonly toggleMenu: (id: number) => void
  readonly edit: (message: MessageView) => void
  readonly remove: (id: number) => void
  readonly again: (clientId: string) => void
  readonly drop: (clientId: string) => void
}

export interface RowsParts {
  readonly words: Words
  readonly locale: string
  /** Our server: files come from there. */
  readonly origin: string
  readonly actions: RowActions
}

const sizeOf = (bytes: number, locale: string): string => {
  const [value, unit] = bytes < 1024 * 1024 ? [Math.max(1, Math.round(bytes / 1024)), 'kilobyte'] : [bytes / 1024 / 1024, 'megabyte']
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 1 }).format(value)
}

const fileOf = (file: FileView, { origin, locale }: RowsParts): HTMLElement => {
  const url = `${origin}${file.path ?? ''}`
  if (/^image\/(?:jpeg|png|gif|webp)$/.test(file.mimeType)) return h('a', { href: url, target: '_blank', rel: 'noopener' }, h('img', { class: 'picture', src: url, alt: file.name, loading: 'lazy' }))
  if (file.mimeType.startsWith('audio/')) return h('audio', { src: url, controls: true, preload: 'none', title: file.name })
  if (file.mimeType.startsWith('video/')) return h('video', { src: url, controls: true, preload: 'none', title: file.name })
  return h('a', { class: 'file', href: url, target: '_blank', rel: 'noopener' }, icon('file'), h('span', {}, file.name, h('small', {}, sizeOf(file.sizeBytes, locale))))
}

const said = (text: string): HTMLElement => h('span', { class: 'said' }, text)

const timeOf = (at: number, locale: string): string => new Date(at).toLocaleTimeString(locale, { hour: '2-digit', minute: '2-digit' })

const dayName = (at: number, { words, locale }: RowsParts): string => {
  const day = new Date(at).toDateString()
  if (day === new Date().toDateString()) return words.today
  return day === new Date(Date.now() - 86_400_000).toDateString() ? words.yesterday : new Date(at).toLocaleDateString(locale, { day: 'numeric', month: 'long' })
}

const messageRow = (message: MessageView, quoted: MessageView | undefined, chat: Chat, isMenuOpen: boolean, parts: RowsParts): HTMLElement => {
  const { words, actions } = parts
  const isOwn = message.author === 'visitor'
  const tick = tickOf(message, chat.marks)
  const meta = h('div', { class: 'meta' }, message.editedAt !== undefined && !message.isDeleted && `${words.edited} · `, timeOf(message.sentAt, parts.locale))
  if (isOwn && !message.isDeleted) meta.append(h('span', tick === 'read' ? { class: 'read' } : {}, icon(tick === 'read' ? 'ticks' : 'tick'), said(words[tick])))
  const choices = (message.buttons ?? []).map(({ id, title }) =>
    h('button', { class: 'choice', type: 'button', 'aria-pressed': message.pressed === id ? 'true' : 'false', disabled: message.pressed !== undefined, onclick: () => actions.press(message.id, id) }, title),
  )
  const bubble = h(
    'div',
    { class: 'bubble' },
    said(`${isOwn ? words.you : words.clinic}: `),
    quoted !== undefined && !message.isDeleted && h('div', { class: 'quoted' }, quoted.isDeleted ? words.deleted : quoted.text || (quoted.file?.name ?? '')),
    message.file !== undefined && fileOf(message.file, parts),
    ...(message.isDeleted ? [h('span', { class: 'gone' }, words.deleted)] : contentOf(message)),
    choices.length > 0 && h('div', { class: 'choices' }, ...choices),
    meta,
  )
  const more = canChange(message) && h('button', { class: 'more', type: 'button', 'aria-label': words.more, 'aria-expanded': isMenuOpen ? 'true' : 'false', onclick: () => actions.toggleMenu(message.id) }, icon('dots'))
  const menu =
    isMenuOpen &&
    h(
      'div',
      { class: 'menu' },
      message.text !== '' && h('button', { type: 'button', onclick: () => actions.edit(message) }, words.edit),
      h('button', { type: 'button', class: 'danger', onclick: () => actions.remove(message.id) }, words.remove),
    )
  return h('div', {}, h('div', { class: isOwn ? 'row own' : 'row' }, more, bubble), menu)
}

/** One row of the window as elements. `isMenuOpen` only of a message of the visitor's own. */
export const elementOf = (row: Row, chat: Chat, isMenuOpen: boolean, parts: RowsParts): HTMLElement => {
  const { words, actions } = parts
  if (row.type === 'day') return h('div', { class: 'day' }, dayName(row.at, parts))
  if (row.type === 'message') return messageRow(row.message, row.quoted, chat, isMenuOpen, parts)
  const { clientId, text, fileName, problem, at } = row.pending
  const bubble = h(
    'div',
    { class: 'bubble' },
    fileName !== undefined && h('span', { class: 'file' }, icon('file'), h('span', {}, fileName)),
    ...contentOf({ text }),
    h('div', { class: 'meta' }, timeOf(at, parts.locale), icon('clock'), said(words.sending)),
  )
  const wrong =
    problem !== undefined &&
    h(
      'div',
      { class: 'wrong', role: 'alert' },
      words.problems[problem] ?? words.problems.other!,
      h('button', { type: 'button', onclick: () => actions.again(clientId) }, words.again),
      h('button', { type: 'button', onclick: () => actions.drop(clientId) }, words.drop),
    )
  return h('div', {}, h('div', { class: 'row own' }, bubble), wrong)
}
