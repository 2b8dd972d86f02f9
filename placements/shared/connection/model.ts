/**
 * Decisions of a connection's form: draft <-> form, what is missing, what changed. Pure; the server checks everything again.
 */
import type { ChannelInfo, Connection, ConnectionForm } from '../../../src/http/schemas.ts'
import type { Language } from '../boot.ts'

export type Field = ChannelInfo['fields'][number]
export type FieldErrors = Readonly<Record<string, string>>

/** A form that is being filled in; a secret is empty until someone types it. */
export interface ConnectionDraft {
  /** Absent: the connection is new. */
  readonly id?: string
  readonly channel: string
  readonly name: string
  readonly credentials: Readonly<Record<string, string>>
  readonly secretsSet: readonly string[]
}

const nameLimit = 80
const valueLimit = 4000
/** Certificates. */
const textLimit = 20_000

const limitOf = (field: Field): number => (field.multiline ? textLimit : valueLimit)

const texts = {
  ru: {
    nameMissing: 'Назовите подключение.',
    nameLong: `Сократите название до ${nameLimit} знаков.`,
    required: 'Заполните это поле.',
    valueLong: (limit: number) => `Значение длиннее ${limit} знаков: проверьте, что вставлено нужное.`,
  },
  en: {
    nameMissing: 'Name the connection.',
    nameLong: `Shorten the name to ${nameLimit} characters.`,
    required: 'Fill in this field.',
    valueLong: (limit: number) => `The value is longer than ${limit} characters: check what was pasted.`,
  },
}

/** The channel's title, with a number when one of that name is there already. */
const freeName = (channel: ChannelInfo, connections: readonly Connection[], language: Language): string => {
  const title = channel.title[language]
  const taken = new Set(connections.map((connection) => connection.name))
  for (let number = 1; ; number += 1) {
    const name = number === 1 ? title : `${title} ${number}`
    if (!taken.has(name)) return name
  }
}

export const newDraft = (channel: ChannelInfo, connections: readonly Connection[], language: Language): ConnectionDraft => ({
  channel: channel.id,
  name: freeName(channel, connections, language),
  credentials: Object.fromEntries(channel.fields.map((field) => [field.name, field.secret ? '' : (field.default ?? '')])),
  secretsSet: [],
})

export const draftOf = (connection: Connection, channel: ChannelInfo): ConnectionDraft => ({
  id: connection.id,
  channel: connection.channel,
  name: connection.name,
  credentials: Object.fromEntries(channel.fields.map((field) => [field.name, field.secret ? '' : (connection.values[field.name] ?? '')])),
  secretsSet: connection.secretsSet,
})

export const withCredential = (draft: ConnectionDraft, name: string, value: string): ConnectionDraft => ({
  ...draft,
  credentials: { ...draft.credentials, [name]: value },
})

/** Pasted keys bring spaces and line ends with them; an empty secret is left out, so that the stored one stays. */
export const formOf = (draft: ConnectionDraft, channel: ChannelInfo): ConnectionForm => ({
  channel: draft.channel,
  name: draft.name.trim(),
  credentials: Object.fromEntries(
    channel.fields
      .map((field) => [field, (draft.credentials[field.name] ?? '').trim()] as const)
      .filter(([field, value]) => value !== '' || !field.secret)
      .map(([field, value]) => [field.name, value]),
  ),
})

/** One sentence per field that the server would refuse too; keys are `name` and `credentials.<field>`. */
export const problemsOf = (draft: ConnectionDraft, channel: ChannelInfo, language: Language): FieldErrors => {
  const say = texts[language]
  const problems: Record<string, string> = {}
  const name = draft.name.trim()
  if (name === '') problems.name = say.nameMissing
  else if (name.length > nameLimit) problems.name = say.nameLong
  for (const field of channel.fields) {
    const value = (draft.credentials[field.name] ?? '').trim()
    if (value === '' && field.required && !(field.secret && draft.secretsSet.includes(field.name))) problems[`credentials.${field.name}`] = say.required
    if (value.length > limitOf(field)) problems[`credentials.${field.name}`] = say.valueLong(limitOf(field))
  }
  return problems
}

/** A refusal's `fields` by our own keys: the server may name a credential with or without `credentials.` before it. */
export const serverProblems = (fields: FieldErrors, channel: ChannelInfo): FieldErrors =>
  Object.fromEntries(Object.entries(fields).map(([key, sentence]) => [channel.fields.some((field) => field.name === key) ? `credentials.${key}` : key, sentence]))

/** Sentences that no field on the page can show. */
export const homelessProblems = (problems: FieldErrors, channel: ChannelInfo): readonly string[] =>
  Object.entries(problems)
    .filter(([key]) => key !== 'name' && !channel.fields.some((field) => key === `credentials.${field.name}`))
    .map(([, sentence]) => sentence)

export const hasChanged = (draft: ConnectionDraft, saved: ConnectionDraft): boolean =>
  draft.name.trim() !== saved.name.trim() || Object.keys(draft.credentials).some((name) => (draft.credentials[name] ?? '').trim() !== (saved.credentials[name] ?? '').trim())

export const mainFields = (channel: ChannelInfo): readonly Field[] => channel.fields.filter((field) => !field.advanced)
export const advancedFields = (channel: ChannelInfo): readonly Field[] => channel.fields.filter((field) => field.advanced)

/** A wrong value must not hide in a closed block. */
export const advancedHasProblem = (channel: ChannelInfo, problems: FieldErrors): boolean =>
  advancedFields(channel).some((field) => problems[`credentials.${field.name}`] !== undefined)
