/* global window, document, location, fetch, addEventListener, setTimeout, HTMLElement */
// The portal's side of an application frame: builds the iframe, posts the form into it and speaks the message protocol.
// App -> portal: `command[:JSON]:callbackKey:appSid`, or an object when the command itself has a colon. Portal -> app: `callbackKey:JSON`.

/** Every message of the frame, for a look from the console or a browser test. */
window.frameLog = []

const post = (url, body) => fetch(url, {
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}),
}).then((answer) => answer.json())

const get = (url) => fetch(url).then((answer) => answer.json())

function readMessage(data) {
  if (typeof data !== 'string') return { command: data.method, params: data.params ?? {}, key: data.callback, sid: data.appSid }
  // JSON may hold colons: the command ends at the first one, key and appSid are behind the last two.
  const parts = data.split(':')
  const [command] = parts
  const sid = parts.at(-1)
  const key = parts.at(-2)
  const raw = parts.slice(1, -2).join(':')
  let params = raw
  try { params = raw === '' ? {} : JSON.parse(raw) } catch { /* setValue sends a bare string */ }
  return { command, params, key, sid }
}

function toast(text) {
  const note = document.createElement('div')
  note.className = 'toast'
  note.textContent = text
  document.body.append(note)
  setTimeout(() => note.remove(), 4000)
}

/** A panel from the right with a page of the portal in it; resolves when a person closes it. */
function slider(url) {
  return new Promise((resolve) => {
    const shade = document.createElement('div')
    shade.className = 'shade'
    const panel = document.createElement('div')
    panel.className = 'slider'
    const close = document.createElement('button')
    close.className = 'slider-close'
    close.textContent = '✕'
    const page = document.createElement('iframe')
    page.src = url
    panel.append(close, page)
    shade.append(panel)
    const end = () => { shade.remove(); resolve({ result: 'close' }) }
    close.onclick = end
    shade.onclick = (event) => { if (event.target === shade) end() }
    document.body.append(shade)
  })
}

function choose(title, rows, many) {
  return new Promise((resolve) => {
    const dialog = document.createElement('dialog')
    const heading = document.createElement('h3')
    heading.textContent = title
    dialog.append(heading)
    const chosen = new Set()
    for (const row of rows) {
      const button = document.createElement('button')
      button.className = 'choice'
      button.textContent = row.name
      button.onclick = () => {
        if (!many) { chosen.add(row); dialog.close(); return }
        if (chosen.delete(row)) button.classList.remove('on')
        else { chosen.add(row); button.classList.add('on') }
      }
      dialog.append(button)
    }
    const done = document.createElement('button')
    done.textContent = many ? 'Выбрать' : 'Отмена'
    done.onclick = () => dialog.close()
    dialog.append(done)
    dialog.onclose = () => { dialog.remove(); resolve([...chosen]) }
    document.body.append(dialog)
    dialog.showModal()
  })
}

/** Mounts the frame into the element. `commands` are those of the placement: name -> function of the parameters. */
export function mountFrame(host, { appSid, frameName, action, fields, clientId, userId }, commands = {}) {
  if (!(host instanceof HTMLElement)) throw new Error('There is no place for the frame')
  const frame = document.createElement('iframe')
  frame.name = frameName
  frame.className = 'app-frame'
  frame.allow = 'clipboard-read; clipboard-write'
  host.append(frame)

  const form = document.createElement('form')
  form.method = 'post'
  form.action = action
  form.target = frameName
  form.hidden = true
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement('input')
    input.name = name
    input.value = value
    form.append(input)
  }
  document.body.append(form)

  const appOrigin = new URL(action).origin
  const base = `/sandbox/frames/${appSid}`
  const boundEvents = new Map()

  const known = {
    getInitData: () => get(`${base}/init`),
    refreshAuth: () => post(`${base}/refresh`),
    setInstall: () => post(`${base}/install`).then(() => true),
    setInstallFinish: () => post(`${base}/install-finish`).then(() => {
      // After the answer has gone, as the portal does: the page comes again, now with the application in it.
      setTimeout(() => location.reload(), 50)
      return true
    }),
    setAppOption: (params) => post(`${base}/options`, { scope: 'app', ...params }),
    setUserOption: (params) => post(`${base}/options`, { scope: 'user', ...params }),
    resizeWindow: ({ width, height }) => {
      if (Number(height) > 0) frame.style.height = `${Number(height)}px`
      if (Number(width) > 0) frame.style.minWidth = `${Math.min(Number(width), host.clientWidth)}px`
      return { width: frame.clientWidth, height: frame.clientHeight }
    },
    setTitle: ({ title }) => {
      document.title = title
      const heading = document.querySelector('[data-title]')
      if (heading) heading.textContent = title
      return true
    },
    setScroll: ({ scroll }) => { window.scrollTo(0, Number(scroll)); return true },
    reloadWindow: () => { setTimeout(() => location.reload(), 50); return true },
    closeApplication: () => {
      if (window.parent !== window) window.parent.postMessage('closeSlider', location.origin)
      else { frame.remove(); toast('Приложение закрыто') }
      return true
    },
    openApplication: (params) => slider(`/app/${clientId}/?user=${userId}&params=${encodeURIComponent(JSON.stringify(params))}`),
    openPath: ({ path }) => slider(new URL(path, location.origin).pathname),
    selectUser: ({ mult }) => get('/sandbox/users')
      .then((users) => choose('Кого выбрать?', users.map((user) => ({ id: String(user.id), name: `${user.name} ${user.lastName}` })), mult === true))
      .then((rows) => mult === true ? rows : rows[0] ?? null),
    selectAccess: () => [],
    selectCRM: async () => {
      const contacts = await get('/sandbox/contacts')
      const rows = await choose('Какой контакт?', contacts.map((one) => ({ id: `C_${one.id}`, type: 'contact', name: `${one.name} ${one.lastName}` })), false)
      return { contact: rows }
    },
    imCallTo: () => { toast('Звонок'); return true },
    imPhoneTo: ({ phone }) => { toast(`Звонок на ${phone ?? ''}`); return true },
    imOpenMessenger: () => { toast('Открыт мессенджер'); return true },
    imOpenHistory: () => { toast('Открыта история'); return true },
    showAppForm: () => { toast('Форма приложения'); return true },
    getInterface: () => ({ command: Object.keys(commands), event: [] }),
    placementBindEvent: ({ event }, key) => { boundEvents.set(event, key); return true },
    reloadData: () => { setTimeout(() => location.reload(), 50); return true },
  }

  addEventListener('message', (event) => {
    if (event.data === 'closeSlider' && event.origin === location.origin) document.querySelector('.slider-close')?.click()
    if (event.source !== frame.contentWindow || event.origin !== appOrigin) return
    const { command, params, key, sid } = readMessage(event.data)
    window.frameLog.push({ command, params, key, sid })
    if (sid !== appSid) return
    const run = commands[command] ?? known[command]
    if (!run) {
      // The real portal would simply stay silent; here a person should notice.
      console.error('The portal does not know the command', command)
      toast(`Портал не знает команды ${command}`)
      return
    }
    void Promise.resolve(run(params, key)).then((answer) => event.source.postMessage(`${key}:${JSON.stringify(answer ?? true)}`, event.origin))
  })

  form.submit()
  return { frame, raise: (event, payload) => frame.contentWindow.postMessage(`${boundEvents.get(event)}:${JSON.stringify(payload)}`, appOrigin) }
}
