import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { writeCommand } from '../../src/bitrix/command.ts'
import { decodeForm, parseEvent, parsePagePost, parseRobotCall } from '../../src/bitrix/incoming.ts'

type Value = string | readonly Value[] | { readonly [key: string]: Value }

/** PHP's `http_build_query`: nested names in brackets, everything percent-encoded, spaces as plus signs. */
const buildQuery = (value: Record<string, Value>): string => {
  const encode = (text: string): string => encodeURIComponent(text).replaceAll('%20', '+')
  const pairs = (name: string, inner: Value): string[] =>
    typeof inner === 'string' ? [`${encode(name)}=${encode(inner)}`] : Object.entries(inner).flatMap(([key, item]) => pairs(`${name}[${key}]`, item))
  return Object.entries(value).flatMap(([key, inner]) => pairs(key, inner)).join('&')
}

// A letter first: PHP turns a map with the keys 0, 1, 2 into a list, and so do we.
const key = fc.stringMatching(/^[a-z@=><!%][A-Za-z_]{0,8}$/).filter((name) => !['__proto__', 'constructor', 'prototype', 'toString', 'valueOf'].includes(name))
const { tree } = fc.letrec<{ tree: Value }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.string({ unit: 'grapheme', maxLength: 12 }),
    fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
    fc.dictionary(key, tie('tree'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
  ),
}))
const body = fc.dictionary(key, tree, { minKeys: 1, maxKeys: 4, noNullPrototype: true })

const isPlain = (value: Value): boolean => (typeof value === 'string' ? value.isWellFormed() : Object.values(value).every((inner) => isPlain(inner)))

describe('values that travel as PHP forms', () => {
  it('are read as the portal wrote them', () => {
    fc.assert(
      fc.property(body.filter(isPlain), (value) => {
        expect(decodeForm(buildQuery(value))).toEqual(value)
      }),
      { numRuns: 200 },
    )
  })

  it('are written in a batch so that the portal reads the same', () => {
    fc.assert(
      fc.property(body.filter(isPlain), (params) => {
        const [method, query] = writeCommand({ method: 'crm.item.list', params }, (name) => name).split(/\?(.*)/s)
        expect(method).toBe('crm.item.list')
        expect(decodeForm(query!)).toEqual(params)
      }),
      { numRuns: 200 },
    )
  })
})

describe('the parsers', () => {
  it('never throw, whatever is posted', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (posted, auth) => {
        for (const parsed of [parseEvent(posted), parseEvent({ event: 'X', auth, data: posted }), parseRobotCall({ auth, code: posted }), parsePagePost(auth, posted)]) {
          expect(parsed.ok || parsed.reason.length > 0).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (raw) => {
        expect(typeof decodeForm(raw)).toBe('object')
      }),
    )
  })
})
