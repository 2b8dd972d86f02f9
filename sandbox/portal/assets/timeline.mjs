/* global document, location, fetch, setInterval, clearInterval, window */
// Shows the timeline of a card and keeps it fresh.

const element = (name, className, text) => {
  const node = document.createElement(name)
  if (className) node.className = className
  if (text !== undefined) node.textContent = text
  return node
}

const time = (iso) => new Date(iso).toLocaleString('ru-RU', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })

function entry(one) {
  const card = element('article', `entry ${one.kind}${one.completed ? ' done' : ''}`)
  const head = element('header')
  head.append(element('span', `icon icon-${one.icon}`), element('b', '', one.title || 'Дело'))
  for (const tag of one.tags) head.append(element('span', `tag ${tag.type}`, tag.title))
  head.append(element('time', '', time(one.createdAt)))
  card.append(head)
  for (const line of one.lines) card.append(element('p', '', line))
  if (one.deadline) card.append(element('p', 'muted', `Крайний срок: ${time(one.deadline)}`))
  if (one.updatedAt !== one.createdAt) card.append(element('p', 'muted', `Обновлено ${time(one.updatedAt)}`))
  for (const button of one.buttons) {
    const node = element('button', '', button.title)
    if (button.action === 'restEvent') {
      node.onclick = () => fetch(`/sandbox/activities/${one.id}/click`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ actionId: button.id }),
      })
    }
    card.append(node)
  }
  return card
}

/** Draws the timeline of `?dealId=` or `?contactId=` into the element, every second anew when it has changed. */
export function showTimeline(host, query) {
  let shown = ''
  const draw = async () => {
    const state = await fetch(`/sandbox/state?${query}`).then((answer) => answer.json()).catch(() => undefined)
    if (!state) return
    const text = JSON.stringify([state.timeline, state.deal?.stageId])
    if (text === shown) return
    shown = text
    host.replaceChildren(...state.timeline.map(entry))
    if (state.timeline.length === 0) host.append(element('p', 'muted', 'Здесь пока ничего нет'))
    for (const stage of document.querySelectorAll('[data-stage]')) stage.classList.toggle('on', stage.dataset.stage === state.deal?.stageId)
  }
  void draw()
  const timer = setInterval(draw, 1000)
  window.addEventListener('pagehide', () => clearInterval(timer))
}

/** A click on a stage moves the deal. */
export function moveByClick(dealId) {
  for (const stage of document.querySelectorAll('[data-stage]')) {
    stage.onclick = () => fetch(`/sandbox/deals/${dealId}`, {
      method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ stageId: stage.dataset.stage }),
    }).then(() => location.reload())
  }
}
