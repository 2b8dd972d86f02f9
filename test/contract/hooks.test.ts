import { describe, expect, it } from '@jest/globals'
import { type ConnectionFacts } from '../../src/channels/channel.ts'
import { greenapi } from '../../src/channels/greenapi/index.ts'
import { max } from '../../src/channels/max/index.ts'
import { telegram } from '../../src/channels/telegram/index.ts'
import { vk } from '../../src/channels/vk/index.ts'
import { wazzup } from '../../src/channels/wazzup/index.ts'
import { whatsapp } from '../../src/channels/whatsapp/index.ts'
import { connect, useSandbox, type Connection } from './sandbox.ts'

/** A connection and two hands at the vendor: one leaves out a kind of event, the other gives the webhook to somebody else. */
interface Case {
  readonly connection: Connection<any>
  /** The vendor tells less than was asked for, as by a version of ours that knew fewer events, or by an administrator's hand. */
  readonly tellLess: () => void
  /** Undefined where a vendor serves several addresses at once. */
  readonly give?: (url: string) => void
  /** The vendor sends nowhere. */
  readonly lose: () => void
}

const world = useSandbox()
const foreign = 'https://another-program.example/hook'

const cases: Readonly<Record<string, () => Case>> = {
  telegram: () => {
    const bot = world.messengers.addTelegramBot()
    return {
      connection: world.connectionOf(telegram, { botToken: bot.token, apiRoot: bot.apiRoot }),
      tellLess: () => { bot.webhook!.allowedUpdates = ['message', 'callback_query'] },
      give: (url) => { bot.webhook!.url = url },
      lose: () => { bot.webhook = undefined },
    }
  },
  max: () => {
    const bot = world.messengers.addMaxBot()
    return {
      connection: world.connectionOf(max, { token: bot.token, baseUrl: bot.baseUrl }),
      tellLess: () => { bot.subscriptions[0]!.updateTypes = ['message_created'] },
      lose: () => { bot.subscriptions = [] },
    }
  },
  vk: () => {
    const community = world.messengers.addVkCommunity()
    return {
      connection: world.connectionOf(vk, { groupId: String(community.groupId), accessToken: community.token, confirmation: community.confirmation, baseUrl: community.baseUrl }),
      tellLess: () => community.servers[0]!.events.delete('message_typing_state'),
      lose: () => { community.servers = [] },
    }
  },
  greenapi: () => {
    const instance = world.messengers.addGreenApiInstance()
    return {
      connection: world.connectionOf(greenapi, { idInstance: instance.idInstance, apiTokenInstance: instance.apiTokenInstance, apiUrl: instance.apiUrl }),
      tellLess: () => { instance.settings.outgoingWebhook = 'no' },
      give: (url) => { instance.settings.webhookUrl = url },
      lose: () => { instance.settings.webhookUrl = '' },
    }
  },
  wazzup: () => {
    const { account, channelId, baseUrl } = world.messengers.addWazzupChannel()
    return {
      connection: world.connectionOf(wazzup, { apiKey: account.apiKey, channelId, baseUrl }),
      tellLess: () => { account.subscriptions.messagesAndStatuses = false },
      give: (url) => { account.webhooksUri = url },
      lose: () => { account.webhooksUri = '' },
    }
  },
  whatsapp: () => {
    const number = world.messengers.addWhatsAppNumber()
    const form = { phoneNumberId: number.phoneNumberId, businessAccountId: number.wabaId, accessToken: number.token, appSecret: number.appSecret, verifyToken: 'word', baseUrl: number.baseUrl }
    return {
      connection: world.connectionOf(whatsapp, form),
      tellLess: () => { number.subscribed = false },
      give: (url) => { number.numberOverride = { url, verifyToken: 'theirs' } },
      lose: () => { number.numberOverride = undefined },
    }
  },
}

const check = ({ channel, context, hookUrl }: Connection<any>): Promise<ConnectionFacts> => channel.check({ ...context, hookUrl })
const judged = ({ warnings = [], isHookLost = false }: ConnectionFacts) => ({ isHookLost, warnings: warnings.length })
const healthy = { isHookLost: false, warnings: 0 }

describe.each(Object.keys(cases))('the webhook at the vendor of %s', (name) => {
  it('is whole right after it was set, and nobody who does not ask hears of it', async () => {
    const { connection, give, lose } = cases[name]!()
    await connect(connection)
    expect(judged(await check(connection))).toEqual(healthy)
    ;(give ?? lose)(foreign)
    expect(judged(await connection.channel.check(connection.context))).toEqual(healthy)
  })

  it('is set again when the vendor sends nowhere, or tells less than was asked for', async () => {
    const { connection, tellLess, lose } = cases[name]!()
    await connect(connection)
    for (const spoil of [tellLess, lose]) {
      spoil()
      expect(judged(await check(connection))).toEqual({ isHookLost: true, warnings: 0 })
      await connect(connection)
      expect(judged(await check(connection))).toEqual(healthy)
    }
  })
})

// MAX and VK serve several addresses at once: there another program takes nothing away.
it.each(['telegram', 'greenapi', 'wazzup', 'whatsapp'])('the webhook at the vendor of %s is never taken away from another program, which is told to the administrator', async (name) => {
  const { connection, give } = cases[name]!()
  await connect(connection)
  give!(foreign)
  const facts = await check(connection)
  expect(judged(facts)).toEqual({ isHookLost: false, warnings: 1 })
  expect(facts.warnings![0]!.ru).toMatch(/^Сообщения .* подключение ещё раз/)
  expect(facts.warnings![0]!.en).toMatch(/^(?:Another program|Messages) .* save the connection again/)
})

it('F41 the check of a WhatsApp number says which address is still to be entered in Meta’s console', async () => {
  const number = world.messengers.addWhatsAppNumber()
  const connection = world.connectionOf(whatsapp, {
    phoneNumberId: number.phoneNumberId, businessAccountId: number.wabaId, accessToken: number.token, appSecret: number.appSecret, verifyToken: 'word', baseUrl: number.baseUrl,
  })
  await connect(connection)
  const last = async () => (await check(connection)).details.at(-1)
  expect(await last()).toMatchObject({ value: connection.hookUrl, label: { ru: expect.stringContaining('о паузах шаблонов') } })
  number.numberOverride = undefined
  expect(await last()).toMatchObject({ value: connection.hookUrl, label: { ru: expect.stringContaining('иначе сообщения') } })
  number.webhook = { url: connection.hookUrl, verifyToken: 'word' }
  expect((await last())?.value).not.toBe(connection.hookUrl)
  expect(judged(await check(connection))).toEqual(healthy)
})
