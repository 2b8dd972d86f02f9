import { z } from 'zod'
import { type CredentialField } from '../channel.ts'
import { parseForm } from '../reading.ts'
import { hostOf, networkFields, networkForm, type SocketAddress } from '../network.ts'
import { type Address } from './pdu.ts'

const wholeNumber = (least: number, most: number, message: string) =>
  z.string().regex(/^\d{1,4}$/, message).transform(Number).refine((value) => value >= least && value <= most, message)

const address = z
  .string({ error: 'Впишите адрес оператора, например smpp://smpp.example.ru:2775.' })
  .refine((value) => {
    const url = URL.parse(value)
    return url !== null && /^smpps?:$/.test(url.protocol) && url.hostname !== '' && url.username === ''
  }, 'Адрес начинается с smpp:// или, с шифрованием, с smpps:// и содержит сервер и порт.')

const credentialsForm = z.object({
  address,
  systemId: z.string({ error: 'Впишите логин (system_id) из договора с оператором.' }).max(15, 'Логин (system_id) не длиннее 15 знаков: скопируйте его из договора.'),
  password: z.string({ error: 'Впишите пароль из договора с оператором.' }).max(64, 'Пароль слишком длинный: скопируйте его из договора.'),
  sender: z
    .string({ error: 'Впишите имя отправителя, как оно согласовано с оператором.' })
    .regex(/^[A-Za-z0-9 !?_.()&-]{1,11}$|^\d{3,15}$/, 'Имя отправителя: до 11 латинских букв и цифр или номер цифрами.'),
  systemType: z.string().max(12, 'Тип системы не длиннее 12 знаков.').default(''),
  senderTon: wholeNumber(0, 6, 'TON - число от 0 до 6.').optional(),
  senderNpi: wholeNumber(0, 18, 'NPI - число от 0 до 18.').optional(),
  phoneTon: wholeNumber(0, 6, 'TON - число от 0 до 6.').default(1),
  phoneNpi: wholeNumber(0, 18, 'NPI - число от 0 до 18.').default(1),
  longMessages: z.enum(['udh', 'sar', 'payload'], { error: 'Длинные сообщения: udh, sar или payload.' }).default('udh'),
  messageIds: z.enum(['auto', 'hex', 'decimal'], { error: 'Запись номеров сообщений: auto, hex или decimal.' }).default('auto'),
  alphabet: z.enum(['gsm', 'latin1'], { error: 'Алфавит: gsm или latin1.' }).default('gsm'),
  window: wholeNumber(1, 100, 'Окно - число от 1 до 100.').default(10),
  enquireSeconds: wholeNumber(1, 600, 'Проверка связи - число секунд от 1 до 600.').default(30),
  ...networkForm,
})

export type SmppCredentials = z.output<typeof credentialsForm>

export const parseCredentials = (input: unknown): SmppCredentials => parseForm(credentialsForm, input)

export const socketAddressOf = ({ address }: Pick<SmppCredentials, 'address'>): SocketAddress => {
  const url = new URL(address)
  const isTls = url.protocol === 'smpps:'
  return { host: hostOf(url), port: url.port === '' ? (isTls ? 3550 : 2775) : Number(url.port), isTls }
}

/** A name is alphanumeric, up to six digits are a short code, more are a number of the whole world. */
export const senderOf = ({ sender, senderTon, senderNpi }: SmppCredentials): Address => {
  const usual = !/^\d+$/.test(sender) ? { ton: 5, npi: 0 } : sender.length <= 6 ? { ton: 3, npi: 0 } : { ton: 1, npi: 1 }
  return { ton: senderTon ?? usual.ton, npi: senderNpi ?? usual.npi, value: sender }
}

export const phoneAddress = (phone: string, { phoneTon, phoneNpi }: SmppCredentials): Address => ({ ton: phoneTon, npi: phoneNpi, value: phone.replace(/^\+/, '') })

const advanced = { secret: false, required: false, advanced: true } as const

export const fields: readonly CredentialField[] = [
  {
    name: 'address', label: { ru: 'Адрес оператора', en: 'Operator\'s address' },
    hint: { ru: 'smpp://сервер:порт, с шифрованием smpps://сервер:порт', en: 'smpp://server:port, or smpps:// with TLS' }, secret: false, required: true,
  },
  { name: 'systemId', label: { ru: 'Логин (system_id)', en: 'Login (system_id)' }, secret: false, required: true },
  { name: 'password', label: { ru: 'Пароль', en: 'Password' }, secret: true, required: true },
  {
    name: 'sender', label: { ru: 'Имя отправителя', en: 'Sender name' },
    hint: { ru: 'До 11 латинских букв и цифр, или номер, на который пациенты могут ответить', en: 'Up to 11 Latin letters and digits, or a number that patients can answer to' }, secret: false, required: true,
  },
  { name: 'systemType', label: { ru: 'Тип системы (system_type)', en: 'System type' }, ...advanced },
  { name: 'senderTon', label: { ru: 'TON отправителя', en: 'Sender TON' }, hint: { ru: 'Пусто - по виду имени: буквы 5, короткий номер 3, номер 1', en: 'Empty: letters 5, short code 3, number 1' }, ...advanced },
  { name: 'senderNpi', label: { ru: 'NPI отправителя', en: 'Sender NPI' }, ...advanced },
  { name: 'phoneTon', label: { ru: 'TON получателя', en: 'Recipient TON' }, ...advanced, default: '1' },
  { name: 'phoneNpi', label: { ru: 'NPI получателя', en: 'Recipient NPI' }, ...advanced, default: '1' },
  {
    name: 'longMessages', label: { ru: 'Длинные сообщения', en: 'Long messages' },
    hint: { ru: 'udh - части с заголовком; sar - части с параметрами; payload - целиком, делит оператор', en: 'udh: parts with a header; sar: parts with parameters; payload: whole, the operator divides' }, ...advanced, default: 'udh',
  },
  {
    name: 'messageIds', label: { ru: 'Номера в отчётах', en: 'Ids in receipts' },
    hint: { ru: 'auto; hex - в ответе 16-ричные, в отчёте десятичные; decimal - наоборот', en: 'auto; hex: hexadecimal in answers and decimal in receipts; decimal: the other way round' }, ...advanced, default: 'auto',
  },
  { name: 'alphabet', label: { ru: 'Алфавит data_coding 0', en: 'Alphabet of data_coding 0' }, hint: { ru: 'gsm или latin1', en: 'gsm or latin1' }, ...advanced, default: 'gsm' },
  { name: 'window', label: { ru: 'Окно (сообщений без ответа)', en: 'Window (unanswered messages)' }, ...advanced, default: '10' },
  { name: 'enquireSeconds', label: { ru: 'Проверять связь каждые, с', en: 'Check the link every, s' }, ...advanced, default: '30' },
  ...networkFields(),
]
