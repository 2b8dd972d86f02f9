/* global document, location, history, fetch, setTimeout, clearTimeout, FileReader, URLSearchParams */
// The messenger of an operator: list of chats, messages, composer, the application beside the dialog. It asks the portal once a second.
import { escapeHtml, plainText } from './bbcode.mjs'
import { messagesHtml } from './messages.mjs'

const $ = (id) => document.getElementById(id)
const state = { chatId: 0, userId: 1, chats: [], chat: null, editing: 0, files: [], shown: {}, widget: 0 }

async function ask(method, path, body) {
  const answer = await fetch(`/sandbox${path}`, {
    method, ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  }).then((response) => response.json())
  if (answer?.error) {
    toast(answer.error)
    throw new Error(answer.error)
  }
  return answer
}

let toastTimer
function toast(text) {
  $('toast').textContent = text
  $('toast').hidden = false
  clearTimeout(toastTimer)
  toastTimer = setTimeout(() => { $('toast').hidden = true }, 4000)
}

/** Writes HTML only when it has changed, so that a player keeps playing and a selection stays. */
function show(id, html) {
  if (state.shown[id] === html) return false
  state.shown[id] = html
  $(id).innerHTML = html
  return true
}

const colors = ['#2fc6f6', '#7bd500', '#ff9f43', '#a78bfa', '#f472b6', '#34d399', '#fb7185', '#60a5fa']
const colorOf = (text) => colors[[...text].reduce((sum, sign) => sum + sign.charCodeAt(0), 0) % colors.length]
const face = (name) => name.split(' ').slice(0, 2).map((word) => word[0] ?? '').join('').toUpperCase()

function time(iso) {
  const at = new Date(iso)
  return at.toLocaleTimeString('ru', { hour: '2-digit', minute: '2-digit' })
}

const personOf = (chat) => chat.crm.title || chat.name.split(' - ')[0]

function drawChats() {
  show('chats', state.chats.map((chat) => `<a href="?chat=${chat.id}&user=${state.userId}" data-chat="${chat.id}" class="${chat.id === state.chatId ? 'on' : ''}">
<span class="face" style="--face:${colorOf(chat.entityId)}">${escapeHtml(face(personOf(chat)))}</span>
<span class="line"><b>${escapeHtml(personOf(chat))}</b><time>${time(chat.lastAt)}</time></span>
<span class="line"><span class="last">${escapeHtml(plainText(chat.lastText))}</span>${chat.waiting ? '<i class="dot" title="Ждёт ответа"></i>' : ''}</span>
<span class="source${chat.connected ? '' : ' off'}">${escapeHtml(chat.connectorName)} · ${escapeHtml(chat.lineName)}</span></a>`).join('') || '<p class="empty">Пока никто не написал</p>')
}

function drawChat() {
  const { chat } = state
  $('talk').hidden = !chat
  $('nothing').hidden = Boolean(chat)
  if (!chat) return
  document.title = `${personOf(chat)} — Мессенджер`
  $('face').textContent = face(personOf(chat))
  $('face').style.setProperty('--face', colorOf(chat.entityId))
  $('name').textContent = personOf(chat)
  const state_ = chat.closed ? 'диалог завершён' : chat.operatorId === null ? 'ждёт оператора' : 'в работе'
  $('about').textContent = `${chat.connectorName} · ${chat.lineName} · ${state_}${chat.connected ? '' : ' · канал отключён'}`
  $('about').className = chat.connected ? '' : 'off'
  $('card').hidden = chat.crm.path === ''
  $('card').href = chat.crm.path || '#'
  $('card').textContent = `CRM: ${chat.crm.title}`
  $('take').hidden = !chat.closed && chat.operatorId === state.userId
  $('take').textContent = chat.closed ? 'Начать диалог' : 'Ответить'
  $('finish').hidden = chat.closed
  const box = $('messages')
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80
  if (show('messages', messagesHtml(chat, state.userId)) && atEnd) box.scrollTop = box.scrollHeight
}

async function refresh() {
  state.chats = await ask('GET', '/chats')
  if (state.chatId) state.chat = await ask('GET', `/chats/${state.chatId}`)
  drawChats()
  drawChat()
}

function widgetUrl(code, id) {
  return `/online/widget?${new URLSearchParams({ code, id, chat: state.chatId, user: state.userId })}`
}

async function drawWidgets() {
  const [sidebar, textarea] = await Promise.all(['IM_SIDEBAR', 'IM_TEXTAREA'].map((code) => fetch(`/online/widgets?code=${code}`).then((answer) => answer.json())))
  $('side').hidden = sidebar.length === 0
  if (!sidebar.some((one) => one.id === state.widget)) state.widget = sidebar[0]?.id ?? 0
  $('side-tabs').innerHTML = sidebar.map((one) => `<button data-widget="${one.id}" class="${one.id === state.widget ? 'on' : ''}">${escapeHtml(one.title)}</button>`).join('')
  if (state.widget) $('side-frame').src = widgetUrl('IM_SIDEBAR', state.widget)
  $('textarea-widgets').innerHTML = textarea.map((one) => `<button type="button" class="widget" data-textarea="${one.id}" title="${escapeHtml(one.title)}">✦</button>`).join('')
}

async function open(chatId) {
  Object.assign(state, { chatId, chat: null, editing: 0, files: [] })
  history.replaceState(null, '', `?chat=${chatId}&user=${state.userId}`)
  drawComposer('')
  await refresh()
  $('messages').scrollTop = $('messages').scrollHeight
  await drawWidgets()
}

function drawComposer(text) {
  $('text').value = text
  $('editing').hidden = state.editing === 0
  $('chosen').innerHTML = state.files.map((file, index) => `<span>${escapeHtml(file.name)} <button type="button" data-drop="${index}" aria-label="Убрать">✕</button></span>`).join('')
  grow()
}

function grow() {
  $('text').style.height = 'auto'
  $('text').style.height = `${Math.min(160, Math.max(34, $('text').scrollHeight))}px`
}

const read = (file) => new Promise((resolve) => {
  const reader = new FileReader()
  reader.onload = () => resolve({ name: file.name, base64: String(reader.result).split(',')[1] ?? '' })
  reader.readAsDataURL(file)
})

async function send() {
  const text = $('text').value.trim()
  if (text === '' && state.files.length === 0) return
  if (state.editing) await ask('PATCH', `/messages/${state.editing}`, { text, userId: state.userId })
  else await ask('POST', `/chats/${state.chatId}/say`, { text, files: state.files, userId: state.userId })
  Object.assign(state, { editing: 0, files: [] })
  drawComposer('')
  await refresh()
  $('messages').scrollTop = $('messages').scrollHeight
}

document.addEventListener('click', (event) => {
  const target = event.target.closest('[data-chat],[data-edit],[data-delete],[data-widget],[data-textarea],[data-drop]')
  if (!target) return
  const { chat, edit, delete: removed, widget, textarea, drop } = target.dataset
  if (chat) { event.preventDefault(); void open(Number(chat)) }
  if (edit) {
    state.editing = Number(edit)
    drawComposer(state.chat.messages.find((message) => message.id === state.editing).text)
    $('text').focus()
  }
  if (removed) void ask('DELETE', `/messages/${removed}?user=${state.userId}`).then(refresh)
  if (widget) { state.widget = Number(widget); void drawWidgets() }
  if (textarea) { $('side').hidden = false; $('side-frame').src = widgetUrl('IM_TEXTAREA', textarea) }
  if (drop) { state.files.splice(Number(drop), 1); drawComposer($('text').value) }
})
$('composer').onsubmit = (event) => { event.preventDefault(); void send() }
$('text').oninput = grow
$('text').onkeydown = (event) => {
  if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); void send() }
  if (event.key === 'Escape' && state.editing) { state.editing = 0; drawComposer('') }
}
$('stop-editing').onclick = () => { state.editing = 0; drawComposer('') }
$('files').onchange = async () => {
  state.files.push(...await Promise.all([...$('files').files].map(read)))
  $('files').value = ''
  drawComposer($('text').value)
}
$('take').onclick = () => void ask('POST', `/chats/${state.chatId}/take`, { userId: state.userId }).then(refresh)
$('finish').onclick = () => void ask('POST', `/chats/${state.chatId}/finish`, { userId: state.userId }).then(refresh)
$('user').onchange = () => { location.search = `?${new URLSearchParams({ ...(state.chatId ? { chat: state.chatId } : {}), user: $('user').value })}` }

function poll() {
  setTimeout(() => void refresh().catch(() => undefined).finally(poll), 1000)
}

// A picture that has come makes the list longer: whoever was at its end stays there.
$('messages').addEventListener('load', (event) => {
  const box = $('messages')
  if (box.scrollHeight - box.scrollTop - box.clientHeight < event.target.clientHeight + 80) box.scrollTop = box.scrollHeight
}, true)

const query = new URLSearchParams(location.search)
state.userId = Number(query.get('user') ?? 1)
$('user').innerHTML = (await ask('GET', '/users')).filter((user) => user.active)
  .map((user) => `<option value="${user.id}"${user.id === state.userId ? ' selected' : ''}>${escapeHtml(`${user.name} ${user.lastName}`)}</option>`).join('')
if (query.get('chat')) await open(Number(query.get('chat'))).catch(() => undefined)
else await refresh()
poll()
