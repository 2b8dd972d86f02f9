import { describe, expect, it } from '@jest/globals'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

/**
 * Which layer may import which. `src/x` stands for the folder or the file; packages are named with `pkg:`, Node's own modules are `node:`.
 * What is not listed is forbidden. A layer may always import itself, unless it says `alone`.
 */
interface Rule {
  readonly layer: string
  /** Longest match wins: a file may have a rule of its own. */
  readonly files: RegExp
  readonly may: readonly RegExp[]
  readonly why: string
}

const domain = /^src\/domain\//
const errors = /^src\/errors\.ts$/
const node = /^node:/
const zod = /^pkg:zod$/
const english = /^src\/words\/english\.ts$/
/** What stands beside the channels' folders and knows none of them. */
const sharedOfChannels = /^src\/channels\/(channel|hook|http|network|reading|refusal)\.ts$/
/** The same for channels that speak no HTTP. */
const sharedWithoutHttp = /^src\/channels\/(channel|hook|network|reading|refusal)\.ts$/

const rules: readonly Rule[] = [
  { layer: 'domain', files: /^src\/domain\//, may: [domain], why: 'the domain is pure: it imports nothing but itself' },
  {
    layer: 'channel interface', files: sharedOfChannels, may: [domain, errors, sharedOfChannels, zod, /^node:(crypto|http|https|net|tls)$/, /^pkg:axios$/],
    why: 'the interface of channels knows no channel',
  },
  { layer: 'channel registry', files: /^src\/channels\/registry\.ts$/, may: [/^src\/channels\/channel\.ts$/, /^src\/channels\/[^/]+\/index\.ts$/], why: 'the registry names the channels and does nothing else' },
  {
    layer: 'channel SMPP', files: /^src\/channels\/smpp\//, may: [domain, errors, sharedWithoutHttp, /^OWN_FOLDER\//, zod, /^node:(crypto|net|tls)$/],
    why: 'SMPP is spoken on a socket of one\'s own, and by no package',
  },
  {
    layer: 'channel e-mail', files: /^src\/channels\/email\//,
    may: [domain, errors, sharedWithoutHttp, /^OWN_FOLDER\//, zod, /^node:(crypto|stream|tls)$/, /^pkg:(imapflow|mailparser|nodemailer(\/lib\/.*)?)$/],
    why: 'the packages of mail are for e-mail alone',
  },
  {
    layer: 'channel', files: /^src\/channels\/[^/]+\//, may: [domain, errors, sharedOfChannels, /^OWN_FOLDER\//, zod, /^node:crypto$/, /^pkg:telegraf(\/types)?$/],
    why: 'a channel knows the domain, the interface and its own folder: no other channel, no database, no portal',
  },
  { layer: 'bitrix', files: /^src\/bitrix\//, may: [domain, errors, /^src\/bitrix\//, node, zod, /^pkg:(axios|qs|@bitrix24\/b24jssdk)$/], why: 'the client of the portal knows no channel, no database and no flow; tokens come as a parameter' },
  { layer: 'queue', files: /^src\/queue\//, may: [errors, /^src\/queue\//, zod, /^pkg:(kysely|pg-boss)$/], why: 'the queue knows nothing of what its jobs do' },
  { layer: 'db', files: /^src\/db\//, may: [domain, errors, /^src\/(db|queue)\//, node, /^pkg:(kysely(\/migration)?|pg)$/], why: 'repositories know rows and the domain' },
  {
    layer: 'flows', files: /^src\/flows\//,
    may: [domain, errors, english, /^src\/channels\/(channel|registry|http)\.ts$/, /^src\/(bitrix|db|queue|flows)\//, /^src\/(config|clock|log)\.ts$/, zod, /^node:(crypto|timers\/promises)$/],
    why: 'flows join the layers, and know neither HTTP nor a single messenger',
  },
  {
    layer: 'http', files: /^src\/http\//,
    may: [domain, errors, english, /^src\/(flows|http)\//, /^src\/site-chat\/server\.ts$/, /^src\/bitrix\/(incoming|language)\.ts$/, /^src\/channels\/(channel|registry)\.ts$/, /^src\/log\.ts$/, node, zod, /^pkg:(fastify|@fastify\/(formbody|static))$/],
    why: 'HTTP reads requests and calls flows: no database, no queue, no client of the portal',
  },
  {
    layer: 'site chat', files: /^src\/site-chat\//, may: [domain, errors, /^src\/(db|site-chat)\//, node, zod, /^pkg:(kysely|fastify)$/],
    why: 'the messenger of the clinic\'s site knows its own tables and nothing of flows and channels: the application speaks to it as to any vendor',
  },
  { layer: 'words', files: /^src\/words\//, may: [/^src\/words\//, /^src\/bitrix\/language\.ts$/], why: 'the catalogue knows sentences, and nothing of who says or shows them' },
  { layer: 'errors', files: /^src\/errors\.ts$/, may: [], why: 'everything imports it, so it imports nothing' },
  { layer: 'clock, config, log', files: /^src\/(clock|config|log)\.ts$/, may: [errors, node, zod, /^pkg:pino$/], why: 'what everything is given knows nothing of it' },
  { layer: 'composition', files: /^src\/(app|workers|main)\.ts$/, may: [/^src\//, node, /^pkg:(fastify|kysely)$/], why: 'the composition root knows the application, not its packages' },
  { layer: 'migrations', files: /^migrations\//, may: [/^pkg:kysely$/], why: 'a migration of old must not change with the code of today' },
  {
    layer: 'placements', files: /^placements\//, may: [/^OWN_FOLDER\//, /^placements\/shared\//, /^TYPES:src\/(?:http\/(?:patient-)?schemas|site-chat\/protocol)\.ts$/, /^pkg:(?!pg|kysely|fastify|pino|telegraf|axios)/],
    why: 'pages share types with the server and nothing that decides',
  },
  {
    layer: 'sandbox', files: /^sandbox\//, may: [/^sandbox\//, /^manifest\.json$/, node, /^pkg:/],
    why: 'the outer world must not share our mistakes: it imports nothing of the application',
  },
]

interface Import {
  readonly file: string
  /** `src/x/y.ts`, `node:x`, `pkg:x`; `TYPES:` before it when nothing of it remains at run time. */
  readonly target: string
  readonly line: number
}

const root = path.resolve(import.meta.dirname, '..')

/** Import and export declarations, dynamic imports and require calls, by a reader of text that leaves out comments. */
const importsOf = (file: string, source: string): readonly Import[] => {
  const found: Import[] = []
  const code = withoutComments(source)
  const pattern = /(?:^|[\n;>])\s*(?:import|export)\s+(type\s+)?((?:[\w*$\s{},]|\btype\b)+?\s+from\s+)?(['"])([^'"\n]+)\3|\b(?:import|require)\s*\(\s*(['"`])([^'"`\n]+)\5/g
  for (const match of code.matchAll(pattern)) {
    const [whole, typeOnly, names = '', , declared, , called] = match
    const specifier = declared ?? called!
    const inner = /\{([^}]*)\}/.exec(names)?.[1]
    const isTypes = typeOnly !== undefined || (inner !== undefined && !/^\s*[\w$*]/.test(names.trim()) && inner.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type ')))
    const target = specifier.startsWith('.') ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier)) : specifier.startsWith('node:') ? specifier : `pkg:${specifier}`
    const line = code.slice(0, match.index + whole.indexOf(specifier)).split('\n').length
    found.push({ file, target: isTypes && target.startsWith('src/') && file.startsWith('placements/') ? `TYPES:${target}` : target, line })
  }
  return found
}

/** Comments become spaces, so that lines keep their numbers; strings are left alone. */
const withoutComments = (source: string): string =>
  source.replace(/(['"`])(?:\\.|(?!\1)[^\\\n])*\1|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*|<!--[\s\S]*?-->/g, (part, quote: string | undefined) => (quote === undefined ? part.replace(/[^\n]/g, ' ') : part))

const violationsOf = (file: string, source: string): readonly string[] => {
  const rule = rules.find(({ files }) => files.test(file))
  if (rule === undefined) return [`${file}: belongs to no layer - add it to the table in test/architecture.test.ts`]
  const own = file.split('/').slice(0, file.startsWith('placements/') ? 2 : 3).join('/')
  const allowed = rule.may.map((pattern) => new RegExp(pattern.source.replace('OWN_FOLDER', own), pattern.flags))
  return importsOf(file, source)
    .filter(({ target }) => !allowed.some((pattern) => pattern.test(target)))
    .map(({ target, line }) => `${file}:${line}: imports ${target} - ${rule.why}`)
}

/** What may not be named at all, and where. */
const words: readonly { readonly word: RegExp; readonly inside: RegExp; readonly except: RegExp; readonly why: string }[] = [
  { word: /\bprocess\.env\b/, inside: /^src\//, except: /^src\/(config|main)\.ts$/, why: 'settings come from Config, which main.ts reads once' },
  { word: /\bDate\.now\b|\bnew Date\(\s*\)|\bperformance\.now\b/, inside: /^src\/domain\//, except: /^$/, why: 'moments are arguments of the domain' },
  { word: /\bMath\.random\b|\brandomUUID\b|\bgetRandomValues\b|\bcrypto\./, inside: /^src\/domain\//, except: /^$/, why: 'the domain has no chance in it' },
  { word: /\bset(?:Timeout|Interval|Immediate)\b|\bfetch\(|\bconsole\.|\bprocess\./, inside: /^src\/domain\//, except: /^$/, why: 'the domain does nothing but decide' },
  { word: /\bconsole\.\w+\(/, inside: /^src\//, except: /^src\/main\.ts$/, why: 'what is said goes through the log, which hides what must be hidden' },
  { word: /\.transaction\(\)/, inside: /^src\/(?!flows\/|domain\/)/, except: /^$/, why: 'only flows open transactions' },
  { word: /channel\.id\s*===|channelId\s*===|\.channel\s*===\s*'/, inside: /^src\/(flows|http|domain|db|bitrix)\//, except: /^$/, why: 'capabilities are data: nothing outside asks which channel it is' },
]

const wordsIn = (file: string, source: string): readonly string[] => {
  const lines = withoutComments(source).split('\n')
  return words
    .filter(({ inside, except }) => inside.test(file) && !except.test(file))
    .flatMap(({ word, why }) => lines.flatMap((line, index) => (word.test(line) ? [`${file}:${index + 1}: ${word.exec(line)![0]} - ${why}`] : [])))
}

const filesOf = (folder: string): readonly string[] =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|mts|mjs|js|vue)$/.test(entry.name) && !/\.d\.ts$|vite\.(?:\w+\.)?config/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))

const folders = ['src', 'placements', 'sandbox', 'migrations'] as const
const sources = folders.flatMap(filesOf).map((file) => ({ file, source: readFileSync(path.join(root, file), 'utf8') }))

describe('the layers of the house', () => {
  it.each(folders)('%s: every import goes the way that the table allows', (folder) => {
    expect(sources.filter(({ file }) => file.startsWith(`${folder}/`)).flatMap(({ file, source }) => violationsOf(file, source))).toEqual([])
  })

  it('what a layer must not even name is not named', () => {
    expect(sources.flatMap(({ file, source }) => wordsIn(file, source))).toEqual([])
  })

  it('the application imports nothing of the outer world\'s stand-in, nor of tests and benches', () => {
    const wrong = sources.filter(({ file }) => file.startsWith('src/')).flatMap(({ file, source }) => importsOf(file, source)).filter(({ target }) => /^(?:sandbox|test|bench|placements|scripts)\//.test(target))
    expect(wrong).toEqual([])
  })

  it('no import leads out of the project or into a file that is not there', () => {
    const known = new Set(sources.map(({ file }) => file))
    const wrong = sources
      .flatMap(({ file, source }) => importsOf(file, source))
      .filter(({ target }) => !/^(?:pkg|node):/.test(target))
      .filter(({ target }) => target.startsWith('..') || (/\.(?:ts|vue)$/.test(target) && !known.has(target.replace('TYPES:', ''))))
    expect(wrong).toEqual([])
  })

})

describe('this test can fail', () => {
  it.each([
    ['src/domain/new.ts', "import { z } from 'zod'", 'pkg:zod'],
    ['src/domain/new.ts', "import { type Db } from '../db/database.ts'", 'src/db/database.ts'],
    ['src/domain/new.ts', "export { x } from 'node:fs'", 'node:fs'],
    ['src/domain/new.ts', "const x = await import('../flows/say.ts')", 'src/flows/say.ts'],
    ['src/channels/telegram/new.ts', "import { max } from '../max/index.ts'", 'src/channels/max/index.ts'],
    ['src/channels/telegram/new.ts', "import { channels } from '../registry.ts'", 'src/channels/registry.ts'],
    ['src/channels/telegram/new.ts', "import {\n  type Db,\n} from '../../db/database.ts'", 'src/db/database.ts'],
    ['src/bitrix/new.ts', "import '../db/portals.ts'", 'src/db/portals.ts'],
    ['src/queue/new.ts', "import { say } from '../flows/say.ts'", 'src/flows/say.ts'],
    ['src/db/new.ts', "import { telegram } from '../channels/telegram/index.ts'", 'src/channels/telegram/index.ts'],
    ['src/flows/new.ts', "import { type FastifyRequest } from 'fastify'", 'pkg:fastify'],
    ['src/flows/new.ts', "import { telegram } from '../channels/telegram/index.ts'", 'src/channels/telegram/index.ts'],
    ['src/flows/new.ts', "import { createServer } from '../http/server.ts'", 'src/http/server.ts'],
    ['src/http/new.ts', "import { findPortal } from '../db/portals.ts'", 'src/db/portals.ts'],
    ['src/http/new.ts', "import { createClient } from '../bitrix/client.ts'", 'src/bitrix/client.ts'],
    ['migrations/0002_new.ts', "import { type Db } from '../src/db/database.ts'", 'src/db/database.ts'],
    ['placements/dashboard/new.ts', "import { RouteForm } from '../../src/http/schemas.ts'", 'src/http/schemas.ts'],
    ['placements/dashboard/new.ts', "import { transition } from '../../src/domain/cascade.ts'", 'src/domain/cascade.ts'],
    ['placements/dashboard/App.vue', "<script setup lang=\"ts\">\nimport { x } from '../install/model.ts'\n</script>", 'placements/install/model.ts'],
    ['sandbox/new.ts', "import { channels } from '../src/channels/registry.ts'", 'src/channels/registry.ts'],
    ['sandbox/demo.ts', "import { type App } from '../src/app.ts'", 'src/app.ts'],
    ['sandbox/demo.ts', "const { startApp } = await import('../src/app.ts')", 'src/app.ts'],
    ['src/new.ts', '', 'belongs to no layer'],
  ])('%s: %j', (file, source, target) => {
    expect(violationsOf(file, source).join()).toContain(target)
  })

  it.each([
    ['src/flows/new.ts', 'const x = process.env.HOME', 'process.env'],
    ['src/domain/new.ts', 'const x = Date.now()', 'Date.now'],
    ['src/domain/new.ts', 'const x = new Date()', 'new Date()'],
    ['src/domain/new.ts', 'const x = Math.random()', 'Math.random'],
    ['src/db/new.ts', 'await db.transaction().execute(run)', '.transaction()'],
    ['src/flows/new.ts', "if (channel.id === 'max') x()", 'channel.id ==='],
  ])('%s: %j', (file, source, word) => {
    expect(wordsIn(file, source).join()).toContain(word)
  })

  it('what is allowed is not reported, and comments and strings are no imports', () => {
    expect(violationsOf('placements/dashboard/new.ts', "import type { A } from '../../src/http/schemas.ts'\nimport { type B, type C } from '../../src/http/schemas.ts'\nimport { ref } from 'vue'")).toEqual([])
    expect(violationsOf('src/domain/new.ts', "// import { z } from 'zod'\n/* import 'node:fs'\n */\nconst x = `import { z } from 'zod'`\nimport { y } from './ids.ts'")).toEqual([])
    expect(wordsIn('src/domain/new.ts', '// Date.now() is no friend of ours\nconst x = new Date(at)')).toEqual([])
  })

  it('misses no import of the real files that the compiler knows', () => {
    for (const { file, source } of sources.filter((entry) => entry.file.endsWith('.ts'))) {
      const compiler = ts.preProcessFile(source, true, true).importedFiles.map(({ fileName }) => path.posix.basename(fileName))
      const ours = importsOf(file, source).map(({ target }) => path.posix.basename(target.replace(/^pkg:|^TYPES:/, '')))
      expect({ file, missed: compiler.filter((name) => !ours.includes(name)) }).toEqual({ file, missed: [] })
    }
    expect(sources.flatMap(({ file, source }) => importsOf(file, source))).toContainEqual(expect.objectContaining({ file: 'src/main.ts', target: 'src/app.ts' }))
  })
})
