// Jest transformer: Node's own type stripper, so that a test runs the very code that `node src/main.ts` runs. Positions are kept.
import { createHash } from 'node:crypto'
import { stripTypeScriptTypes } from 'node:module'

export default {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
  getCacheKey: (source, file, options) =>
    createHash('sha1').update(source).update(file).update(process.version).update(options.instrument ? 'i' : '').digest('hex'),
}
