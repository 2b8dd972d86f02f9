import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { type InboundFile, type OutboundFile, type OutboundMessage } from '../../src/channels/channel.ts'
import { createHttp } from '../../src/channels/http.ts'
import { vk } from '../../src/channels/vk/index.ts'
import { conversationContract } from './conversation-contract.ts'
import { overHttp, startVendor, type Reply, type Vendor } from './vendor.ts'
import { post, webhook } from './vectors.ts'

const form = { groupId: '223344556', accessToken: 'vk1.a.vecVkAccessToken0001', confirmation: 'vec1conf', secret: 'vec-vk-secret' }
const message: OutboundMessage = { ref: 'msg.1', number: 1001, to: '300000001', text: 'Здравствуйте' }
const ok = (response: unknown): Reply => ({ status: 200, json: { response } })
const refused = (error_code: number): Reply => ({ status: 200, json: { error: { error_code, error_msg: 'x' } } })
const sent = ok([{ peer_id: 300000001, message_id: 1508, conversation_message_id: 81 }])
const bytes = Buffer.from('a picture')
const photo: OutboundFile = { kind: 'image', name: 'снимок.jpg', mimeType: 'image/jpeg', bytes }
const photoReplies = (url: string): readonly Reply[] => [
  ok({ upload_url: `${url}/upload`, album_id: -64, user_id: 0 }),
  { status: 200, json: { server: 626627, photo: '[{"photo":"abc"}]', hash: 'h1' } },
  ok([{ id: 457239018, owner_id: -223344556, access_key: 'k1' }]),
  sent,
]
const messageWith = (attachments: readonly unknown[]): Reply => ok({ count: 1, items: [{ conversation_message_id: 80, peer_id: 300000001, from_id: 300000001, text: '', attachments }] })
const file: InboundFile = { kind: 'image', ref: '300000001:0000000080:0', mimeType: 'image/jpeg' }
const photoAt = (url: string): unknown => ({ type: 'photo', photo: { id: 1, owner_id: 300000001, sizes: [{ type: 's', width: 75, height: 75, url: `${url}/small` }, { type: 'x', width: 604, height: 453, url: `${url}/secret-file-address.jpg` }] } })
const event = (type: string, object: unknown) => post({ group_id: 223344556, type, event_id: 'e1', v: '5.199', object, secret: form.secret })

conversationContract({
  channel: vk,
  form,
  vendor: overHttp('baseUrl'),
  message,
  genuine: [
    ...['message-event', 'message-new-button', 'message-new-photo', 'message-new-ref', 'message-reply-operator'].map((name) => webhook(`vk-${name}`)),
    event('message_read', { from_id: 300000001, peer_id: 300000001, read_message_id: 1508, conversation_message_id: 81 }),
    event('message_edit', { conversation_message_id: 77, date: 1780000000, peer_id: 300000001, from_id: 300000001, text: 'Новое' }),
    event('message_deny', { user_id: 300000001 }),
  ],
  person: { ids: ['300000001'] },
  file: { sent: photo, replies: photoReplies, result: { externalId: '300000001:0000000081', parts: 1 }, limited: refused(9), isUploadedFirst: true },
  refusedFiles: [
    { kind: 'file', name: 'setup.EXE', mimeType: 'application/octet-stream', bytes },
    { kind: 'audio', name: 'song.mp3', mimeType: 'audio/mpeg', bytes },
  ],
  edit: { done: ok(1), beforeCaption: [messageWith([])], late: [refused(909), refused(920)] },
  remove: {
    done: ok([{ peer_id: 300000001, conversation_message_id: 81, response: 1 }]),
    gone: ok([{ peer_id: 300000001, conversation_message_id: 81, error: { code: 104, description: 'x' } }]),
    late: [ok([{ peer_id: 300000001, error: { code: 924, description: 'x' } }]), refused(924)],
  },
  download: {
    file,
    replies: (url) => [messageWith([photoAt(url)]), { status: 200, bytes, headers: { 'content-type': 'image/jpeg' } }],
    bytes,
    gone: [() => [ok({ count: 0, items: [] })], () => [messageWith([])], (url) => [messageWith([photoAt(url)]), { status: 404, text: '' }], () => [refused(100)]],
  },
  startLink: { title: '@klinika', link: 'https://vk.me/klinika?ref=L_k3Jx9QmZb2', nameless: 'Клиника' },
})

describe('vk: files and captions', () => {
  let vendor: Vendor
  const http = createHttp()
  const context = () => ({ credentials: vk.parseCredentials({ ...form, baseUrl: vendor.url }), http, signal: new AbortController().signal })
  beforeAll(async () => {
    vendor = await startVendor()
  })
  afterAll(async () => {
    http.close()
    await vendor.close()
  })

  it('sends a picture as a picture: place, bytes, saving, message', async () => {
    vendor.replies(...photoReplies(vendor.url))
    await vk.send({ ...message, file: photo }, context())
    expect(vendor.asked.map(({ path }) => path)).toEqual(['/method/photos.getMessagesUploadServer', '/upload', '/method/photos.saveMessagesPhoto', '/method/messages.send'])
    expect(vendor.asked[1]?.body.photo).toMatchObject({ name: 'снимок.jpg', mimeType: 'image/jpeg', bytes })
    expect(vendor.asked[2]?.body).toMatchObject({ server: '626627', photo: '[{"photo":"abc"}]', hash: 'h1' })
    expect(vendor.asked[3]?.body).toMatchObject({ attachment: 'photo-223344556_457239018_k1', message: message.text })
    // The key is for VK's API alone: its stores do not get it.
    expect(JSON.stringify(vendor.asked[1])).not.toContain(form.accessToken)
  })

  it.each<[string, Partial<OutboundFile>, string, object]>([
    ['a document', { kind: 'file', name: 'a.pdf', mimeType: 'application/pdf' }, 'doc', { type: 'doc', doc: { id: 5, owner_id: -223344556 } }],
    ['a voice', { kind: 'voice', name: 'v.ogg', mimeType: 'audio/ogg; codecs=opus' }, 'audio_message', { type: 'audio_message', audio_message: { id: 5, owner_id: -223344556 } }],
    ['a webp', { kind: 'image', name: 'a.webp', mimeType: 'image/webp' }, 'doc', { type: 'doc', doc: { id: 5, owner_id: -223344556 } }],
  ])('sends %s as a document', async (_, change, type, saved) => {
    vendor.replies(ok({ upload_url: `${vendor.url}/upload` }), { status: 200, json: { file: 'f1|x' } }, ok(saved), sent)
    await vk.send({ ...message, text: '', file: { ...photo, ...change } }, context())
    expect(vendor.asked[0]).toMatchObject({ path: '/method/docs.getMessagesUploadServer', body: { type, peer_id: '300000001' } })
    expect(vendor.asked[2]).toMatchObject({ path: '/method/docs.save', body: { file: 'f1|x' } })
    expect(vendor.asked[3]?.body).toMatchObject({ attachment: 'doc-223344556_5' })
    expect(vendor.asked[3]?.body.message).toBeUndefined()
  })

  it('F35 says what a store refuses, and that a key without the right to files still writes', async () => {
    vendor.replies(ok({ upload_url: `${vendor.url}/upload` }), { status: 200, json: { error: 'unknown error', error_descr: 'no file' } })
    await expect(vk.send({ ...message, file: { ...photo, kind: 'file', mimeType: 'application/pdf' } }, context())).rejects.toMatchObject({ failure: { class: 'content', code: 'media.store' }, outcome: 'rejected' })
    vendor.replies(refused(15))
    await expect(vk.send({ ...message, file: photo }, context())).rejects.toMatchObject({ failure: { class: 'content', code: 'media.15' } })
  })

  it('names the files again when a caption changes, so that they stay', async () => {
    const own = [{ type: 'photo', photo: { id: 7, owner_id: -223344556, access_key: 'k' } }, { type: 'doc', doc: { id: 8, owner_id: -223344556 } }]
    vendor.replies(messageWith(own), ok(1))
    await vk.edit?.({ externalId: '300000001:0000000081', to: '300000001', text: 'Новое', isCaption: true }, context())
    expect(vendor.asked[1]).toMatchObject({ path: '/method/messages.edit', body: { cmid: '81', message: 'Новое', attachment: 'photo-223344556_7_k,doc-223344556_8' } })
  })

  it('F18 edits and removes nothing in another person\'s chat', async () => {
    vendor.replies(ok(1))
    for (const act of [() => vk.edit?.({ externalId: '300000002:0000000081', to: '300000001', text: 'x', isCaption: false }, context()), () => vk.remove?.({ externalId: '300000002:0000000081', to: '300000001' }, context())])
      await expect(act()).rejects.toMatchObject({ failure: { class: 'content' } })
    expect(vendor.asked).toHaveLength(0)
  })
})
