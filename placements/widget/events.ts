export interface ServerEvent {
  readonly id: string
  readonly event: string
  readonly data: string
}

/**
 * Reads Server-Sent Events from text as it comes in, torn anywhere. The browser's own reader cannot send the token in a header, and a token in
 * an address ends in somebody's log.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export const createEventReader = (onEvent: (event: ServerEvent) => void): ((part: string) => void) => {
  let rest = ''
  let [id, event, data] = ['', '', [] as string[]]
  return (part) => {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const at = line.indexOf(':')
      const [name, value] = at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 1).replace(/^ /, '')]
      if (line === '') {
        if (data.length > 0) onEvent({ id, event: event || 'message', data: data.join('\n') })
        event = ''
        data = []
      } else if (name === 'id') id = value
      else if (name === 'event') event = value
      else if (name === 'data') data.push(value)
    }
  }
}
