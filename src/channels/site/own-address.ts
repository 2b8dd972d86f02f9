import { type Http } from '../http.ts'

/**
 * The name under which the application calls itself. It is no address: each process knows the real one (PUBLIC_URL, or where it listens) and
 * puts it in at the moment of the call. So nobody types it into a form, a moved application needs no new connection, a worker that serves no
 * HTTP reaches the processes that do, and behind a proxy the call goes where the visitors' calls go. Where the public address cannot be reached
 * from inside, the connection's own field names another one.
 */
export const ownAddress = 'https://application.internal'

/** The same client, for which `ownAddress` is wherever this application is reached. */
export const withOwnAddress = (http: Http, publicUrl: () => string): Http => ({
  call: (request, options) => http.call(request.url.startsWith(`${ownAddress}/`) ? { ...request, url: `${publicUrl()}${request.url.slice(ownAddress.length)}` } : request, options),
})
