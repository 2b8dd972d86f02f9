/* global document */
import { dayOf, draw, find, hhmm, names, phone, safe, state } from './base.js'
import { icons } from './icons.js'
import { showContent, summary } from './message.js'

export const shells = new Map()
export function shellOf(messenger) {
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

export function accountOf(messenger) {
  const account = state.scene.accounts[messenger][0]
  if (account === undefined) return undefined
  switch (messenger) {
    case 'whatsapp': return { key: account.phoneNumberId, title: account.verifiedName, sub: state.word.business, hook: account.numberOverride ?? account.override ?? account.webhook }
    case 'telegram': return { key: String(account.botId), title: account.name, sub: `@${account.username}`, hook: account.webhookUrl }
    case 'max': return { key: String(account.userId), title: account.name, sub: state.word.bot, hook: account.webhookUrl }
    default: return { key: account.login, title: account.senders[0], sub: state.word.sms, hook: account.callbackUrl }
  }
}
export const chatOf = (messenger, account) => state.scene.phone.chats[`${messenger}/${account?.key}`] ?? { started: false, blocked: false }

export function renderPhone(messenger) {
  const shell = shellOf(messenger)
  const behaviour = state.scene.behaviours[messenger]
  const account = accountOf(messenger)
  const chat = chatOf(messenger, account)
  const counts = state.scene.phone.counts[messenger]
  shell.column.className = `column ${behaviour.mode}`
  const changed = behaviour.receipts !== 'normal' || behaviour.updates !== 'normal' || behaviour.failure !== 'none' || behaviour.pace !== 'natural'
  const twice = counts.repeated.length > 0 ? `<b>${state.word.repeated}</b> ` : ''
  draw(shell.switch, `<div class="name">${icons[messenger]}<b>${names[messenger]}</b>
      <span class="facts" title="${state.word.received}: ${counts.received}, ${state.word.sent}: ${counts.accepted}">${twice}${state.word.received} ${counts.received}${counts.accepted === counts.received ? '' : ` ${state.word.of} ${counts.accepted}`}</span>
      <button class="gear${changed ? ' changed' : ''}" data-gear="${messenger}" title="${state.word.finer}">${icons.gear}</button></div>
    <div class="modes">${['works', 'silent', 'refuses'].map((mode) => `<button class="${mode}${behaviour.mode === mode ? ' on' : ''}" data-mode="${mode}" data-messenger="${messenger}">${state.word[mode]}</button>`).join('')}</div>`)
  draw(shell.bar, `<div class="face">${messenger === 'sms' ? icons.person : safe((account?.title ?? '?').replace(/[^\p{L}]/gu, '')[0] ?? '?')}</div>
    <div class="who"><b>${safe(account?.title ?? '')}</b><span>${safe(account?.sub ?? '')}</span></div>
    <button class="menu" data-menu="${messenger}" aria-label="menu">${icons.more}</button>`)

  const own = state.scene.phone.messages.filter((one) => one.messenger === messenger)
  const atEnd = shell.chat.scrollHeight - shell.chat.scrollTop - shell.chat.clientHeight < 60
  const last = own.at(-1)
  const hasWritten = last?.direction === 'written' && state.known !== undefined && !state.known.has(`${messenger}/${last.id}`)
  const grown = draw(shell.chat, own.length === 0
    ? `<div class="nothing">${state.word.emptyChat}</div>`
    : `<div class="day">${dayOf(own[0].acceptedAt)}</div>${own.map((message) => showMessage(message)).join('')}`)
  renderBelow(messenger, shell, account, chat)
  if (grown && (atEnd || hasWritten)) shell.chat.scrollTop = shell.chat.scrollHeight
  shell.dark.hidden = state.scene.phone.online
  draw(shell.dark, `<b>${state.word.phoneIsOff}</b><small>${state.word.phoneIsOffHint}</small><button data-online="true">${icons.power} ${state.word.phoneOn}</button>`)
}

export function showMessage(message) {
  const fresh = state.known !== undefined && message.arrivedAt !== undefined && !state.known.has(`${message.messenger}/${message.id}`)
  if (message.arrivedAt === undefined) {
    const why = message.state === 'waiting' ? state.scene.phone.online ? state.word.waiting : state.word.waitingOff : state.word[message.state]
    return `<div class="message unseen"><div class="bubble">${showContent(message)}</div><small>${why}</small></div>`
  }
  const written = message.direction === 'written'
  const side = `message${written ? ' written' : ''}${fresh ? ' new' : ''}`
  if (message.deletedAt !== undefined) return `<div class="${side} gone"><div class="bubble">${state.word.gone}</div></div>`
  const edited = message.editedAt === undefined ? '' : `<span title="${safe(message.earlier.at(-1)?.text)}">${state.word.edited}</span>`
  const foot = [edited, message.segments > 1 ? `${message.segments} ${state.word.segments}` : '', hhmm(message.arrivedAt)].filter(Boolean).join(' · ')
  const ticks = written && message.messenger !== 'sms' ? '<span class="ticks">✓✓</span> ' : ''
  const pressed = new Set(message.pressed.map((one) => one.text))
  const keys = message.buttons.length === 0
    ? ''
    : `<div class="keys">${message.buttons.map((row) => `<div>${row.map((button) => `<button data-press="${safe(message.id)}" data-messenger="${message.messenger}" data-button="${safe(button.text)}"${button.kind === 'app' ? ` data-app="${safe(button.id)}"` : ''} class="${pressed.has(button.text) ? 'pressed' : ''}">${safe(button.text)}${button.kind === 'url' || button.kind === 'app' ? ' ↗' : ''}</button>`).join('')}</div>`).join('')}</div>`
  const notice = message.notice === undefined ? '' : `<div class="notice">${safe(message.notice)}</div>`
  const reaction = message.reaction === undefined ? '' : `<span class="reaction">${safe(message.reaction)}</span>`
  const grip = message.messenger === 'sms' ? '' : `<button class="grip" data-hand="${safe(message.id)}" data-messenger="${message.messenger}" aria-label="${state.word.messageMenu}">${icons.more}</button>`
  const bare = message.files.length === 1 && message.files[0].kind === 'sticker' ? ' bare' : ''
  return `<div class="${side}"><div class="line-of">
    <div class="bubble${bare}">${showContent(message)}<span class="foot">${ticks}${foot}</span>${reaction}</div>${grip}</div>${keys}</div>${notice}`
}

/** What the next words of a messenger are for: a quote or an edit of a message; nothing when it is gone. */
export function composingOf(messenger) {
  const { deed, id } = state.composing[messenger] ?? {}
  const message = state.scene.phone.messages.find((one) => one.messenger === messenger && one.id === id && one.deletedAt === undefined)
  return message === undefined ? undefined : { deed, message }
}

export function renderBelow(messenger, shell, account, chat) {
  const isBot = messenger === 'telegram' || messenger === 'max'
  if (chat.blocked) {
    draw(shell.below, `<div class="barred">${isBot ? state.word.blocked : messenger === 'sms' ? state.word.refusedSms : state.word.blockedNumber}
      <button data-deed="unblock" data-messenger="${messenger}">${state.word.undo}</button></div>`)
    return
  }
  if (isBot && !chat.started) {
    draw(shell.below, `<button class="big-start" style="display:block;width:calc(100% - 18px)" data-start="${messenger}">${state.word.start}</button>`)
    return
  }
  const composing = composingOf(messenger)
  const strip = composing === undefined ? '' : `<div class="composing"><span><b>${state.word[composing.deed === 'edit' ? 'editing' : 'quoting']}</b>${safe(summary(composing.message))}</span><button data-cancel="${messenger}" aria-label="${state.word.close}">×</button></div>`
  const clip = messenger === 'sms' ? '' : `<button type="button" class="clip" data-attach="${messenger}" aria-label="${state.word.attach}">${icons.clip}</button>`
  const value = composing?.deed === 'edit' ? ` value="${safe(composing.message.text)}"` : ''
  if (!draw(shell.below, `${strip}<form class="entry-box" data-write="${messenger}">${clip}<input name="text" autocomplete="off" placeholder="${state.word.writePlaceholder}"${value}><button aria-label="send">${icons.send}</button></form>`)) return
  const form = shell.below.querySelector('form')
  if (composing !== undefined) form.elements.text.focus()
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const field = event.target.elements.text
    const text = field.value.trim()
    if (text === '') return
    field.value = ''
    const now = composingOf(messenger)
    delete state.composing[messenger]
    if (now?.deed === 'edit') void phone('edit', messenger, { messageId: now.message.id, text })
    else void phone('reply', messenger, { text, quote: now?.message.id })
    renderBelow(messenger, shell, account, chat)
  })
}
