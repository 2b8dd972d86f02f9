import { type PhoneButton } from './phones.ts'

/**
 * Buttons of a keyboard by VK's rules; undefined for one that VK refuses.
 * @see https://dev.vk.com/api/bots/development/keyboard
 */
export function vkButtons(source: string | undefined): PhoneButton[][] | undefined {
  if (source === undefined || source === '') return []
  let keyboard: any
  try {
    keyboard = JSON.parse(source)
  } catch {
    return undefined
  }
  const rows: unknown = keyboard?.buttons
  if (!Array.isArray(rows)) return undefined
  const most = keyboard.inline === true ? { rows: 6, buttons: 10 } : { rows: 10, buttons: 40 }
  if (rows.length > most.rows || rows.flat().length > most.buttons) return undefined
  const read = rows.map((row: unknown) => (Array.isArray(row) && row.length > 0 && row.length <= 5 ? row.map(buttonOf) : [undefined]))
  return read.flat().includes(undefined) ? undefined : read as PhoneButton[][]
}

function buttonOf({ action, color }: any): PhoneButton | undefined {
  const { type, label, payload, link } = action ?? {}
  if (color !== undefined && !['primary', 'secondary', 'positive', 'negative'].includes(color)) return undefined
  if (typeof label !== 'string' || label === '' || label.length > 40) return undefined
  if (payload !== undefined && !isPayload(payload)) return undefined
  if (type === 'open_link') return { id: '', text: label, kind: 'url', url: String(link) }
  if (type !== 'callback' && type !== 'text') return undefined
  return { id: payload ?? '', text: label, kind: type }
}

function isPayload(payload: unknown): boolean {
  if (typeof payload !== 'string' || Buffer.byteLength(payload) > 255) return false
  try {
    JSON.parse(payload)
    return true
  } catch {
    return false
  }
}
