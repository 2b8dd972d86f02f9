import config from './jest.config.mjs'

/** Held against programs that we did not write: `npm run test:peers`. It installs nothing; a peer that is not there is named and passed over. */
export default { ...config, testMatch: ['<rootDir>/test/peers/**/*.test.ts'], testPathIgnorePatterns: ['/node_modules/'], maxWorkers: 1, testTimeout: 120_000 }
