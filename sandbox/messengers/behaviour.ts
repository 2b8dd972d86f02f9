import { type Random } from './random.ts'

/** The messengers of the sandbox; several vendors may carry SMS. */
export type Messenger = 'whatsapp' | 'telegram' | 'max' | 'vk' | 'sms'

/** All messengers in the order in which they are shown. */
export const messengers: readonly Messenger[] = ['whatsapp', 'telegram', 'max', 'vk', 'sms']

/** How a messenger answers and what it lets the phone see. Every delay is simulated milliseconds. */
export interface Behaviour {
  /** `silent`: accepted (and "sent", where that exists) but never on the phone. `refuses`: the vendor's own error. */
  mode: 'works' | 'silent' | 'refuses'
  /**
   * Which error a refusal is. WhatsApp: an error code (`131026`). Telegram: `blocked`, `deactivated`, `cant-initiate`,
   * `chat-not-found`. MAX: `denied`, `not-found`. VK: an error code (`902`). SMS: a `send.php` code (`7`) or `status/err` (`20/255`); SMS.ru: a
   * code of the answer (`209`) or a status (`105`).
   * Empty: the usual one.
   */
  refusal: string
  /**
   * Trouble of the connection or the API. `…Before`: nothing was executed; `…After`: the message is on its way and only
   * the answer is missing.
   */
  failure:
    | 'none' | 'unauthorized' | 'rateLimited' | 'unavailable' | 'badGateway'
    | 'dropBefore' | 'dropAfter' | 'hangBefore' | 'hangAfter'
  /** Whether the trouble meets sends only, every call of the API, or only what carries or fetches a file. */
  failing: 'sends' | 'all' | 'media'
  /** What becomes of receipts. `early`: before the HTTP answer. `reversed`: sent after delivered. `readOnly`: no delivered. */
  receipts: 'normal' | 'never' | 'late' | 'twice' | 'reversed' | 'early' | 'readOnly'
  /** What becomes of the patient's own messages, presses and blocks on their way to the webhook. */
  updates: 'normal' | 'late' | 'twice' | 'lost'
  /** `instant`: no delay at all between acceptance, arrival and receipts. */
  pace: 'natural' | 'instant'
  answerDelayMs: number
  /** How long MAX works on an uploaded file before it may be sent. */
  processingMs: number
  /** How late `late` is. */
  lateMs: number
  retryAfterSeconds: number
  /** Whether the vendor's rate limits hold. */
  limits: 'strict' | 'off'
}

/** What may be said about a messenger at once: any part of its behaviour, and how long or how often it holds. */
export interface BehaviourChange extends Partial<Behaviour> {
  /** Only this account of the messenger. */
  account?: string
  /** Only the next N calls, then as before. */
  next?: number
  /** Only this share of calls, 0 to 1, drawn from the seed. */
  probability?: number
}

interface Rule { account?: string, patch: Partial<Behaviour>, next?: number, probability?: number }

/** Behaviour of every messenger and account, permanent and for a while. */
export interface Behaviours {
  /** Changes it; without `next` and `probability` for good. @throws BehaviourError when a value does not exist */
  change(messenger: Messenger, change: BehaviourChange): void
  /** What holds for one call; uses up `next` and draws for `probability`. */
  draw(messenger: Messenger, account: string, kind: 'send' | 'call', isMedia?: boolean): Behaviour
  /** What holds for good. */
  current(messenger: Messenger, account?: string): Behaviour
  rules(messenger: Messenger): readonly BehaviourChange[]
  reset(messenger?: Messenger): void
}

/** The change asks for something that does not exist. */
export class BehaviourError extends Error {}

const usual: Behaviour = {
  mode: 'works', refusal: '', failure: 'none', failing: 'sends', receipts: 'normal', updates: 'normal', pace: 'natural',
  answerDelayMs: 0, processingMs: 700, lateMs: 10 * 60_000, retryAfterSeconds: 30, limits: 'strict',
}

const allowed: Partial<Record<keyof Behaviour, readonly string[]>> = {
  mode: ['works', 'silent', 'refuses'],
  failure: ['none', 'unauthorized', 'rateLimited', 'unavailable', 'badGateway', 'dropBefore', 'dropAfter', 'hangBefore', 'hangAfter'],
  failing: ['sends', 'all', 'media'],
  receipts: ['normal', 'never', 'late', 'twice', 'reversed', 'early', 'readOnly'],
  updates: ['normal', 'late', 'twice', 'lost'],
  pace: ['natural', 'instant'],
  limits: ['strict', 'off'],
}

/** Starts with all messengers working as usual. */
export function createBehaviours(random: Random): Behaviours {
  const base = new Map<Messenger, Partial<Behaviour>>()
  const accounts = new Map<string, Partial<Behaviour>>()
  const temporary = new Map<Messenger, Rule[]>()

  const current = (messenger: Messenger, account?: string): Behaviour => {
    const own = account === undefined ? undefined : accounts.get(`${messenger}/${account}`)
    return { ...usual, ...base.get(messenger), ...own }
  }

  return {
    current,
    change(messenger, { account, next, probability, ...patch }) {
      check(patch)
      if (next !== undefined || probability !== undefined) {
        const rules = temporary.get(messenger) ?? []
        rules.push({ account, patch, next, probability })
        temporary.set(messenger, rules)
      } else if (account !== undefined) {
        accounts.set(`${messenger}/${account}`, { ...accounts.get(`${messenger}/${account}`), ...patch })
      } else {
        base.set(messenger, { ...base.get(messenger), ...patch })
      }
    },
    draw(messenger, account, kind, isMedia) {
      const behaviour = current(messenger, account)
      const rules = temporary.get(messenger)
      if (rules === undefined) return behaviour
      for (const rule of rules) {
        if (rule.account !== undefined && rule.account !== account) continue
        if (!meets(rule.patch.failing ?? 'sends', kind, isMedia)) continue
        if (rule.probability !== undefined && random.next() >= rule.probability) continue
        if (rule.next !== undefined) rule.next--
        Object.assign(behaviour, rule.patch)
      }
      const left = rules.filter((rule) => rule.next === undefined || rule.next > 0)
      if (left.length === 0) temporary.delete(messenger)
      else temporary.set(messenger, left)
      return behaviour
    },
    rules: (messenger) => (temporary.get(messenger) ?? []).map(({ account, next, probability, patch }) =>
      ({ account, next, probability, ...patch })),
    reset(messenger) {
      for (const one of messenger === undefined ? messengers : [messenger]) {
        base.delete(one)
        temporary.delete(one)
        for (const key of accounts.keys()) if (key.startsWith(`${one}/`)) accounts.delete(key)
      }
    },
  }
}

/** Whether trouble of this scope meets a call. */
export function meets(failing: Behaviour['failing'], kind: 'send' | 'call', isMedia = false): boolean {
  switch (failing) {
    case 'all': return true
    case 'media': return isMedia
    case 'sends': return kind === 'send'
  }
}

function check(patch: Partial<Behaviour>): void {
  for (const [name, value] of Object.entries(patch)) {
    if (!(name in usual)) throw new BehaviourError(`There is no behaviour "${name}"`)
    const values = allowed[name as keyof Behaviour]
    if (values !== undefined && !values.includes(String(value))) {
      throw new BehaviourError(`"${name}" is one of: ${values.join(', ')}`)
    }
    if (typeof value !== typeof usual[name as keyof Behaviour]) throw new BehaviourError(`"${name}" has the wrong type`)
  }
}
