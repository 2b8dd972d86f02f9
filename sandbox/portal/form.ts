import qs from 'qs'

/** PHP `urlencode`: like encodeURIComponent, but a space is a plus and `!'()*~` are escaped too. */
function encode(text: string): string {
  return encodeURIComponent(text)
    .replace(/[!'()*~]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%20/g, '+')
}

/**
 * Writes a body as PHP `http_build_query` does: nested keys in brackets, `null` and empty arrays vanish, booleans become 1 and 0.
 * @see https://www.php.net/manual/en/function.http-build-query.php
 */
export function buildQuery(value: Record<string, unknown>): string {
  const parts: string[] = []
  const walk = (key: string, item: unknown): void => {
    if (item === null || item === undefined) return
    if (typeof item === 'object') {
      for (const [name, inner] of Object.entries(item)) walk(`${key}[${name}]`, inner)
      return
    }
    const text = typeof item === 'boolean' ? (item ? '1' : '0') : String(item)
    parts.push(`${encode(key)}=${encode(text)}`)
  }
  for (const [key, item] of Object.entries(value)) walk(key, item)
  return parts.join('&')
}

/** Reads a form or query string as PHP does: nesting in brackets; a map with keys 0..n-1 is an array. */
export function parseQuery(text: string): Record<string, any> {
  return asLists(qs.parse(text, { depth: 20, arrayLimit: 1000, parameterLimit: 20_000 })) as Record<string, any>
}

function asLists(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asLists)
  if (value === null || typeof value !== 'object') return value
  const entries = Object.entries(value).map(([key, item]) => [key, asLists(item)] as const)
  if (entries.length > 0 && entries.every(([key], index) => key === String(index))) return entries.map(([, item]) => item)
  return Object.fromEntries(entries)
}
