import { type Frame } from 'playwright-core'

/**
 * Runs in the page. What sticks out or lies over something else is found by its box: of what a person presses or types in, nothing may cover
 * another; no word may need more room than its button or heading has.
 */
const findProblems = `(() => {
  const problems = []
  const name = (element) => element.tagName.toLowerCase() + ' "' + (element.getAttribute('aria-label') || element.innerText || element.placeholder || '').trim().slice(0, 40) + '"'
  const isSeen = (element) => {
    const { width, height } = element.getBoundingClientRect()
    return width > 1 && height > 1 && getComputedStyle(element).visibility === 'visible' && !element.closest('.sr-only')
  }
  const width = document.documentElement.clientWidth
  if (document.documentElement.scrollWidth > width + 1) problems.push('the page scrolls sideways: ' + document.documentElement.scrollWidth + ' of ' + width)
  const shown = [...document.querySelectorAll('#app *')].filter(isSeen)
  const isCut = (element) => ['auto', 'hidden', 'scroll', 'clip'].includes(getComputedStyle(element).overflowX)
  for (const element of shown) {
    const { right, left } = element.getBoundingClientRect()
    let holder = element.parentElement
    while (holder !== null && !isCut(holder)) holder = holder.parentElement
    if (holder === null && (right > width + 1 || left < -1)) problems.push('sticks out: ' + name(element))
  }
  for (const element of shown.filter((one) => one.matches('button, h1, h2, h3, [role=tab], [role=radio], label'))) {
    if (element.scrollWidth > element.clientWidth + 1 && !isCut(element) && getComputedStyle(element).display !== 'inline') problems.push('its words do not fit: ' + name(element))
  }
  const live = shown.filter((one) => one.matches('a, button, input, textarea, select') && !one.hidden && one.type !== 'hidden' && Number(getComputedStyle(one).opacity) > 0)
  live.forEach((one, index) => {
    const a = one.getBoundingClientRect()
    for (const other of live.slice(index + 1)) {
      if (one.contains(other) || other.contains(one)) continue
      const b = other.getBoundingClientRect()
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left)
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
      if (across > 2 && down > 2) problems.push('overlap: ' + name(one) + ' and ' + name(other))
    }
  })
  return [...new Set(problems)]
})()`

/** Sentences of what is wrong with how a page is laid out; empty when nothing is. */
export const layoutProblems = (frame: Frame): Promise<string[]> => frame.evaluate(findProblems)
