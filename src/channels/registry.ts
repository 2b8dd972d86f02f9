import { type Channel } from './channel.ts'
import { email } from './email/index.ts'
import { greenapi } from './greenapi/index.ts'
import { max } from './max/index.ts'
import { site } from './site/index.ts'
import { smpp } from './smpp/index.ts'
import { smsc } from './smsc/index.ts'
import { smsru } from './smsru/index.ts'
import { telegram } from './telegram/index.ts'
import { vk } from './vk/index.ts'
import { wazzup, wazzupTelegram } from './wazzup/index.ts'
import { whatsapp } from './whatsapp/index.ts'

/** Every messenger that the application speaks, in the order in which pages offer them. */
export const channels = [whatsapp, greenapi, wazzup, wazzupTelegram, telegram, max, vk, site, smsc, smsru, smpp, email] as const satisfies readonly Channel[]

const byId: ReadonlyMap<string, Channel> = new Map<string, Channel>(channels.map((channel) => [channel.id, channel]))

/** `undefined`: no such channel, or one that this version no longer has. */
export const channelById = (id: string): Channel | undefined => byId.get(id)
