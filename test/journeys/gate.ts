import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'

/** A way to a server that can be closed: connections are then refused before anything is written. */
export interface Gate {
  readonly origin: string
  open(): Promise<void>
  close(): Promise<void>
}

export const createGate = async (target: string): Promise<Gate> => {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  let server: Server | undefined
  let ownPort = 0
  const open = async (): Promise<void> => {
    server = createServer((near) => {
      const far = connect(Number(port), hostname)
      for (const socket of [near, far]) {
        sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          sockets.delete(socket)
          near.destroy()
          far.destroy()
        })
      }
      near.pipe(far).pipe(near)
    })
    await new Promise<void>((resolve) => server!.listen(ownPort, '127.0.0.1', resolve))
    ownPort = (server.address() as AddressInfo).port
  }
  await open()
  return {
    get origin() {
      return `http://127.0.0.1:${ownPort}`
    },
    open,
    close: async () => {
      const closed = new Promise((resolve) => server!.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
