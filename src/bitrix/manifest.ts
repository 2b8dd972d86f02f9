import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type Params } from './command.ts'
import { type Language } from './language.ts'

export { type Language } from './language.ts'

const Localized = z.strictObject({ ru: z.string().min(1), en: z.string().min(1) })
const Path = z.string().regex(/^\/[a-z0-9/_-]*[a-z0-9_-]$/)
const Property = z.strictObject({
  type: z.enum(['bool', 'date', 'datetime', 'double', 'int', 'select', 'string', 'text', 'user']),
  name: Localized,
  description: Localized.optional(),
  required: z.boolean().default(false),
  default: z.string().optional(),
  options: z.record(z.string(), Localized).optional(),
})
const Properties = z.record(z.string().regex(/^[A-Za-z]\w*$/), Property)

const Manifest = z.strictObject({
  name: Localized,
  scopes: z.array(z.string()),
  /** What a portal may lack: without them the application does less. */
  optionalScopes: z.array(z.string()),
  pages: z.strictObject({ application: Path, install: Path }),
  events: z.strictObject({ handler: Path, names: z.array(z.string().regex(/^ON[A-Z]+$/)) }),
  robots: z.array(
    z.strictObject({
      code: z.string().regex(/^[\w.-]+$/),
      handler: Path,
      settingsPage: Path,
      documents: z.array(z.tuple([z.string(), z.string()])),
      name: Localized,
      description: Localized,
      properties: Properties,
      returns: Properties,
    }),
  ),
  triggers: z.array(z.strictObject({ code: z.string().regex(/^[a-z0-9._-]+$/), name: Localized })),
  connectors: z.array(
    z.strictObject({
      // Names are global in a portal, so ours begin alike. A capital letter would make a second connector instead of an update.
      id: z.string().regex(/^estafeta_[a-z0-9_]+$/),
      /** Absent: the one chat of a patient over all channels. */
      channel: z.string().optional(),
      settingsPage: Path,
      name: Localized,
      color: z.string().regex(/^#[0-9a-f]{6}$/),
      icon: z.string().regex(/^<svg .*<\/svg>$/),
    }),
  ),
  placements: z.array(z.strictObject({ placement: z.string(), handler: Path, title: Localized, options: z.record(z.string(), z.string()).optional() })),
})

/** What the application asks of a portal and registers in it: the contents of manifest.json. */
export type Manifest = z.infer<typeof Manifest>
export type Robot = Manifest['robots'][number]
export type Connector = Manifest['connectors'][number]

/** Whether a connector of a portal's list is, or once was, ours. */
export const isOurConnector = (id: string): boolean => id.toLowerCase().startsWith('estafeta_')

/** Reads manifest.json. Throws on anything that it does not know: the file is ours. */
export const readManifest = (): Manifest => Manifest.parse(JSON.parse(readFileSync(new URL('../../manifest.json', import.meta.url), 'utf8')))

/** `https://app.example` and `/bitrix/events` joined by exactly one slash. */
export const addressOf = (publicUrl: string, path: string): string => `${publicUrl.replace(/\/+$/, '')}${path}`

const propertiesOf = (properties: z.infer<typeof Properties>, language: Language): Params =>
  Object.fromEntries(
    Object.entries(properties).map(([key, { type, name, description, required, default: value, options }]) => [
      key,
      {
        Name: name[language],
        Description: description?.[language],
        Type: type,
        Required: required ? 'Y' : 'N',
        Multiple: 'N',
        Default: value,
        Options: options === undefined ? undefined : Object.fromEntries(Object.entries(options).map(([option, title]) => [option, title[language]])),
      },
    ]),
  )

/**
 * A robot as `bizproc.robot.add` wants it; without `CODE` it is the `FIELDS` of `bizproc.robot.update`.
 *
 * @see https://apidocs.bitrix24.com/api-reference/bizproc/bizproc-robot/bizproc-robot-add.html
 */
export const robotFieldsOf = (robot: Robot, options: { publicUrl: string; language: Language; userId: string | undefined }): Params => ({
  HANDLER: addressOf(options.publicUrl, robot.handler),
  // Without a user the handler gets no token at all.
  AUTH_USER_ID: options.userId,
  USE_SUBSCRIPTION: 'Y',
  NAME: robot.name,
  DESCRIPTION: robot.description,
  PROPERTIES: propertiesOf(robot.properties, options.language),
  RETURN_PROPERTIES: propertiesOf(robot.returns, options.language),
  FILTER: { INCLUDE: robot.documents },
  USE_PLACEMENT: 'Y',
  PLACEMENT_HANDLER: addressOf(options.publicUrl, robot.settingsPage),
})

/**
 * A connector as `imconnector.register` wants it; a known id is updated.
 *
 * Flags are said in full, because the portal's own default is yes: no greeting and no operator's name is sent to a patient, edits
 * and removals are told both ways, campaigns of the CRM do not go past us.
 *
 * @see https://apidocs.bitrix24.com/api-reference/imopenlines/imconnector/imconnector-register.html
 */
export const connectorParamsOf = (connector: Connector, options: { publicUrl: string; language: Language }): Params => {
  // The portal puts it between quotes of either kind.
  const image = `data:image/svg+xml,${encodeURIComponent(connector.icon).replaceAll("'", '%27')}`
  return {
    ID: connector.id,
    NAME: connector.name[options.language],
    ICON: { DATA_IMAGE: image, COLOR: connector.color, SIZE: '90%', POSITION: 'center' },
    ICON_DISABLED: { DATA_IMAGE: image, COLOR: '#a8adb4', SIZE: '90%', POSITION: 'center' },
    PLACEMENT_HANDLER: addressOf(options.publicUrl, connector.settingsPage),
    DEL_EXTERNAL_MESSAGES: true,
    EDIT_INTERNAL_MESSAGES: true,
    DEL_INTERNAL_MESSAGES: true,
    NEWSLETTER: false,
    NEED_SYSTEM_MESSAGES: false,
    NEED_SIGNATURE: false,
    CHAT_GROUP: false,
  }
}
