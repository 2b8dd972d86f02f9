import { createHmac } from 'node:crypto'

import { type MaxBot } from './max.ts'
import { PhoneError, type Patient } from './phones.ts'
import { type Stage } from './stage.ts'

/** Launch data as MAX signs them: everything but the hash, sorted by name. @see https://dev.max.ru/docs/webapps/validation */
export function signLaunch(values: Record<string, string>, token: string): string {
  const secret = createHmac('sha256', 'WebAppData').update(token).digest()
  const text = Object.keys(values).sort().map((name) => `${name}=${values[name]!}`).join('\n')
  const hash = createHmac('sha256', secret).update(text).digest('hex')
  return Object.entries({ ...values, hash }).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')
}

/** The address that MAX opens for a person: the bot's page with signed data behind `#`. @see https://dev.max.ru/docs/webapps/bridge */
export function launchUrl(stage: Stage, bot: MaxBot, patient: Patient, payload: string): string {
  if (bot.miniAppUrl === undefined) throw new PhoneError('The bot has no mini-app')
  const [first = '', last = ''] = patient.name.split(' ')
  const user = {
    id: patient.maxId, first_name: first, last_name: last, username: null, language_code: 'ru',
    photo_url: `https://i.example.ru/p?r=BTE2yiP1${patient.maxId}==&w=120`,
  }
  const data = signLaunch({
    auth_date: String(Math.floor(stage.clock.now() / 1000)),
    query_id: `${stage.random.letters(8)}-${stage.random.digits(12)}`,
    user: JSON.stringify(user),
    chat: JSON.stringify({ id: patient.maxChatId, type: 'DIALOG' }),
    ip: '127.0.0.1',
    ...(payload === '' ? {} : { start_param: payload }),
  }, bot.token)
  return `${bot.miniAppUrl}#WebAppData=${encodeURIComponent(data)}&WebAppPlatform=android&WebAppVersion=26.20.0`
}
