// Runs on whatever Node started npm (>= 20), so plain CommonJS. Installs what is missing, says so, and then gets out of the way.
const { existsSync, readdirSync, statSync } = require('node:fs')
const { spawnSync } = require('node:child_process')
const path = require('node:path')

process.chdir(path.join(__dirname, '..'))
const windows = process.platform === 'win32'
const mtime = (file) => { try { return statSync(file).mtimeMs } catch { return 0 } }
const run = (command, args) => {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], shell: windows })
  if (status !== 0) {
    console.error(`${command} ${args.join(' ')} did not succeed${error ? `: ${error.message}` : ''}.`)
    process.exit(status || 1)
  }
}

if (mtime('node_modules/.package-lock.json') < mtime('package-lock.json')) {
  console.log('Installing packages from package-lock.json (once, about half a minute) …')
  // NODE_ENV=production in the caller's shell would leave out what the tests and the pages need.
  run('npm', ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'])
}

const node = path.join('node_modules', '.bin', windows ? 'node.cmd' : 'node')
const found = spawnSync(existsSync(node) ? node : 'node', ['-p', 'process.versions.node'], { encoding: 'utf8', shell: windows }).stdout || ''
if (Number(found.split('.')[0]) < 24) {
  console.error(`Estafeta needs Node 24 and found ${found.trim() || 'none'}: run "npm install-scripts approve node" and start again, or install Node 24.`)
  process.exit(1)
}

/** The newest file below a folder; the pages are built again when one of their sources is newer than the build. */
const newest = (folder) => readdirSync(folder, { withFileTypes: true }).reduce((latest, entry) => {
  const file = path.join(folder, entry.name)
  return Math.max(latest, entry.isDirectory() ? newest(file) : mtime(file))
}, 0)

if (process.argv.includes('--pages') && mtime('dist/pages/.built') < Math.max(newest('placements'), mtime('package-lock.json'))) {
  console.log('Building the pages (once, a few seconds) …')
  run('npm', ['run', '--silent', 'build:pages'])
}
