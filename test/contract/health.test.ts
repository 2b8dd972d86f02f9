import { describe, expect, it } from '@jest/globals'
import { max } from '../../src/channels/max/index.ts'
import { smsc } from '../../src/channels/smsc/index.ts'
import { telegram } from '../../src/channels/telegram/index.ts'
import { whatsapp } from '../../src/channels/whatsapp/index.ts'
import { type ConnectionFacts } from '../../src/channels/channel.ts'
import { useSandbox } from './sandbox.ts'

const sentences = ({ warnings = [] }: ConnectionFacts): readonly string[] => warnings.map(({ ru }) => ru)
const isToldTwice = ({ warnings = [] }: ConnectionFacts): boolean => warnings.every(({ ru, en }) => /^[А-ЯA-Z].*[а-я].*\.$/.test(ru) && /^[A-Z].*[a-z].*\.$/.test(en))

describe('what a check tells of trouble to come (C7)', () => {
  const world = useSandbox()

  const telegramBot = () => {
    const bot = world.messengers.addTelegramBot()
    return { bot, connection: world.connectionOf(telegram, { botToken: bot.token, apiRoot: bot.apiRoot }) }
  }
  const maxBot = () => {
    const bot = world.messengers.addMaxBot()
    return { bot, connection: world.connectionOf(max, { token: bot.token, baseUrl: bot.baseUrl }) }
  }
  const number = (options: Parameters<typeof world.messengers.addWhatsAppNumber>[0] = {}) => {
    const added = world.messengers.addWhatsAppNumber(options)
    const form = { phoneNumberId: added.phoneNumberId, businessAccountId: added.wabaId, accessToken: added.token, appSecret: added.appSecret, verifyToken: 'word', baseUrl: added.baseUrl }
    return world.connectionOf(whatsapp, form)
  }

  it('nothing, where nothing is wrong', async () => {
    const { connection } = telegramBot()
    await telegram.connect({ ...connection.context, hookUrl: connection.hookUrl })
    expect(await telegram.check({ ...connection.context, hookUrl: connection.hookUrl })).toMatchObject({ warnings: [], isHookLost: false })
    expect(sentences(await whatsapp.check(number().context))).toEqual([])
    const bot = maxBot()
    await max.connect({ ...bot.connection.context, hookUrl: bot.connection.hookUrl })
    expect(await max.check({ ...bot.connection.context, hookUrl: bot.connection.hookUrl })).toMatchObject({ isHookLost: false })
  })

  it('a bot whose webhook cannot be reached, while updates wait', async () => {
    const { bot, connection } = telegramBot()
    const hookUrl = 'http://127.0.0.1:9/hooks/telegram/closed'
    await telegram.connect({ ...connection.context, hookUrl })
    const phone = world.messengers.addPatient({ name: 'Мария Примерова', phone: '+79000000011' })
    phone.start('telegram')
    const end = Date.now() + 5_000
    while (bot.lastError === undefined && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
    const facts = await telegram.check({ ...connection.context, hookUrl })
    expect(sentences(facts)).toEqual([expect.stringMatching(/^Telegram не может передать сообщения пациентов \(ждут: 1\): проверьте, что адрес/)])
    expect(isToldTwice(facts)).toBe(true)
  })

  it('a bot whose messages another program takes', async () => {
    const { connection } = telegramBot()
    await telegram.connect({ ...connection.context, hookUrl: 'http://127.0.0.1:9/another' })
    const facts = await telegram.check({ ...connection.context, hookUrl: connection.hookUrl })
    expect(sentences(facts)).toEqual([expect.stringContaining('забирает другая программа')])
    expect([isToldTwice(facts), facts.isHookLost]).toEqual([true, false])
  })

  it('a webhook that is not there any more is lost, of either bot', async () => {
    const { connection } = telegramBot()
    expect((await telegram.check({ ...connection.context, hookUrl: connection.hookUrl })).isHookLost).toBe(true)
    const { bot, connection: other } = maxBot()
    await max.connect({ ...other.context, hookUrl: other.hookUrl })
    // MAX deletes a subscription after eight hours without our 200.
    bot.subscriptions = []
    expect((await max.check({ ...other.context, hookUrl: other.hookUrl })).isHookLost).toBe(true)
  })

  it.each(['YELLOW', 'RED'] as const)('a number of quality %s', async (qualityRating) => {
    const facts = await whatsapp.check(number({ qualityRating }).context)
    expect(sentences(facts)).toEqual([expect.stringMatching(/^Качество номера WhatsApp .* (?:уберите|остановите)/)])
    expect(isToldTwice(facts)).toBe(true)
  })

  it.each(['FLAGGED', 'RESTRICTED', 'RATE_LIMITED', 'PENDING'] as const)('a number that is %s', async (status) => {
    const facts = await whatsapp.check(number({ status }).context)
    expect([sentences(facts).length, isToldTwice(facts)]).toEqual([1, true])
  })

  it.each(['BANNED', 'DELETED', 'MIGRATED', 'DISCONNECTED'] as const)('a number that is %s does not count as working', async (status) => {
    await expect(whatsapp.check(number({ status }).context)).rejects.toMatchObject({ failure: { class: 'channelPermanent', code: status }, message: expect.stringMatching(/^[А-ЯA-Z].*: .*\.$/) })
  })

  it('a balance below the limit that the clinic has set', async () => {
    const account = world.messengers.addSmscAccount({ balance: 120.5 })
    const check = (more: Record<string, string>) => smsc.check(world.connectionOf(smsc, { apiKey: account.apiKey, callbackSecret: account.secret, baseUrl: account.baseUrl, ...more }).context)
    const facts = await check({})
    expect(sentences(facts)).toEqual([expect.stringMatching(/^На счёте SMSC\.ru осталось 120\.50.*пополните/)])
    expect(isToldTwice(facts)).toBe(true)
    expect(sentences(await check({ lowBalance: '100' }))).toEqual([])
  })
})
