/** The overview as the page holds it: loaded once, then changed by what the server answers. */
import { inject, onBeforeUnmount, onMounted, provide, ref, shallowRef, type InjectionKey, type Ref } from 'vue'
import type { Connection, Overview, Route } from '../../src/http/schemas.ts'
import { isSessionOver } from '../shared/api.ts'
import { usePage } from '../shared/page.ts'
import { upsert, type Tab } from './model.ts'

export interface Dashboard {
  readonly overview: Readonly<Ref<Overview>>
  /** @throws ApiFailure when the server cannot be asked; what is shown stays. */
  refresh(): Promise<void>
  putConnection(connection: Connection): void
  dropConnection(id: string): void
  /** One route is the default: saving another as default takes the mark from it. */
  putRoute(route: Route): void
  dropRoute(id: string): void
  goTo(tab: Tab): void
}

const key: InjectionKey<Dashboard> = Symbol('dashboard')

/** Loads the overview and offers it to the components below, once it is there. */
export const provideDashboard = (goTo: (tab: Tab) => void) => {
  const { api, say } = usePage()
  const overview = shallowRef<Overview>()
  const problem = ref('')
  /** The page cannot be loaded again with the session that it has. */
  const isOver = ref(false)

  const change = (part: (current: Overview) => Partial<Overview>) => {
    if (overview.value !== undefined) overview.value = { ...overview.value, ...part(overview.value) }
  }
  const refresh = async () => {
    overview.value = await api.overview()
  }
  const load = async () => {
    problem.value = ''
    await refresh().catch((error: unknown) => {
      problem.value = say(error)
      isOver.value = isSessionOver(error)
    })
  }

  // Someone comes back to a page that was left open: what they see is to be true, and a session that ran out in the
  // meantime is to be renewed before they begin to type, not when they save.
  const renew = () => {
    if (document.visibilityState === 'visible' && overview.value !== undefined) void refresh().catch(() => undefined)
  }
  onMounted(() => document.addEventListener('visibilitychange', renew))
  onBeforeUnmount(() => document.removeEventListener('visibilitychange', renew))

  provide(key, {
    // Components below are shown only when there is an overview.
    overview: overview as Ref<Overview>,
    refresh,
    putConnection: (connection) => change(({ connections }) => ({ connections: [...upsert(connections, connection)] })),
    dropConnection: (id) => change(({ connections }) => ({ connections: connections.filter((connection) => connection.id !== id) })),
    putRoute: (route) =>
      change(({ routes }) => ({
        routes: upsert(routes, route).map((other) => (route.isDefault && other.id !== route.id ? { ...other, isDefault: false } : other)),
      })),
    dropRoute: (id) => change(({ routes }) => ({ routes: routes.filter((route) => route.id !== id) })),
    goTo,
  })
  return { overview, problem, isOver, load, refresh, renew }
}

export const useDashboard = (): Dashboard => {
  const dashboard = inject(key)
  if (dashboard === undefined) throw new Error('The component is not inside the dashboard')
  return dashboard
}
