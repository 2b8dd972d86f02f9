import { z } from 'zod'

/** What the clinic chose for its chat: the connection's credentials as the channel has checked them. */
const Settings = z.looseObject({
  secret: z.string().min(1),
  origins: z.array(z.string()),
  greeting: z.string(),
  consentText: z.string(),
  policyUrl: z.string(),
  colour: z.string(),
  hasTransfer: z.boolean(),
})

export type SiteSettings = z.output<typeof Settings>

/** @throws Error that names no value when the connection is not one of a site */
export const readSettings = (credentials: unknown): SiteSettings => {
  const parsed = Settings.safeParse(credentials)
  if (!parsed.success) throw new Error('The settings of a site chat cannot be read.')
  return parsed.data
}
