import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const root = path.dirname(fileURLToPath(import.meta.url))
const outDir = path.join(root, '../dist/pages')

/** The last thing that the builds write: commands that need the pages look for it. */
const builtMark = {
  name: 'estafeta:built-mark',
  apply: 'build',
  writeBundle: { order: 'post', sequential: true, handler: () => writeFileSync(path.join(outDir, '.built'), '') },
}

/** The script for the clinic's site: one file that stands alone. It is built after the pages, into their folder. */
export default defineConfig({
  root,
  logLevel: 'warn',
  publicDir: false,
  plugins: [builtMark],
  build: {
    outDir,
    emptyOutDir: false,
    target: 'es2022',
    lib: { entry: path.join(root, 'widget/main.ts'), formats: ['iife'], name: 'estafetaChat', fileName: () => 'widget.js' },
  },
})
