import { draw, find, hhmm, safe, state } from './base.js'

export const initials = (name) => name.split(' ').map((part) => part[0] ?? '').join('').slice(0, 2).toUpperCase()

export function renderDeal() {
  const { deal, stages, phone: owner } = state.scene
  if (deal === null) return
  const way = stages.filter((stage) => stage.semantics !== 'F').sort((a, b) => a.sort - b.sort)
  const at = way.findIndex((stage) => stage.id === deal.stageId)
  const colour = deal.semantics === 'F' ? '#ff5752' : deal.semantics === 'S' ? '#7bd500' : '#39a8ef'
  draw(find('deal'), `<div class="kind">${state.language === 'ru' ? 'Сделка' : 'Deal'} № ${deal.id}</div><h1>${safe(deal.title)}</h1>
    <span class="stage-name">${safe(deal.stageName)}</span>
    <div class="stages" style="--stage:${colour}">${way.map((stage, index) => `<i class="${index <= at || deal.semantics === 'F' ? 'done' : ''}" title="${safe(stage.name)}"></i>`).join('')}</div>
    <div class="person"><div class="face">${initials(owner.name)}</div><div><b>${safe(owner.name)}</b><span>${safe(owner.phone)}</span></div></div>`)
  const text = find('robot-text')
  if (text.dataset.filled === undefined) {
    text.dataset.filled = 'yes'
    text.value = state.word.robotText.replace('{visit}', deal.title.replace(/^\S+\s/, ''))
  }
  const ready = (state.scene.app?.robots.length ?? 0) > 0
  find('run-robot').disabled = !ready
  find('robot-hint').textContent = ready ? `${safe(state.scene.app.name)} · ${state.scene.app.robots[0]}` : state.word.noApp
  const run = state.scene.robotRuns.at(-1)
  draw(find('runs'), run === undefined ? '' : showRun(run))
}

export function showRun(run) {
  const values = Object.entries(run.returnValues ?? {}).filter(([, value]) => value !== '' && value !== null)
  const what = run.isTimeout
    ? `<b>${state.word.timedOut}</b>`
    : run.answered
      ? `<b>${state.word.returned}</b> <span>${values.map(([name, value]) => `${safe(name)}: ${safe(value)}`).join(' · ')}</span>`
      : `<b>${safe(run.code)}</b> <span>${state.word.waitsFor}${typeof run.delivered === 'string' ? ` (${safe(run.delivered)})` : ''}</span>`
  return `<div class="run${run.answered || run.isTimeout ? ' done' : ''}"><i class="dot"></i><div>${what}</div></div>`
}

export const marks = { configurable: '⇄', task: '✓', todo: '✓', comment: '✎', log: 'i' }
export function renderTimeline() {
  const entries = state.scene.timeline.map((one) => `<article class="entry ${one.kind}">
    <span class="mark">${marks[one.kind] ?? '•'}</span><span class="when">${hhmm(Date.parse(one.updatedAt))}</span>
    <h3>${safe(one.title)}</h3>
    ${one.tags.length === 0 ? '' : `<div class="tags">${one.tags.map((tag) => `<span class="tag ${safe(tag.type)}">${safe(tag.title)}</span>`).join('')}</div>`}
    ${one.lines.map((line) => `<p>${safe(line)}</p>`).join('')}
    ${one.buttons.length === 0 ? '' : `<div class="acts">${one.buttons.map((button) => `<button data-activity="${one.id}" data-action="${safe(button.id)}">${safe(button.title)}</button>`).join('')}</div>`}
  </article>`).join('')
  draw(find('timeline'), `<h2>${state.word.timeline}</h2>${entries === '' ? `<p class="empty">${state.word.emptyTimeline}</p>` : entries}`)
}
