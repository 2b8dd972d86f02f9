import { expect, it } from '@jest/globals'
import { type KindContract } from './vendor-side.ts'
import { isSentence, refusalOf } from './judging.ts'
import { type Reply } from './vendor.ts'

/** What holds for every vendor that is spoken to over HTTP, at the address of one field. */
export const httpContract = (addressField: string) => ({ channel, form, needed, send, vendor, expectSilent }: KindContract<Reply>): void => {
  it('has the vendor\'s address as an advanced field that may be left empty', () => {
    const field = channel.fields.find(({ name }) => name === addressField)
    expect(field).toMatchObject({ advanced: true, secret: false, default: expect.stringMatching(/^https:/) })
    const least = Object.fromEntries(needed.map((name) => [name, form[name]]))
    expect(channel.parseCredentials({ ...least, [addressField]: '' })).toMatchObject({ [addressField]: field?.default })
    expect(() => channel.parseCredentials({ ...form, [addressField]: 'ftp://example.test' })).toThrow(
      expect.objectContaining({ fields: { [addressField]: expect.stringMatching(/[а-я].*[.]$/) } }),
    )
  })

  it.each<[string, Reply, string]>([
    ['502 with a page', { status: 502, text: '<html>Bad Gateway</html>' }, '502'],
    ['200 with a page', { status: 200, text: '<html>Hello</html>' }, 'answer'],
  ])('F05 leaves the outcome open when the vendor takes the request and answers %s', async (_, reply, code) => {
    vendor().replies(reply)
    const error = await refusalOf(send)
    expect(error).toMatchObject({ outcome: 'unknown', failure: { class: 'transient', code } })
    expect(isSentence(error.message)).toBe(true)
    expectSilent(error)
    expect(vendor().taken()).toBe(1)
  })
}
