import { describe } from '@jest/globals'

/** A package that a test needs; undefined, and a line that says so, where it is not installed. */
export const findPackage = async <Module>(name: string, load: () => Promise<Module>): Promise<Module | undefined> => {
  try {
    return await load()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND' && (error as { code?: unknown }).code !== 'MODULE_NOT_FOUND') throw error
    process.stderr.write(`The package ${name} is not installed, so nothing is held against it: npm install --no-save ${name}\n`)
    return undefined
  }
}

/** A `describe` that runs where its peer is there. */
export const describeWith = (isThere: boolean): typeof describe | typeof describe.skip => (isThere ? describe : describe.skip)
