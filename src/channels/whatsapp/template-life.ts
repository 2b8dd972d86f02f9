import { z } from 'zod'
import { ChannelError, type ChannelContext } from '../channel.ts'
import { type WhatsAppCredentials } from './credentials.ts'
import { unclearAnswer } from './errors.ts'
import { callGraph } from './graph.ts'

/** Seconds that Meta allows, by category. */
const bounds: Readonly<Record<string, { readonly min: number; readonly max: number }>> = {
  AUTHENTICATION: { min: 30, max: 900 },
  UTILITY: { min: 30, max: 43_200 },
  MARKETING: { min: 43_200, max: 2_592_000 },
}

const templatesAnswer = z.looseObject({
  data: z.array(
    z.looseObject({ id: z.string(), name: z.string(), language: z.string(), category: z.string(), message_send_ttl_seconds: z.number().optional() }),
  ),
})

/**
 * Makes Meta give up a template's message after `lifeSeconds`, brought within the bounds of the template's category. It is the only
 * way to end a WhatsApp message that waits for a switched-off phone: without it the patient gets it days after the SMS.
 *
 * The template is edited only when the value differs: an approved template takes few edits per month.
 *
 * @see https://developers.facebook.com/documentation/business-messaging/whatsapp/templates/time-to-live
 * @throws ChannelError of class `content`, code 132001, when the template does not exist
 */
export const setTemplateLife = async (
  template: { readonly name: string; readonly language: string; readonly lifeSeconds: number },
  context: ChannelContext<WhatsAppCredentials>,
): Promise<void> => {
  // A partner keeps templates under its own addresses; there the life is set in the partner's cabinet.
  if (context.credentials.authHeader !== 'Bearer') return
  const answer = await callGraph(context, {
    method: 'GET',
    path: `/${context.credentials.businessAccountId}/message_templates`,
    query: { name: template.name, fields: 'id,name,language,category,message_send_ttl_seconds', limit: 100 },
  })
  const templates = templatesAnswer.safeParse(answer.body)
  if (!templates.success) throw unclearAnswer()
  // `name` searches by part, so the exact one is picked here.
  const found = templates.data.data.find(({ name, language }) => name === template.name && language === template.language)
  if (found === undefined)
    throw new ChannelError({ class: 'content', code: '132001' }, 'Шаблона с таким именем и языком нет в WhatsApp: создайте его или исправьте имя и язык в шаге.')
  const allowed = bounds[found.category]
  if (allowed === undefined) return
  const lifeSeconds = Math.min(Math.max(Math.round(template.lifeSeconds), allowed.min), allowed.max)
  if (found.message_send_ttl_seconds === lifeSeconds) return
  await callGraph(context, { method: 'POST', path: `/${found.id}`, json: { message_send_ttl_seconds: lifeSeconds } })
}
