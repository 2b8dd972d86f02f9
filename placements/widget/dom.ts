/** Elements made by hand: no markup is ever read from text, so a message stays a text and a strict page has nothing to forbid. */
type Props = Readonly<Record<string, string | boolean | ((event: never) => void) | undefined>>

export const h = <Tag extends keyof HTMLElementTagNameMap>(tag: Tag, props: Props = {}, ...children: readonly (Node | string | undefined | false)[]): HTMLElementTagNameMap[Tag] => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue
    if (typeof value === 'function') element.addEventListener(name.slice(2), value as unknown as EventListener)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.filter((child): child is Node | string => child !== undefined && child !== false))
  return element
}

const shapes = {
  chat: 'M12 3C6.9 3 3 6.5 3 10.9c0 2.5 1.2 4.6 3.2 6.1l-.6 3.2c-.1.5.4.9.9.7l3.6-1.9c.6.1 1.2.2 1.9.2 5.1 0 9-3.6 9-8.1S17.1 3 12 3Z',
  close: 'M6 6l12 12M18 6L6 18',
  send: 'M4 12l16-8-5 16-3.5-6.5L4 12Z',
  clip: 'M8 12.5l6.2-6.2a3 3 0 0 1 4.2 4.2l-8 8a5 5 0 0 1-7-7l7.6-7.6',
  smile: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM8.5 14.5c.8 1.2 2 1.8 3.5 1.8s2.7-.6 3.5-1.8M9 9.5v.01M15 9.5v.01',
  file: 'M7 3h7l4 4v14H7V3ZM14 3v4h4',
  dots: 'M6 12v.01M12 12v.01M18 12v.01',
  tick: 'M5 12.5l4 4 9-9',
  ticks: 'M2 12.5l4 4 9-9M11.5 16l.5.5 9-9',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3 2',
} as const

export const icon = (name: keyof typeof shapes, isFilled = false): SVGSVGElement => {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', 'aria-hidden': 'true', fill: isFilled ? 'currentColor' : 'none', stroke: 'currentColor', 'stroke-width': '1.8', 'stroke-linecap': 'round', 'stroke-linejoin': 'round' })) svg.setAttribute(key, value)
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  path.setAttribute('d', shapes[name])
  svg.append(path)
  return svg
}
