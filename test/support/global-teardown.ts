import { rmSync } from 'node:fs'

export default async function teardown(): Promise<void> {
  const server = globalThis.estafetaTestServer
  await server?.postgres.stop()
  if (server !== undefined) rmSync(server.folder, { recursive: true, force: true })
}
