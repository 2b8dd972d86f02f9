import { escapeHtml, formatText } from './bbcode.mjs'

const dayFormat = new Intl.DateTimeFormat('ru', { day: 'numeric', month: 'long' })
const timeFormat = new Intl.DateTimeFormat('ru', { hour: '2-digit', minute: '2-digit' })

const ticks = {
  sending: ['sending', 'Отправляется', '<path d="M12 6v6l4 2"/><circle cx="12" cy="12" r="9"/>'],
  delivered: ['delivered', 'Доставлено', '<path d="m2 12 5 5L16 7"/><path d="m11 16 1.500 1.500L22 7"/>'],
  failed: ['failed', 'Не отправлено', '<path d="M12 7v6M12 17h.01"/><circle cx="12" cy="12" r="9"/>'],
}

function tick(state) {
  if (!ticks[state]) return ''
  const [name, title, path] = ticks[state]
  return `<svg class="tick ${name}" viewBox="0 0 24 24" role="img" aria-label="${title}"><title>${title}</title>${path}</svg>`
}

function fileHtml(file) {
  const name = escapeHtml(file.name)
  if (file.type === 'image') return `<a class="picture" href="${file.link}" target="_blank" rel="noopener"><img src="${file.link}" alt="${name}"></a>`
  if (file.type === 'audio') return `<audio controls preload="none" src="${file.link}" title="${name}"></audio>`
  if (file.type === 'video') return `<video controls preload="metadata" src="${file.link}" title="${name}"></video>`
  const size = file.size > 1024 * 1024 ? `${(file.size / 1024 / 1024).toFixed(1)} МБ` : `${Math.max(1, Math.round(file.size / 1024))} КБ`
  return `<a class="file" href="${file.link}" target="_blank" rel="noopener" download="${name}"><span class="page">${name.split('.').at(-1).slice(0, 4)}</span><span><b>${name}</b><i>${size}</i></span></a>`
}

function actions(message, userId) {
  if (message.deleted || message.kind === 'system') return ''
  const own = message.kind === 'operator' && message.authorId === userId
  if (!own && message.kind !== 'patient') return ''
  return `<span class="acts">${own ? `<button data-edit="${message.id}" title="Изменить">✎</button>` : ''}<button data-delete="${message.id}" title="Удалить">🗑</button></span>`
}

function bubble(message, userId, follows) {
  const time = timeFormat.format(new Date(message.at))
  if (message.kind === 'system') return `<div class="system" data-id="${message.id}"><p>${formatText(message.text)}</p><time>${time}</time></div>`
  const marks = `${message.edited && !message.deleted ? '<i>изменено</i>' : ''}<time>${time}</time>${message.deleted ? '' : tick(message.state)}`
  const files = message.files.length > 0 ? `<div class="files">${message.files.map(fileHtml).join('')}</div>` : ''
  const text = message.text === '' ? '' : `<p>${message.deleted ? escapeHtml(message.text) : formatText(message.text)}</p>`
  const classes = ['bubble', message.kind, message.deleted ? 'deleted' : '', follows ? 'follows' : '', message.state === 'failed' ? 'failed' : ''].filter(Boolean).join(' ')
  return `<div class="${classes}" data-id="${message.id}">${follows ? '' : `<b class="author">${escapeHtml(message.author || 'Гость')}</b>`}${files}${text}<span class="marks">${marks}</span>${actions(message, userId)}</div>`
}

/** HTML of all messages of a chat, with days and the beginnings of sessions between them. */
export function messagesHtml(chat, userId) {
  let day = ''
  let session = 0
  let author = ''
  return chat.messages.map((message) => {
    const today = dayFormat.format(new Date(message.at))
    const newDay = today !== day
    const newSession = message.sessionId !== session
    const sign = `${message.kind} ${message.authorId}`
    const follows = !newDay && !newSession && sign === author
    const before = `${newDay ? `<div class="day"><span>${today}</span></div>` : ''}${newSession ? `<div class="session"><span>Диалог №${message.sessionId}</span></div>` : ''}`
    day = today
    session = message.sessionId
    author = sign
    return before + bubble(message, userId, follows)
  }).join('')
}
