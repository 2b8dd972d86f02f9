import { get as getHttp } from 'node:http'
import { get as getHttps } from 'node:https'

import { type FastifyInstance, type FastifyRequest } from 'fastify'

import { parseForm, parseJsonObject, rawOf } from './bodies.ts'
import { isWebhookAddress, postUpdate, type Answer, type Stage } from './stage.ts'
import { type CallNumber, type OpenNumber, type WhatsAppNumber } from './whatsapp.ts'
import { graphError } from './whatsapp-errors.ts'
import { envelope } from './whatsapp-events.ts'
import { type Media } from './whatsapp-media.ts'
import { checkTtl, type Template } from './whatsapp-templates.ts'

type ById = FastifyRequest<{ Params: { id: string }, Querystring: Record<string, string> }>

const usualFields = ['verified_name', 'code_verification_status', 'display_phone_number', 'quality_rating', 'platform_type', 'throughput']
const categories: readonly unknown[] = ['UTILITY', 'MARKETING', 'AUTHENTICATION']

const ok = (body: unknown): Answer => ({ status: 200, body, code: 'ok' })

/** Registers everything of the Graph API that is neither sending nor files: the number, templates, subscriptions. */
export function registerManagement(
  app: FastifyInstance, stage: Stage, numbers: Map<string, WhatsAppNumber>, media: Media, open: OpenNumber, call: CallNumber,
): void {
  const about = (number: WhatsAppNumber, fields: string | undefined): Record<string, unknown> => {
    const all: Record<string, unknown> = {
      verified_name: number.verifiedName, code_verification_status: 'VERIFIED', display_phone_number: number.displayPhoneNumber,
      quality_rating: number.qualityRating, platform_type: 'CLOUD_API', throughput: { level: 'STANDARD' }, status: number.status,
      whatsapp_business_manager_messaging_limit: 'TIER_2K', name_status: 'APPROVED',
      webhook_configuration: {
        phone_number: number.numberOverride?.url, whatsapp_business_account: number.override?.url, application: number.webhook?.url,
      },
    }
    const asked = fields?.split(',') ?? usualFields
    return { ...Object.fromEntries(asked.filter((name) => name in all).map((name) => [name, all[name]])), id: number.phoneNumberId }
  }

  app.get('/wa/:version/:id', (request: ById, reply) => {
    const { id } = request.params
    const opened = open(request, id, (number) => number.phoneNumberId === id || number.wabaId === id || media.find(id)?.number === number ||
      number.templates.some((template) => template.id === id))
    return call(reply, opened, id, 'GET object', 'call', (number) => {
      if (number.phoneNumberId === id) return ok(about(number, request.query.fields))
      if (number.wabaId === id) {
        return ok({ id, name: number.verifiedName, timezone_id: '1', message_template_namespace: 'sandbox_namespace' })
      }
      const template = number.templates.find((one) => one.id === id)
      if (template !== undefined) return ok(template)
      return ok(media.show(media.find(id)!))
    }, media.find(id) !== undefined)
  })

  app.get('/wa/:version/:id/phone_numbers', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'GET phone_numbers', 'call', () =>
      ok({ data: [...numbers.values()].filter((number) => number.wabaId === id).map((number) => about(number, request.query.fields)) }))
  })

  app.get('/wa/:version/:id/message_templates', (request: ById, reply) => {
    const { id } = request.params
    const { name, status, language, category, limit = '25', after } = request.query
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'GET message_templates', 'call', (number) => {
      const found = number.templates.filter((one) => (name === undefined || one.name.includes(name)) &&
        (status === undefined || one.status === status) && (language === undefined || one.language === language) &&
        (category === undefined || one.category === category))
      const from = after === undefined ? 0 : Number(Buffer.from(after, 'base64').toString())
      const to = from + Number(limit)
      const cursor = (index: number): string => Buffer.from(String(index)).toString('base64')
      return ok({
        data: found.slice(from, to),
        ...(found.length === 0
          ? {}
          : {
              paging: {
                cursors: { before: cursor(from), after: cursor(to) },
                ...(to < found.length ? { next: `${stage.origin()}${request.url.split('?')[0]!}?limit=${limit}&after=${cursor(to)}` } : {}),
              },
            }),
      })
    })
  })

  app.post('/wa/:version/:id/message_templates', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'POST message_templates', 'call', (number) => {
      const body = parseJsonObject(rawOf(request.body)) ?? {}
      if (typeof body.name !== 'string' || !/^[a-z0-9_]{1,512}$/.test(body.name)) {
        return graphError(400, 100, '(#100) The parameter name is required.')
      }
      if (typeof body.language !== 'string') return graphError(400, 100, '(#100) The parameter language is required.')
      if (!categories.includes(body.category)) {
        return graphError(400, 100, '(#100) The parameter category is required.')
      }
      if (!Array.isArray(body.components)) return graphError(400, 100, '(#100) The parameter components is required.')
      if (number.templates.some((one) => one.name === body.name && one.language === body.language)) {
        return graphError(400, 100, 'Invalid parameter', undefined, 2388024)
      }
      const wrong = body.message_send_ttl_seconds === undefined ? undefined : checkTtl(body.category, body.message_send_ttl_seconds)
      if (wrong !== undefined) return wrong
      const template: Template = {
        id: stage.random.digits(16), name: body.name, language: body.language, category: body.category, status: 'PENDING',
        components: body.components, parameter_format: body.parameter_format === 'NAMED' ? 'NAMED' : 'POSITIONAL',
        message_send_ttl_seconds: body.message_send_ttl_seconds,
      }
      number.templates.push(template)
      stage.clock.after(60_000, () => {
        template.status = 'APPROVED'
        tellTemplate(stage, number, template, 'APPROVED')
      })
      return ok({ id: template.id, status: template.status, category: template.category })
    })
  })

  app.delete('/wa/:version/:id/message_templates', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'DELETE message_templates', 'call', (number) => {
      const left = number.templates.filter((one) => one.name !== request.query.name)
      if (left.length === number.templates.length) return graphError(400, 100, 'Invalid parameter', undefined, 2593002)
      number.templates = left
      return ok({ success: true })
    })
  })

  app.post('/wa/:version/:id', (request: ById, reply) => {
    const { id } = request.params
    const opened = open(request, id, (number) => number.phoneNumberId === id || number.templates.some((one) => one.id === id))
    return call(reply, opened, id, 'POST object', 'call', (number) => {
      const body = parseJsonObject(rawOf(request.body)) ?? parseForm(rawOf(request.body))
      if (number.phoneNumberId === id) return setNumberAddress(number, body)
      const template = number.templates.find((one) => one.id === id)!
      if (template.status === 'PENDING') return graphError(400, 100, 'Invalid parameter', undefined, 2593012)
      const changed: Partial<Template> = {}
      for (const [name, value] of Object.entries(body)) {
        if (name === 'message_send_ttl_seconds') changed.message_send_ttl_seconds = Number(value)
        else if (name === 'components' && Array.isArray(value)) changed.components = value
        else if (name === 'category' && categories.includes(value)) changed.category = value as Template['category']
        else if (name === 'parameter_format' || name === 'allow_category_change' || name === 'cta_url_link_tracking_opted_out') continue
        else return graphError(400, 100, `(#100) Invalid parameter`, `Unexpected key "${name}" on param "$root".`)
      }
      const ttl = changed.message_send_ttl_seconds
      const wrong = ttl === undefined ? undefined : checkTtl(changed.category ?? template.category, ttl)
      if (wrong !== undefined) return wrong
      Object.assign(template, changed)
      return ok({ success: true })
    })
  })

  const setNumberAddress = async (number: WhatsAppNumber, body: Record<string, any>): Promise<Answer> => {
    const unknown = Object.keys(body).find((name) => name !== 'webhook_configuration')
    const { override_callback_uri: url, verify_token: verifyToken } = body.webhook_configuration ?? {}
    if (unknown !== undefined || typeof url !== 'string') return graphError(400, 100, '(#100) The parameter webhook_configuration is required.')
    if (url === '') {
      number.numberOverride = undefined
      return ok({ success: true })
    }
    if (typeof verifyToken !== 'string') return graphError(400, 100, '(#100) The parameter verify_token is required.')
    const refused = await refuseAddress(url, verifyToken)
    if (refused !== undefined) return refused
    number.numberOverride = { url, verifyToken }
    return ok({ success: true })
  }

  const refuseAddress = async (url: string, verifyToken: string): Promise<Answer | undefined> => {
    if (url.length > 200) return graphError(400, 100, '(#100) Invalid parameter', 'override_callback_uri must be at most 200 characters long.')
    const trouble = await verifyCallback(stage, url, verifyToken)
    if (trouble === undefined) return undefined
    return graphError(400, 2200, `(#2200) Callback verification failed with the following errors: ${trouble}`)
  }

  app.post('/wa/:version/:id/subscribed_apps', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'POST subscribed_apps', 'call', async (number) => {
      const body = parseJsonObject(rawOf(request.body)) ?? parseForm(rawOf(request.body))
      const { override_callback_uri: url, verify_token: verifyToken } = body
      if (url !== undefined) {
        if (verifyToken === undefined) return graphError(400, 100, '(#100) The parameter verify_token is required.')
        const refused = await refuseAddress(String(url), String(verifyToken))
        if (refused !== undefined) return refused
      }
      for (const one of numbers.values()) {
        if (one.wabaId !== number.wabaId || one.token !== number.token) continue
        one.subscribed = true
        one.override = url === undefined ? undefined : { url: String(url), verifyToken: String(verifyToken) }
      }
      return ok({ success: true })
    })
  })

  app.get('/wa/:version/:id/subscribed_apps', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'GET subscribed_apps', 'call', (number) => ok({
      data: number.subscribed
        ? [{
            whatsapp_business_api_data: {
              id: '1450000000000001', link: 'https://www.facebook.com/games/?app_id=1450000000000001', name: 'Sandbox app',
            },
            ...(number.override === undefined ? {} : { override_callback_uri: number.override.url }),
          }]
        : [],
    }))
  })

  app.delete('/wa/:version/:id/subscribed_apps', (request: ById, reply) => {
    const { id } = request.params
    return call(reply, open(request, id, (number) => number.wabaId === id), id, 'DELETE subscribed_apps', 'call', (number) => {
      for (const one of numbers.values()) if (one.wabaId === number.wabaId) Object.assign(one, { subscribed: false, override: undefined })
      return ok({ success: true })
    })
  })
}

/** Tells the application that Meta changed a template's status. */
export function tellTemplate(stage: Stage, number: WhatsAppNumber, template: Template, event: string): void {
  const webhook = envelope(stage, number, 'message_template_status_update', {
    event, message_template_id: Number(template.id), message_template_name: template.name, message_template_language: template.language,
    reason: 'NONE', message_template_category: template.category,
    ...(event === 'PAUSED'
      ? { other_info: { title: 'FIRST_PAUSE', description: 'Your WhatsApp message template has been paused for 3 hours.' } }
      : {}),
    ...(event === 'DISABLED' ? { disable_info: { disable_date: String(Math.floor(stage.clock.now() / 1000)) } } : {}),
  }, `template:${event}`)
  if (webhook !== undefined) postUpdate(stage, webhook)
}

/**
 * Does the verification handshake of a callback URL.
 * @returns what is wrong with it, in Meta's words; undefined when it answered the challenge
 */
export function verifyCallback(stage: Stage, address: string, verifyToken: string): Promise<string | undefined> {
  if (!isWebhookAddress(stage, address)) return Promise.resolve('Callback URL must be https')
  const challenge = stage.random.digits(10)
  const url = new URL(address)
  url.searchParams.set('hub.mode', 'subscribe')
  url.searchParams.set('hub.challenge', challenge)
  url.searchParams.set('hub.verify_token', verifyToken)
  return new Promise((resolve) => {
    const asked = (url.protocol === 'https:' ? getHttps : getHttp)(url, { timeout: 10_000 }, (answer) => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', (chunk: string) => { body += chunk })
      answer.on('end', () => {
        if (answer.statusCode !== 200) resolve(`HTTP Status Code = ${answer.statusCode ?? 0}; HTTP Message = ${answer.statusMessage ?? ''}`)
        else resolve(body === challenge ? undefined : 'The challenge was not answered')
      })
      answer.on('error', () => resolve('Connection closed'))
    })
    asked.on('timeout', () => asked.destroy(new Error('Timeout')))
    asked.on('error', (error) => resolve(error.message))
  })
}
