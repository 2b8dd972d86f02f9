import { type PhoneButton } from './phones.ts'
import { type Random } from './random.ts'
import { graphError, type GraphError } from './whatsapp-errors.ts'

/** A message template as the Business Management API shows it. */
export interface Template {
  id: string
  name: string
  language: string
  category: 'UTILITY' | 'MARKETING' | 'AUTHENTICATION'
  status: 'APPROVED' | 'PENDING' | 'REJECTED' | 'PAUSED' | 'DISABLED'
  components: TemplateComponent[]
  parameter_format: 'POSITIONAL' | 'NAMED'
  message_send_ttl_seconds?: number
}

/** HEADER, BODY, FOOTER or BUTTONS. */
export interface TemplateComponent {
  type: string
  format?: string
  text?: string
  buttons?: { type: string, text: string, url?: string, phone_number?: string }[]
  [other: string]: unknown
}

/** Templates that a clinic of the sandbox has when nothing else was said. */
export function usualTemplates(random: Random): Template[] {
  const template = (name: string, rest: Partial<Template>): Template => ({
    id: random.digits(16), name, language: 'ru', category: 'UTILITY', status: 'APPROVED', parameter_format: 'POSITIONAL', components: [],
    ...rest,
  })
  return [
    template('appointment_reminder', {
      components: [
        { type: 'BODY', text: 'Здравствуйте, {{1}}! {{2}} Пожалуйста, ответьте кнопкой ниже.' },
        { type: 'FOOTER', text: 'Клиника «Пример»' },
        {
          type: 'BUTTONS',
          buttons: ['Приду', 'Перенести', 'Отменить'].map((text) => ({ type: 'QUICK_REPLY', text })),
        },
      ],
    }),
    template('clinic_notice', {
      components: [
        { type: 'BODY', text: 'Сообщение от клиники: {{1}} Если есть вопросы, ответьте на это сообщение.' },
        { type: 'FOOTER', text: 'Клиника «Пример»' },
      ],
    }),
    template('visit_link', {
      components: [
        { type: 'BODY', text: 'Ваша запись: {{1}}. Подробности по кнопке ниже.' },
        { type: 'BUTTONS', buttons: [{ type: 'URL', text: 'Открыть', url: 'https://clinic.example/v/{{1}}' }] },
      ],
    }),
    template('autumn_checkup', {
      category: 'MARKETING', status: 'PAUSED', components: [{ type: 'BODY', text: 'Осенний осмотр со скидкой для {{1}}. Ждём вас!' }],
    }),
  ]
}

/** Placeholders of a text in their order, each once: `{{1}}`, `{{name}}`. */
export function placeholders(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{\s*(\w+)\s*\}\}/g)].map((match) => match[1]!))]
}

const missing = (details: string): GraphError => graphError(400, 131008, '(#131008) Required parameter is missing', details)

/** A template as the phone shows it. */
export interface Rendered { text: string, buttons: PhoneButton[][] }

/** Fills a template in, or answers the vendor's error for a wrong parameter. */
export function renderTemplate(template: Template, given: unknown): Rendered | GraphError {
  const components = given === undefined ? [] : given
  if (!Array.isArray(components)) return graphError(400, 100, '(#100) Invalid parameter', "Param template['components'] must be an array.")
  const parts: string[] = []
  for (const component of template.components) {
    const type = component.type.toUpperCase()
    if (type === 'BUTTONS') continue
    if (component.text === undefined) continue
    const sent = components.find((one) => String(one?.type).toLowerCase() === type.toLowerCase())
    const filled = fill(type.toLowerCase(), component.text, sent?.parameters)
    if (typeof filled !== 'string') return filled
    parts.push(filled)
  }
  for (const one of components) {
    const type = String(one?.type).toLowerCase()
    if (type === 'button') continue
    if (!['header', 'body'].includes(type) || !template.components.some((component) => component.type.toLowerCase() === type)) {
      return graphError(400, 132018, '(#132018) There was an issue with the parameters in your template',
        `${type}: component is not in the template`)
    }
  }
  const buttons = renderButtons(template, components)
  return 'status' in buttons ? buttons : { text: parts.join('\n'), buttons: buttons.list.map((button) => [button]) }
}

function fill(where: string, text: string, parameters: unknown): string | GraphError {
  const names = placeholders(text)
  const values = Array.isArray(parameters) ? parameters : []
  if (values.length !== names.length) {
    return graphError(400, 132000, '(#132000) Number of parameters does not match the expected number of params',
      `${where}: number of localizable_params (${values.length}) does not match the expected number of params (${names.length})`)
  }
  let filled = text
  for (const [index, name] of names.entries()) {
    const named = !/^\d+$/.test(name)
    const value = named ? values.find((one) => one?.parameter_name === name) : values[index]
    if (value?.type !== 'text') {
      return graphError(400, 132012, '(#132012) Parameter format does not match format in the created template',
        `${where}: parameter ${name} is expected to be of type text`)
    }
    if (typeof value.text !== 'string' || value.text === '') {
      return missing('Parameter of type text is missing text value')
    }
    if (/[\n\r\t]| {5,}/.test(value.text)) {
      return graphError(400, 100, '(#100) Invalid parameter', 'Param text cannot have new-line/tab characters or more than 4 consecutive spaces')
    }
    filled = filled.replace(new RegExp(`\\{\\{\\s*${name}\\s*\\}\\}`, 'g'), () => value.text)
  }
  const limit = where === 'header' ? 60 : 1024
  if (filled.length > limit) {
    return graphError(400, 132005, '(#132005) Translated text too long', `${where}: text is longer than ${limit} characters after translation`)
  }
  return filled
}

function renderButtons(template: Template, components: any[]): { list: PhoneButton[] } | GraphError {
  const buttons = template.components.find((component) => component.type.toUpperCase() === 'BUTTONS')?.buttons ?? []
  for (const one of components) {
    if (String(one?.type).toLowerCase() !== 'button') continue
    const button = buttons[Number(one.index)]
    if (button === undefined || String(one.sub_type).toUpperCase() !== button.type) {
      return graphError(400, 132018, '(#132018) There was an issue with the parameters in your template',
        `buttons: there is no ${String(one.sub_type)} button at index ${String(one.index)}`)
    }
  }
  const list: PhoneButton[] = []
  for (const [index, button] of buttons.entries()) {
    const sent = components.find((one) => String(one?.type).toLowerCase() === 'button' && Number(one.index) === index)
    const parameter = sent?.parameters?.[0]
    if (button.type === 'QUICK_REPLY') {
      if (sent !== undefined && (parameter?.type !== 'payload' || typeof parameter.payload !== 'string')) {
        return missing(`buttons: Button at index ${index} of type QuickReply requires a payload`)
      }
      if (parameter !== undefined && parameter.payload.length > 256) {
        return graphError(400, 100, '(#100) Invalid parameter', 'Button payload must be at most 256 characters long.')
      }
      list.push({ id: parameter?.payload ?? button.text, text: button.text, kind: 'callback' })
    } else {
      const dynamic = placeholders(button.url ?? '').length > 0
      if (dynamic && typeof parameter?.text !== 'string') {
        return missing(`buttons: Button at index ${index} of type Url requires a parameter`)
      }
      list.push({ id: String(index), text: button.text, kind: 'url', url: (button.url ?? '').replace(/\{\{\w+\}\}/, parameter?.text ?? '') })
    }
  }
  return { list }
}

const ttlRanges = { UTILITY: [30, 43_200], AUTHENTICATION: [30, 900], MARKETING: [43_200, 2_592_000] } as const

/** Checks a time to live against the range of the category; `-1` stands for 30 days. */
export function checkTtl(category: Template['category'], seconds: unknown): GraphError | undefined {
  const [least, most] = ttlRanges[category]
  const isInside = Number.isInteger(seconds) && Number(seconds) >= least && Number(seconds) <= most
  if (isInside || (seconds === -1 && category !== 'MARKETING')) return undefined
  return graphError(400, 100, '(#100) Invalid parameter',
    `message_send_ttl_seconds of a ${category} template is between ${least} and ${most} seconds`)
}

/** How long Meta keeps trying, in milliseconds. */
export function ttlMs(template: Template | undefined): number {
  const seconds = template?.message_send_ttl_seconds
  if (seconds !== undefined && seconds > 0) return seconds * 1000
  return template?.category === 'AUTHENTICATION' && seconds !== -1 ? 600_000 : 30 * 86_400_000
}
