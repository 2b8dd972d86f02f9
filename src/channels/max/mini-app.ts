import { createHmac } from 'node:crypto'
import { z } from 'zod'
import { type MiniApp } from '../channel.ts'
import { sameSecret } from '../reading.ts'
import { type MaxCredentials } from './credentials.ts'

const user = z.looseObject({ id: z.int().positive() })
const seconds = /^\d{9,11}$/

/** `key=value` pairs, decoded; undefined when a name stands there twice or a value cannot be decoded. */
const pairsOf = (launchData: string): ReadonlyMap<string, string> | undefined => {
  const pairs = new Map<string, string>()
  for (const part of launchData.split('&')) {
    const cut = part.indexOf('=')
    if (cut < 1 || pairs.has(part.slice(0, cut))) return undefined
    try {
      pairs.set(part.slice(0, cut), decodeURIComponent(part.slice(cut + 1).replaceAll('+', ' ')))
    } catch {
      return undefined
    }
  }
  return pairs
}

const readUser = (text: string): string | undefined => {
  try {
    const parsed = user.safeParse(JSON.parse(text))
    return parsed.success ? String(parsed.data.id) : undefined
  } catch {
    return undefined
  }
}

/** @see https://dev.max.ru/docs/webapps/validation */
const readLaunch: MiniApp<MaxCredentials>['readLaunch'] = (launchData, { token }) => {
  const pairs = pairsOf(launchData)
  if (pairs === undefined) return undefined
  const signed = [...pairs].filter(([name]) => name !== 'hash').sort(([a], [b]) => (a < b ? -1 : 1))
  const key = createHmac('sha256', 'WebAppData').update(token).digest()
  const wanted = createHmac('sha256', key).update(signed.map(([name, value]) => `${name}=${value}`).join('\n')).digest('hex')
  if (!sameSecret(pairs.get('hash'), wanted)) return undefined
  const userId = readUser(pairs.get('user') ?? '')
  const at = pairs.get('auth_date') ?? ''
  return userId === undefined || !seconds.test(at) ? undefined : { userId, at: Number(at) * 1000 }
}

export const miniApp: MiniApp<MaxCredentials> = {
  readLaunch,
  clinicOf: ({ clinicName, clinicAddress, clinicMapUrl, clinicPhone }) => ({ name: clinicName, address: clinicAddress, mapUrl: clinicMapUrl, phone: clinicPhone }),
}
