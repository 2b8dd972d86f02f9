import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'

/** A proxy that speaks CONNECT and nothing else. */
export interface Proxy {
  /** With a name and a password. */
  readonly url: string
  readonly port: number
  /** First lines of what it was asked. */
  readonly asked: string[]
  /** Names and passwords that came with it. */
  readonly logins: string[]
  /** What it does with the next ones; `passTogether`: its yes and the server's first words arrive in one piece. */
  does: 'pass' | 'passTogether' | 'refuse' | 'hangUp' | 'stayQuiet'
  close(): Promise<void>
}

const yes = 'HTTP/1.1 200 Connection established\r\n\r\n'

export const startProxy = async (tls?: { readonly key: string; readonly cert: string }): Promise<Proxy> => {
  const sockets = new Set<Socket>()
  const pass = (socket: Socket, port: number): void => {
    const through = connect(port, '127.0.0.1')
    sockets.add(through)
    const isTogether = proxy.does === 'passTogether'
    if (!isTogether) through.once('connect', () => socket.write(yes))
    through.once('data', (first: Buffer) => {
      socket.write(Buffer.concat([Buffer.from(isTogether ? yes : ''), first]))
      through.pipe(socket)
    })
    socket.pipe(through)
    through.on('error', () => socket.destroy())
    through.on('close', () => socket.destroy())
    socket.on('close', () => through.destroy())
  }
  const meet = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('data', (data: Buffer) => {
      socket.pause()
      const [line = '', ...headers] = data.toString().split('\r\n')
      proxy.asked.push(line)
      const login = headers.find((header) => /^proxy-authorization: /i.test(header))?.split(' ')[2]
      if (login !== undefined) proxy.logins.push(Buffer.from(login, 'base64').toString())
      if (proxy.does === 'hangUp') socket.destroy()
      else if (proxy.does === 'refuse') socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
      else if (proxy.does !== 'stayQuiet') pass(socket, Number(/^CONNECT 127\.0\.0\.1:(\d+) /.exec(line)?.[1]))
    })
  }
  const server = tls === undefined ? createServer(meet) : createTlsServer({ ...tls }, meet)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const proxy: Proxy = {
    url: `${tls === undefined ? 'http' : 'https'}://name:pass%3Aword@127.0.0.1:${port}`, port, asked: [], logins: [], does: 'pass',
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}
