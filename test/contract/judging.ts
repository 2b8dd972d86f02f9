import { ChannelError } from '../../src/channels/channel.ts'

/** What a person is told: one sentence in Russian. */
export const isSentence = (text: string): boolean => /^[А-ЯA-Z][^\n]*[.!]$/.test(text) && /[а-я]/.test(text)

/** Everything of an error that a log could ever show. */
export const shown = (error: unknown): string => {
  const parts: unknown[] = []
  for (let part = error; part !== undefined && part !== null; part = (part as { cause?: unknown }).cause) {
    parts.push(part instanceof Error ? [part.message, part.stack, JSON.stringify(part), Object.entries(part)] : part)
  }
  return JSON.stringify(parts)
}

/** The refusal that `act` ends with. @throws when it ends otherwise */
export const refusalOf = async (act: () => Promise<unknown>): Promise<ChannelError> => {
  try {
    await act()
  } catch (error) {
    if (error instanceof ChannelError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** What `act` throws at once. */
export const thrownBy = (act: () => unknown): unknown => {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}

/** Waits within a bound until `check` holds. */
export const until = async (what: string, check: () => boolean): Promise<void> => {
  const end = Date.now() + 5_000
  while (!check()) {
    if (Date.now() > end) throw new Error(`It did not come: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
