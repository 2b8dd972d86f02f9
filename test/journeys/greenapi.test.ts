import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type GreenApiInstance } from '../../sandbox/messengers/greenapi.ts'
import { startClinic, type Clinic } from './clinic.ts'

let clinic: Clinic
let instance: GreenApiInstance
let grey: string
let route: string

beforeAll(async () => {
  clinic = await startClinic()
  instance = clinic.world.messengers.addGreenApiInstance()
  const credentials = { idInstance: instance.idInstance, apiTokenInstance: instance.apiTokenInstance, apiUrl: instance.apiUrl }
  const answer = await clinic.administrator.call('POST', '/connections', { channel: 'greenapi', name: 'WhatsApp по номеру', credentials })
  expect(answer.status).toBe(200)
  grey = answer.body.id as string
  route = await clinic.route([{ kind: 'channel', connectionId: grey, proof: 'delivered', minutes: 30, content: {} }, clinic.steps.sms()])
}, 60_000)
afterAll(() => clinic.stop())

const state = (to: 'authorized' | 'notAuthorized') => clinic.world.messengers.greenApi.setState(instance.idInstance, to)
const connectionState = async (): Promise<string> => {
  const overview = await clinic.administrator.call('GET', '/overview')
  return (overview.body.connections as { id: string; state: string }[]).find(({ id }) => id === grey)!.state
}
const untilConnection = async (wanted: string): Promise<void> => {
  const end = Date.now() + 10_000
  while ((await connectionState()) !== wanted) {
    if (Date.now() > end) throw new Error(`The connection did not become ${wanted}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('a notification by a gateway number', () => {
  it('ends the cascade when it is delivered', async () => {
    const visitor = await clinic.visitor({ bots: false })
    const story = clinic.send(visitor, { route })
    await clinic.ends(story, {
      arrived: { whatsapp: 1 }, returns: { status: 'reached', channel: 'WhatsApp', proof: 'delivered' }, lastLine: /^WhatsApp, доставлено \d\d:\d\d$/, tag: 'доставлено', triggers: ['delivered'],
    })
  })

  it('goes on at once when the patient has no WhatsApp', async () => {
    const visitor = await clinic.visitor({ bots: false, apps: { whatsapp: false } })
    const story = clinic.send(visitor, { route })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
  })

  it('F40 does not come out of the gateway after the SMS, when the number is back', async () => {
    const visitor = await clinic.visitor({ bots: false })
    // Nobody tells us that the number is logged out: the gateway takes the message and keeps it.
    instance.settings.stateWebhook = 'no'
    state('notAuthorized')
    const story = clinic.send(visitor, { route })
    await clinic.until('the gateway keeps it', () => clinic.world.messengers.greenApi.queued(instance.idInstance) === 1)
    await clinic.later('the SMS is delivered', () => story.arrived('sms').length === 1)
    await clinic.until('it was taken back', () => clinic.world.messengers.greenApi.queued(instance.idInstance) === 0)
    state('authorized')
    await clinic.until('the robot is answered', () => story.run().answered)
    await clinic.pass(60)
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    instance.settings.stateWebhook = 'yes'
  })

  it('C7 passes over a number that is logged out, and uses it again when it is back', async () => {
    state('notAuthorized')
    await untilConnection('broken')
    const story = clinic.send(await clinic.visitor({ bots: false }), { route })
    await clinic.ends(story, { arrived: { sms: 1 }, returns: { channel: 'SMS' }, lastLine: /^SMS, доставлено/, tag: 'доставлено', triggers: ['delivered'] })
    expect(story.sent('whatsapp')).toEqual([])
    state('authorized')
    await untilConnection('working')
  })

  it('keeps clean books', () => {
    clinic.expectCleanBooks()
  })
})
