import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'

import { type SmscAccount, type SmscMessage } from './smsc.ts'
import { type Stage } from './stage.ts'
import { type Webhook } from './webhooks.ts'

/** Digests that SMSC puts into a callback, over `parts` joined by colons with the secret at the end. */
export function signCallback(parts: readonly (string | number)[], secret: string): { md5: string, sha1: string, crc: string } {
  const text = [...parts, secret].join(':')
  return {
    md5: createHash('md5').update(text).digest('hex'),
    sha1: createHash('sha1').update(text).digest('hex'),
    crc: String(crc32(text)),
  }
}

/** `dd.mm.yyyy hh:mm:ss` in Moscow, as SMSC writes times. */
export function moscowTime(ms: number): string {
  const date = new Date(ms + 3 * 3_600_000).toISOString()
  return `${date.slice(8, 10)}.${date.slice(5, 7)}.${date.slice(0, 4)} ${date.slice(11, 19)}`
}

function formWebhook(stage: Stage, account: SmscAccount, kind: string, form: Record<string, string>): Webhook | undefined {
  if (account.callbackUrl === undefined) {
    stage.poster.lose({ messenger: 'sms', account: account.login, kind }, 'no callback URL is set')
    return undefined
  }
  const target = (): { url: string, headers: Record<string, string> } | undefined => account.callbackUrl === undefined
    ? undefined
    : { url: account.callbackUrl, headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  return {
    messenger: 'sms', account: account.login, kind, ...target()!, refresh: target,
    body: Buffer.from(new URLSearchParams(form).toString()),
    retry: { firstMs: 30_000, longestMs: 3_600_000, forMs: 86_400_000 },
  }
}

/**
 * The callback of a status.
 * @see https://smsc.ru/api/http/status_messages/
 */
export function statusWebhook(stage: Stage, message: SmscMessage, status: number, err: number, at: number): Webhook | undefined {
  return formWebhook(stage, message.account, `status:${status}${err === 0 ? '' : `/${err}`}`, {
    id: String(message.id), phone: message.phone, time: moscowTime(at), ts: String(Math.floor(at / 1000)), type: '0', flag: '1',
    status: String(status), err: String(err), ...signCallback([message.id, message.phone, status], message.account.secret),
  })
}

/** The callback of an SMS that a subscriber wrote. */
export function moWebhook(stage: Stage, account: SmscAccount, phone: string, text: string): Webhook | undefined {
  const now = stage.clock.now()
  return formWebhook(stage, account, 'message', {
    phone, mes: text, to: account.inboundNumber, sent: moscowTime(now - 1000), time: moscowTime(now), smsc: '79168999100',
    ...signCallback([phone, text, account.inboundNumber], account.secret),
  })
}
