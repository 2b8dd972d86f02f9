/* global document */
import { dayOf, draw, find, hhmm, names, phone, safe, state } from './base.js'
import { icons } from './icons.js'

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
  const grown = draw(shell.chat, own.length === 0
    ? `<div class="nothing">${state.word.emptyChat}</div>`
    : `<div class="day">${dayOf(own[0].acceptedAt)}</div>${own.map((message) => showMessage(message)).join('')}`)
  if (grown && atEnd) shell.chat.scrollTop = shell.chat.scrollHeight
  renderBelow(messenger, shell, account, chat)
  shell.dark.hidden = state.scene.phone.online
  draw(shell.dark, `<b>${state.word.phoneIsOff}</b><small>${state.word.phoneIsOffHint}</small><button data-online="true">${icons.power} ${state.word.phoneOn}</button>`)
}

export function showMessage(message) {
  const fresh = state.known !== undefined && message.arrivedAt !== undefined && !state.known.has(`${message.messenger}/${message.id}`)
  if (message.arrivedAt === undefined) {
    const why = message.state === 'waiting' ? state.scene.phone.online ? state.word.waiting : state.word.waitingOff : state.word[message.state]
    return `<div class="message unseen"><div class="bubble">${safe(message.text)}</div><small>${why}</small></div>`
  }
  const written = message.direction === 'written'
  const foot = [
    message.editedAt === undefined ? '' : state.word.edited, message.deletedAt === undefined ? '' : state.word.deleted,
    message.segments > 1 ? `${message.segments} ${state.word.segments}` : '', hhmm(message.arrivedAt),
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

export function renderBelow(messenger, shell, account, chat) {
  const isBot = messenger === 'telegram' || messenger === 'max'
  if (chat.blocked) {
    draw(shell.below, `<div class="barred">${isBot ? state.word.blocked : messenger === 'sms' ? state.word.refusedSms : state.word.blockedNumber}
      <button data-deed="unblock" data-messenger="${messenger}">${state.word.undo}</button></div>`)
  } else if (isBot && !chat.started) {
    draw(shell.below, `<button class="big-start" style="display:block;width:calc(100% - 18px)" data-start="${messenger}">${state.word.start}</button>`)
  } else if (draw(shell.below, `<form class="entry-box" data-write="${messenger}"><input name="text" autocomplete="off" placeholder="${state.word.writePlaceholder}"><button aria-label="send">${icons.send}</button></form>`)) {
    shell.below.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault()
      const field = event.target.elements.text
      if (field.value.trim() === '') return
      void phone('reply', messenger, { text: field.value.trim() })
      field.value = ''
    })
  }
}
