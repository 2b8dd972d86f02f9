import { describe, expect, it } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { type Channel } from '../../src/channels/channel.ts'
import { channels } from '../../src/channels/registry.ts'

const all: readonly Channel[] = channels

const parsed = (name: string, source: string): ts.SourceFile => ts.createSourceFile(name, source, ts.ScriptTarget.Latest, true)
const read = (path: string): ts.SourceFile => parsed(path, readFileSync(new URL(path, import.meta.url), 'utf8'))

/** Where the imported names of a file come from: `folder/index.ts name` of a channel. */
const originsOf = (file: ts.SourceFile): ReadonlyMap<string, string> => {
  const named = file.statements.filter(ts.isImportDeclaration).flatMap((statement) => {
    const bindings = statement.importClause?.namedBindings
    const folder = /(?:^|\/)([^/]+\/index\.ts)$/.exec((statement.moduleSpecifier as ts.StringLiteral).text)?.[1]
    return bindings !== undefined && ts.isNamedImports(bindings) && folder !== undefined ? bindings.elements.map((one): [string, string] => [one.name.text, `${folder} ${(one.propertyName ?? one.name).text}`]) : []
  })
  return new Map(named)
}

/** The channels that the registry names, in its words. */
const registered = (): readonly string[] => {
  const file = read('../../src/channels/registry.ts')
  const origins = originsOf(file)
  const list = /channels = \[([^\]]*)\]/.exec(file.text)?.[1]?.split(',').map((name) => name.trim())
  return list!.map((name) => origins.get(name)!)
}

/** The channels to which a test file applies a contract where it cannot be missed: at the top level, under no condition. */
const appliedIn = (file: ts.SourceFile, contract: string): readonly string[] => {
  const origins = originsOf(file)
  return file.statements.flatMap((statement) => {
    if (!ts.isExpressionStatement(statement) || !ts.isCallExpression(statement.expression)) return []
    const { expression, arguments: [fixtures] } = statement.expression
    if (!ts.isIdentifier(expression) || expression.text !== contract || fixtures === undefined || !ts.isObjectLiteralExpression(fixtures)) return []
    const channel = fixtures.properties.find((property) => ts.isPropertyAssignment(property) && property.name.getText() === 'channel')
    return channel !== undefined && ts.isPropertyAssignment(channel) ? (origins.get(channel.initializer.getText()) ?? []) : []
  })
}

const applied = (contract: string): readonly string[] =>
  readdirSync(new URL('.', import.meta.url)).filter((name) => name.endsWith('.test.ts')).flatMap((name) => appliedIn(read(name), contract))

describe('the contract of channels', () => {
  it.each(['channelContract', 'conversationContract'])('%s is kept by every channel of the registry', (contract) => {
    expect(registered()).toHaveLength(all.length)
    expect([...applied(contract)].sort()).toEqual([...registered()].sort())
  })

  it.each([
    ['skipped', "describe.skip('x', () => channelContract({ channel: vk }))"],
    ['under a condition', 'if (process.platform === "plan9") channelContract({ channel: vk })'],
    ['of another thing', 'channelContract({ channel: notVk })'],
    ['in a comment', '// channelContract({ channel: vk })'],
  ])('what is %s does not count as kept', (_, code) => {
    const head = "import { vk } from '../../src/channels/vk/index.ts'\n"
    expect(appliedIn(parsed('x.test.ts', `${head}${code}`), 'channelContract')).toEqual([])
    expect(appliedIn(parsed('x.test.ts', `${head}channelContract({ ...more, channel: vk })`), 'channelContract')).toEqual(['vk/index.ts vk'])
  })
})

describe('what is offered to be connected', () => {
  it('A6: MAX is the official bot and nothing else: no channel reaches it by a phone number', () => {
    const named = all.filter(({ id, title, family }) => [id, title.ru, title.en, family?.ru ?? '', family?.en ?? ''].some((text) => /max|макс/i.test(text)))
    expect(named.map(({ id, addressedBy, canStart, isGrey }) => ({ id, addressedBy, canStart, isGrey: isGrey === true }))).toEqual([
      { id: 'max', addressedBy: 'identity', canStart: 'afterPatientWrote', isGrey: false },
    ])
  })

  it('A6: no gateway asks for a number of MAX in its form', () => {
    for (const { id, fields } of all.filter(({ isGrey }) => isGrey === true)) {
      const asked = fields.filter(({ name, label, default: value }) => [name, label.ru, label.en, value ?? ''].some((text) => /\bmax\b|макс/i.test(text)))
      expect({ id, asked }).toEqual({ id, asked: [] })
    }
  })

  it('A5: MAX leads through the registration of a bot, with the time that it takes, in two languages', () => {
    const guide = all.find(({ id }) => id === 'max')!.guide!
    const [ru, en] = [guide.map((step) => step.ru).join(' '), guide.map((step) => step.en).join(' ')]
    for (const text of [ru, en]) expect(text).toMatch(/business\.max\.ru.*1-2.*48/)
    expect(guide.every((step) => /^[А-Я].*\.$/.test(step.ru) && /^[A-Z].*\.$/.test(step.en))).toBe(true)
  })
})
