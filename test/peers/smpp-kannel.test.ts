/** Kannel as a client of the sandbox's SMSC: the stand-in that the application is tested with is understood by a program of long standing. */
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createClock, type Clock } from '../../sandbox/clock.ts'
import { freePort } from '../../sandbox/application.ts'
import { type Handset } from '../../sandbox/messengers/handset.ts'
import { startMessengers, type Messengers } from '../../sandbox/messengers/messengers.ts'
import { type SmppAccount } from '../../sandbox/messengers/smpp.ts'
import { describeWith } from './peer.ts'
import { findProgram, startProgram, until, type Program } from './program.ts'

const bearerbox = findProgram('bearerbox', 'kannel')
const smsbox = findProgram('smsbox', 'kannel')

const folder = mkdtempSync(path.join(os.tmpdir(), 'estafeta-kannel-'))
const programs: Program[] = []
const heard: URL[] = []
let clock: Clock
let messengers: Messengers
let account: SmppAccount
let patient: Handset
let ears: Server
let sendPort: number
let earsUrl: string

beforeAll(async () => {
  if (bearerbox === undefined || smsbox === undefined) return
  clock = createClock({ speed: 60 })
  messengers = await startMessengers({ clock })
  account = messengers.addSmppAccount({ sender: '79990000001', password: 'pa55word' })
  patient = messengers.addPatient({ name: 'Иван', phone: '+79000000001' })
  ears = createServer((request, response) => {
    heard.push(new URL(request.url!, 'http://127.0.0.1'))
    response.end()
  })
  await new Promise<void>((resolve) => ears.listen(0, '127.0.0.1', resolve))
  earsUrl = `http://127.0.0.1:${(ears.address() as AddressInfo).port}`
  const [adminPort, boxPort] = [await freePort(), await freePort()]
  sendPort = await freePort()
  const config = path.join(folder, 'kannel.conf')
  writeFileSync(config, `group = core
admin-port = ${adminPort}
admin-interface = 127.0.0.1
admin-password = ${account.password}
smsbox-port = ${boxPort}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
dlr-storage = internal

group = smsc
smsc = smpp
smsc-id = sandbox
host = 127.0.0.1
port = ${new URL(account.address).port}
transceiver-mode = true
smsc-username = ${account.systemId}
smsc-password = ${account.password}
system-type = ""
source-addr-autodetect = true
dest-addr-ton = 1
dest-addr-npi = 1
msg-id-type = 0x01
enquire-link-interval = 1

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = ${boxPort}
sendsms-port = ${sendPort}
sendsms-interface = 127.0.0.1

group = sendsms-user
username = clinic
password = clinic
max-messages = 5
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "${earsUrl}/inbound?from=%p&text=%b&coding=%c"
`)
  programs.push(startProgram(bearerbox, [config]))
  await until('Kannel is bound', () => messengers.smpp.bound(account.systemId) === 1)
  programs.push(startProgram(smsbox, [config]))
  await until('Kannel takes messages', async () => fetch(`http://127.0.0.1:${sendPort}/`).then(() => true, () => false))
})
afterAll(async () => {
  for (const program of programs.reverse()) await program.stop()
  if (messengers !== undefined) {
    await messengers.stop()
    clock.stop()
    await new Promise((resolve) => ears.close(resolve))
  }
  rmSync(folder, { recursive: true, force: true })
})

/** `label` comes back with the reports; a percent sign in it would be Kannel's own. */
const send = async (label: string, text: string): Promise<number> => {
  const query = new URLSearchParams({ username: 'clinic', password: 'clinic', from: account.sender, to: '79000000001', text, coding: '2', charset: 'UTF-8', 'dlr-mask': '31', 'dlr-url': `${earsUrl}/report?type=%d&what=${label}` })
  return (await fetch(`http://127.0.0.1:${sendPort}/cgi-bin/sendsms?${query.toString()}`)).status
}
const reports = (what: string): string[] => heard.filter(({ pathname, searchParams }) => pathname === '/report' && searchParams.get('what') === what).map(({ searchParams }) => searchParams.get('type')!)

describeWith(bearerbox !== undefined && smsbox !== undefined)('Kannel and the SMSC of the sandbox', () => {
  it('a text arrives on the phone, and Kannel knows that it did', async () => {
    expect(await send('first', 'Ждём вас завтра')).toBe(202)
    await until('it is on the phone', () => patient.shown('sms').some(({ text }) => text === 'Ждём вас завтра'))
    // 8: the SMSC has it. 1: delivered.
    await until('Kannel tells of the delivery', () => reports('first').includes('1'))
    expect(reports('first')).toContain('8')
  })

  it('a long text arrives whole', async () => {
    const text = 'Длинное напоминание о приёме. '.repeat(6).trim()
    expect(await send('long', text)).toBe(202)
    await until('it is on the phone', () => patient.shown('sms').some((message) => message.text === text))
  })

  it('what cannot be delivered is told as such', async () => {
    messengers.behave('sms', { account: account.systemId, mode: 'refuses', refusal: 'UNDELIV/001' })
    expect(await send('refused', 'Отказ')).toBe(202)
    await until('Kannel tells of the failure', () => reports('refused').includes('2'))
    messengers.resetBehaviour()
  })

  it('a patient\'s text reaches Kannel once', async () => {
    patient.reply('sms', 'Приду', { account: account.systemId })
    await until('Kannel has it', () => heard.some(({ pathname }) => pathname === '/inbound'))
    const inbound = heard.filter(({ pathname }) => pathname === '/inbound')
    expect(inbound).toHaveLength(1)
    expect(inbound[0]!.searchParams.get('from')).toMatch(/79000000001$/)
  })
})
