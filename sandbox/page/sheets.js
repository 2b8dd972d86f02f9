/* global fetch, window, FileReader */
import { find, hhmmss, names, phone, post, safe, state, toast } from './base.js'
import { icons } from './icons.js'
import { summary } from './message.js'
import { accountOf, chatOf, renderBelow, shells } from './phones.js'

// A narrow sheet lies over the phone that it belongs to.
export function sheet(head, body, messenger) {
  const dialog = find('sheet')
  dialog.className = messenger === undefined ? '' : 'narrow'
  const column = messenger === undefined ? undefined : shells.get(messenger).column.getBoundingClientRect()
  dialog.style.cssText = column === undefined ? '' : `margin: 0; top: 150px; left: ${Math.max(12, Math.min(column.left + column.width / 2 - 170, window.innerWidth - 352))}px`
  dialog.innerHTML = `<div class="sheet-head">${head}<button data-close aria-label="${state.word.close}">×</button></div>${body}`
  if (!dialog.open) dialog.showModal()
}

export function accountsSheet() {
  const line = (name, value) => value === undefined || value === null ? '' : `<button data-copy="${safe(value)}"><span>${name}</span><b>${safe(value)}</b></button>`
  const { whatsapp: [wa], telegram: [tg], max: [max], sms: [sms] } = state.scene.accounts
  const hook = (messenger, account, url, more = '') => `<form class="hook" data-hook="${messenger}" data-account="${safe(account)}"><input name="url" value="${safe(url)}" placeholder="${state.word.hookPlaceholder}">${more}<button>${state.word.save}</button></form>`
  const told = (url) => `<p class="told">${state.word.webhook}: ${safe(url ?? state.word.webhookNone)}</p>`
  sheet(`<div><h2>${state.word.accountsTitle}</h2><p>${state.word.accountsHint}</p></div>`, `<div class="sheet-body"><div class="account">
    <section><h3>${icons.whatsapp}WhatsApp</h3>${line('Phone ID', wa.phoneNumberId)}${line('WABA ID', wa.wabaId)}${line('Token', wa.token)}${line('App secret', wa.appSecret)}${line('Base URL', wa.baseUrl)}
      <h4>${state.word.templates}</h4>${wa.templates.map((one) => line(one.status.toLowerCase(), `${one.name}`)).join('')}
      ${told((wa.numberOverride ?? wa.override)?.url)}
      <h4>${state.word.metaConsole}</h4>${hook('whatsapp', wa.phoneNumberId, (wa.webhook)?.url, `<input name="verifyToken" placeholder="verify token" value="${safe((wa.webhook)?.verifyToken)}">`)}</section>
    <section><h3>${icons.telegram}Telegram</h3>${line('Token', tg.token)}${line('Bot', `@${tg.username}`)}${line('API root', tg.apiRoot)}${told(tg.webhookUrl)}
      <h3 class="second">${icons.max}MAX</h3>${line('Token', max.token)}${line('Bot', max.username)}${line('Base URL', max.baseUrl)}${told(max.webhookUrl)}
      <h3 class="second">${icons.sms}SMSC.ru</h3>${line('Login', sms.login)}${line('Password', sms.password)}${line('API key', sms.apiKey)}${line('Secret', sms.secret)}${line('Sender', sms.senders[0])}${line('Base URL', sms.baseUrl)}${line(state.word.balance, sms.balance.toFixed(2))}
      <h4>${state.word.smscConsole}</h4>${hook('sms', sms.login, sms.callbackUrl)}</section>
  </div></div>`)
}

export function gearSheet(messenger) {
  const behaviour = state.scene.behaviours[messenger]
  const select = (name, values, prefix) => `<div class="field"><label>${state.word[name]}</label><select data-behave="${messenger}" name="${name}">${values.map((value) =>
    `<option value="${value}"${behaviour[name] === value ? ' selected' : ''}>${state.word[`${prefix}_${value}`]}</option>`).join('')}</select></div>`
  const receipts = messenger === 'whatsapp' || messenger === 'sms' ? select('receipts', ['normal', 'late', 'twice', 'reversed', 'early', ...(messenger === 'whatsapp' ? ['readOnly'] : []), 'never'], 'r') : ''
  const failures = ['unauthorized', 'rateLimited', 'unavailable', 'badGateway', 'dropBefore', 'dropAfter', 'hangAfter']
  sheet(`${icons[messenger]}<h2>${names[messenger]}: ${state.word.finer.toLowerCase()}</h2>`, `<div class="sheet-body">${receipts}${select('updates', ['normal', 'late', 'twice', 'lost'], 'u')}
    <h4>${state.word.nextCall}</h4><div class="chips">${failures.map((one) => `<button data-next="${one}" data-messenger="${messenger}">${state.word[`f_${one}`]}</button>`).join('')}</div>
    <div class="chips"><button data-release="${messenger}">${state.word.release}</button><button data-reset="${messenger}">${state.word.reset}</button></div></div>`, messenger)
}

export function menuSheet(messenger) {
  const account = accountOf(messenger)
  const chat = chatOf(messenger, account)
  const isBot = messenger === 'telegram' || messenger === 'max'
  const item = (deed, text, kind = '') => `<button class="${kind}" data-deed="${deed}" data-messenger="${messenger}">${text}</button>`
  const barWord = isBot ? ['block', 'unblock'] : messenger === 'sms' ? ['refuseSms', 'allowSms'] : ['blockNumber', 'unblockNumber']
  sheet(`${icons[messenger]}<h2>${safe(state.scene.phone.name)}, ${names[messenger]}</h2>`, `<div class="menu-list">
    ${isBot ? `<form class="hook" data-link="${messenger}"><input name="link" placeholder="${state.word.linkPlaceholder}"><button>${state.word.open}</button></form>` + item('start', state.word.startBot) + item('contact', state.word.shareContact) + item('forge', state.word.forgeContact) + item('tamper', state.word.forgeTampered) + item('group', state.word.writeGroup) : ''}
    ${item('read', state.word.readAll)}${messenger === 'sms' ? '' : item('twice', state.word.pressTwice)}
    ${item(chat.blocked ? 'unblock' : 'block', state.word[barWord[chat.blocked ? 1 : 0]], chat.blocked ? '' : 'danger')}
    ${messenger === 'whatsapp' ? item('hide', state.scene.phone.hidesPhone ? state.word.showPhone : state.word.hidePhone) : ''}
    ${messenger === 'whatsapp' && state.scene.accounts.whatsapp[0]?.coexists ? item('echo', state.word.fromClinicPhone) : ''}
    ${item('off', state.word.phoneOff)}</div>`, messenger)
}

/** What may be attached in a messenger: samples, and a file of one's own. */
export function attachSheet(messenger) {
  const item = (give, text) => `<button data-give="${give}" data-messenger="${messenger}">${text}</button>`
  sheet(`${icons[messenger]}<h2>${state.word.attach}</h2>`, `<div class="menu-list">
    <label class="own">${state.word.giveOwn}<input type="file" data-own="${messenger}"></label>
    <div class="hook"><input id="caption" placeholder="${state.word.captionPlaceholder}"></div>
    ${item('photo', state.word.givePhoto)}${item('file', state.word.giveFile)}${item('voice', state.word.giveVoice)}${item('album', state.word.giveAlbum)}
    ${item('sticker', state.word.giveSticker)}${item('place', state.word.givePlace)}${item('card', state.word.giveCard)}${item('unsupported', state.word.giveUnsupported)}</div>`, messenger)
}

const captioned = (more) => {
  const caption = find('caption')?.value.trim()
  return caption ? { ...more, caption } : more
}

/** The samples that `attachSheet` offers. */
export const gifts = {
  photo: (messenger) => phone('file', messenger, captioned({ kind: 'image' })),
  file: (messenger) => phone('file', messenger, captioned({ kind: 'file' })),
  voice: (messenger) => phone('file', messenger, { kind: 'voice' }),
  album: (messenger) => phone('album', messenger, captioned({ files: [{ kind: 'image' }, { kind: 'image', name: 'photo-2.jpg' }] })),
  sticker: (messenger) => phone('file', messenger, { kind: 'sticker' }),
  place: (messenger) => phone('location', messenger),
  card: (messenger) => phone('card', messenger),
  unsupported: (messenger) => phone('unsupported', messenger),
}

/** Sends a file that the person chose on this computer. */
export function sendOwn(messenger, file) {
  if (file === undefined) return
  if (file.size > 50 * 1024 * 1024) {
    toast(state.word.tooBig, true)
    return
  }
  const more = captioned({ name: file.name, mimeType: file.type || 'application/octet-stream' })
  const reader = new FileReader()
  reader.onload = () => void phone('file', messenger, { ...more, data: String(reader.result).split(',')[1] ?? '' })
  reader.readAsDataURL(file)
}

/** What may be done with one message. */
export function messageSheet(messenger, id) {
  const message = state.scene.phone.messages.find((one) => one.messenger === messenger && one.id === id)
  if (message === undefined) return
  const item = (act, text, kind = '') => `<button class="${kind}" data-act="${act}" data-id="${safe(id)}" data-messenger="${messenger}">${text}</button>`
  const own = message.direction === 'written'
  const isEditable = own && message.card === undefined && message.place === undefined && !message.files.some((one) => one.kind === 'sticker')
  sheet(`${icons[messenger]}<div><h2>${state.word.message}</h2><p class="one-line">${safe(summary(message))}</p></div>`, `<div class="menu-list">
    ${item('quote', state.word.quoteIt)}${messenger === 'whatsapp' && !own ? item('like', state.word.likeIt) : ''}
    ${isEditable ? item('edit', state.word.editIt) : ''}${own ? item('remove', state.word.removeIt, 'danger') : ''}</div>`, messenger)
}

/** The deeds that `messageSheet` offers. */
export const acts = {
  quote: (messenger, id) => compose(messenger, 'quote', id),
  edit: (messenger, id) => compose(messenger, 'edit', id),
  remove: (messenger, id) => phone('remove', messenger, { messageId: id }),
  like: (messenger, id) => phone('react', messenger, { messageId: id, emoji: '👍' }),
}

/** Says what the next words are for; without a deed they are words again. */
export function compose(messenger, deed, id) {
  if (deed === undefined) delete state.composing[messenger]
  else state.composing[messenger] = { deed, id }
  const account = accountOf(messenger)
  renderBelow(messenger, shells.get(messenger), account, chatOf(messenger, account))
}

export const deeds = {
  start: (messenger) => phone('start', messenger),
  contact: (messenger) => phone('contact', messenger),
  forge: (messenger) => phone('contact', messenger, { forge: 'foreign' }),
  tamper: (messenger) => phone('contact', messenger, { forge: 'tampered' }),
  group: (messenger) => phone('group', messenger, { text: state.word.groupText }),
  hide: () => post(`/sandbox/phones/${state.scene.phone.id}/hide-phone`, { hidden: !state.scene.phone.hidesPhone }),
  echo: () => post(`/sandbox/accounts/whatsapp/${state.scene.accounts.whatsapp[0].phoneNumberId}/echo`, { phone: state.scene.phone.id, text: state.word.clinicText }),
  read: (messenger) => phone('read', messenger),
  twice: (messenger) => phone('press', messenger, { times: 2 }),
  block: (messenger) => phone('block', messenger),
  unblock: (messenger) => phone('unblock', messenger),
  off: () => post(`/sandbox/phones/${state.scene.phone.id}/online`, { online: false }),
}

export async function restSheet(id) {
  const call = await (await fetch(`/api/rest/${id}`)).json()
  const pretty = (value) => safe(JSON.stringify(value, null, 2) ?? '')
  sheet(`<div><h2>${safe(call.method)}</h2><p>${hhmmss(Date.parse(call.time))} · HTTP ${call.status}${call.error === undefined ? '' : ` · ${safe(call.error)}`}</p></div>`,
    `<div class="sheet-body"><h4>params</h4><pre>${pretty(call.params)}</pre><h4>answer</h4><pre>${pretty(call.answer)}</pre></div>`)
}
