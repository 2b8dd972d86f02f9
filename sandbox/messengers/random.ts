/** Random numbers that are the same for the same seed, so that a run with trouble in it can be repeated. */
export interface Random {
  /** A number from 0 up to, not including, 1. */
  next(): number
  digits(length: number): string
  hex(length: number): string
  letters(length: number): string
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Makes a generator (mulberry32) from a seed. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const take = (from: string, length: number): string => {
    let text = ''
    for (let index = 0; index < length; index++) text += from[Math.floor(next() * from.length)]!
    return text
  }
  return {
    next,
    digits: (length) => take('123456789', 1) + take('0123456789', length - 1),
    hex: (length) => take('0123456789abcdef', length),
    letters: (length) => take(alphabet, length),
  }
}
