/** A made-up clinic as the pages see it. */
import type { ChannelInfo, Connection } from '../../src/http/schemas.ts'

const field = (name: string, part: Partial<ChannelInfo['fields'][number]> = {}): ChannelInfo['fields'][number] => ({
  name,
  label: { ru: name, en: name },
  secret: false,
  required: true,
  advanced: false,
  multiline: false,
  ...part,
})

const channel = (id: string, part: Partial<ChannelInfo>): ChannelInfo => ({
  id,
  title: { ru: id, en: id },
  receipts: ['accepted'],
  hasButtons: false,
  needsTemplate: false,
  isGrey: false,
  guide: [],
  isManualOnly: false,
  addressedBy: 'phone',
  textLength: 4096,
  fields: [field('token', { secret: true }), field('baseUrl', { advanced: true, required: false, default: 'https://api.example' })],
  ...part,
})

export const templated = channel('templated', { receipts: ['accepted', 'sent', 'delivered', 'read', 'acted'], hasButtons: true, needsTemplate: true, textLength: 1024 })
export const bot = channel('bot', { receipts: ['accepted', 'acted'], hasButtons: true, addressedBy: 'identity' })
export const otherBot = channel('otherBot', { receipts: ['accepted', 'acted'], hasButtons: true, addressedBy: 'identity' })
export const plain = channel('plain', { receipts: ['accepted', 'sent', 'delivered'], textLength: 800, fields: [field('login'), field('password', { secret: true }), field('sender', { required: false })] })

export const connection = (id: string, of: ChannelInfo, part: Partial<Connection> = {}): Connection => ({
  id,
  channel: of.id,
  name: id,
  state: 'working',
  title: id,
  details: [],
  warnings: [],
  values: {},
  secretsSet: of.fields.filter(({ secret }) => secret).map(({ name }) => name),
  hookUrl: 'https://app.example/hooks/x',
  ...part,
})

export const world = {
  channels: [templated, bot, otherBot, plain],
  connections: [connection('P', plain), connection('B', bot), connection('T', templated), connection('O', otherBot)],
}
