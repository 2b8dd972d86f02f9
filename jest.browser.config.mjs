import config from './jest.config.mjs'

/** The pages in a real browser: `npm run test:browser` needs Chromium, and says so where there is none. */
export default { ...config, testMatch: ['<rootDir>/test/browser/**/*.test.ts'], testPathIgnorePatterns: ['/node_modules/'], maxWorkers: 1, testTimeout: 120_000 }
