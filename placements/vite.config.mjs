import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import bitrix24UI from '@bitrix24/b24ui-nuxt/vite'
import { defineConfig } from 'vite'

const root = path.dirname(fileURLToPath(import.meta.url))
const outDir = path.join(root, '../dist/pages')

/** Every folder that has an index.html is a page; a new page needs no line here. */
const pages = readdirSync(root).filter((name) => existsSync(path.join(root, name, 'index.html')))

export default defineConfig({
  root,
  base: '/placements/',
  logLevel: 'warn',
  // `root` is the package's folder, so that the kit writes its generated styles into the one node_modules.
  plugins: [
    vue(),
    bitrix24UI({
      root: path.join(root, '..'),
      router: false,
      colorMode: false,
      prose: false,
      mdc: false,
      components: false,
      autoImport: false,
      dts: false,
      b24ui: {
        formField: { slots: { wrapper: 'leading-5', help: 'not-italic leading-5', error: 'leading-5' } },
        select: { slots: { root: 'w-full' } },
        selectMenu: { slots: { root: 'w-full' } },
      },
    }),
  ],
  build: {
    outDir,
    emptyOutDir: true,
    assetsDir: 'assets',
    target: 'es2022',
    chunkSizeWarningLimit: 1200,
    rolldownOptions: {
      checks: { pluginTimings: false },
      input: Object.fromEntries(pages.map((name) => [name, path.join(root, name, 'index.html')])),
    },
  },
})
