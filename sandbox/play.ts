import { readFile } from 'node:fs/promises'
import { type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import path from 'node:path'

import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'

import { keepBodiesRaw, parseJsonObject, rawOf } from './messengers/bodies.ts'
import { messengers as allMessengers } from './messengers/behaviour.ts'
import { showAccounts, showPhone } from './messengers/control.ts'
import { type World } from './world.ts'

const script = 'text/javascript; charset=utf-8'
const files: Record<string, string> = {
  'index.html': 'text/html; charset=utf-8', 'style.css': 'text/css; charset=utf-8', 'app.js': script, 'base.js': script, 'deal.js': script,
  'phones.js': script, 'message.js': script, 'log.js': script, 'sheets.js': script, 'icons.js': script, 'words.js': script,
}
const folder = path.join(import.meta.dirname, 'page')
const shownCalls = 150

/** Where the robot's text and route come from when the page is not asked for others. */
export interface RobotWish { text?: string, code?: string, properties?: Record<string, unknown> }

/** Everything that the page shows, as of now. */
export function takeScene(world: World): unknown {
  const { portal, messengers, clock } = world
  const { deal, contact, stages, timeline, robotRuns, triggers, app, notifications } = portal.state({ dealId: world.dealId })
  return {
    clock: { now: clock.now(), speed: clock.speed },
    links: world.links,
    deal, contact, stages, timeline, robotRuns, triggers, app, notifications,
    phone: showPhone(world.patient.patient),
    behaviours: Object.fromEntries(allMessengers.map((one) => [one, messengers.behaviour(one)])),
    accounts: showAccounts(messengers),
    pendingWebhooks: messengers.pendingWebhooks(),
    rest: portal.calls.slice(-shownCalls).map(({ id, time, method, status, error, injected, batch, durationMs }) =>
      ({ id, time, method, status, error, injected, batch, durationMs })),
    calls: messengers.calls().slice(-shownCalls),
    webhooks: messengers.webhooks().slice(-shownCalls),
    deliveries: portal.deliveries.slice(-shownCalls),
  }
}

/** The server of the page: files, what it shows (live), and the controls of portal, messengers and time. */
export async function startPlay(world: () => World, port: number): Promise<{ origin: string, close(): Promise<void> }> {
  const app = Fastify({ forceCloseConnections: true })
  keepBodiesRaw(app)
  const viewers = new Set<ServerResponse>()
  let shown = ''

  app.get<{ Params: { '*': string } }>('/*', async (request, reply) => {
    const name = request.params['*'] === '' ? 'index.html' : request.params['*']
    const type = files[name]
    if (type === undefined) return reply.code(404).type('text/plain; charset=utf-8').send('There is no such page')
    return reply.type(type).header('cache-control', 'no-cache').send(await readFile(path.join(folder, name)))
  })

  app.get('/api/scene', (_request, reply) => reply.send(takeScene(world())))

  // Server-sent events: the whole scene whenever something in it changed; the clock alone is no change.
  app.get('/api/live', (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' })
    viewers.add(reply.raw)
    request.raw.on('close', () => viewers.delete(reply.raw))
    reply.raw.write(`data: ${JSON.stringify(takeScene(world()))}\n\n`)
  })
  const look = setInterval(() => {
    if (viewers.size === 0) return
    const scene = takeScene(world()) as { clock: { now: number, speed: number } }
    const text = JSON.stringify({ ...scene, clock: scene.clock.speed })
    if (text === shown) return
    shown = text
    for (const viewer of viewers) viewer.write(`data: ${JSON.stringify(scene)}\n\n`)
  }, 150)

  app.get('/api/rest/:id', async (request: FastifyRequest, reply: FastifyReply) => {
    const call = world().portal.calls.find((one) => one.id === Number((request.params as { id: string }).id))
    return call === undefined ? reply.code(404).send({ error: 'The call is no longer kept' }) : reply.send(call)
  })

  app.post('/api/robot', async (request, reply) => {
    try {
      return await reply.send(world().runRobot(parseJsonObject(rawOf(request.body)) ?? {}))
    } catch (error) {
      return reply.code(409).send({ error: error instanceof Error ? error.message : String(error) })
    }
  })
  app.post('/api/click', async (request, reply) => {
    const { activityId, actionId } = parseJsonObject(rawOf(request.body)) ?? {}
    try {
      world().portal.clickAction(Number(activityId), String(actionId))
      return await reply.send({ ok: true })
    } catch (error) {
      return reply.code(409).send({ error: error instanceof Error ? error.message : String(error) })
    }
  })

  world().messengers.mountControl(app)
  await app.listen({ host: '127.0.0.1', port })
  return {
    origin: `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`,
    async close() {
      clearInterval(look)
      for (const viewer of viewers) viewer.end()
      await app.close()
    },
  }
}
