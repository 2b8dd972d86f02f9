/** The history as the page holds it: pages by cursor, one filter at a time, renewed without moving what is being read. */
import { computed, inject, provide, ref, shallowRef, watch, type ComputedRef, type InjectionKey, type Ref } from 'vue'
import type { HistoryEntry } from '../../../src/http/patient-schemas.ts'
import { usePage } from '../../shared/page.ts'
import { noFilter, queryOf, waitingCount, withNewest, withOlder, type Filter, type Held } from './model.ts'

export interface HistoryState {
  readonly filter: Readonly<Ref<Filter>>
  /** `undefined` until the first page came. */
  readonly entries: ComputedRef<readonly HistoryEntry[] | undefined>
  readonly hasOlder: ComputedRef<boolean>
  /** New entries that wait above, because someone reads further down. */
  readonly waiting: Readonly<Ref<number>>
  readonly isReading: Ref<boolean>
  readonly isLoading: Readonly<Ref<boolean>>
  readonly isLoadingOlder: Readonly<Ref<boolean>>
  readonly problem: Readonly<Ref<string>>
  readonly olderProblem: Readonly<Ref<string>>
  setFilter(part: Partial<Filter>): void
  load(): Promise<void>
  loadOlder(): Promise<void>
  /** What is shown stays when the server cannot be asked. */
  renew(): Promise<void>
}

const key: InjectionKey<HistoryState> = Symbol('history')

export const provideHistory = (): HistoryState => {
  const { api, say } = usePage()
  const filter = ref<Filter>(noFilter)
  const all = shallowRef<Held>()
  const waiting = ref(0)
  const isReading = ref(false)
  const isLoading = ref(false)
  const isLoadingOlder = ref(false)
  const problem = ref('')
  const olderProblem = ref('')
  /** An answer to an earlier question must not replace the answer to the last one. */
  let question = 0

  const load = async () => {
    question += 1
    const mine = question
    isLoading.value = true
    problem.value = ''
    olderProblem.value = ''
    try {
      const page = await api.history(queryOf(filter.value))
      if (mine !== question) return
      all.value = page
      waiting.value = 0
    } catch (error) {
      if (mine === question) problem.value = say(error)
    } finally {
      if (mine === question) isLoading.value = false
    }
  }
  const renew = async () => {
    const mine = question
    const page = isLoading.value ? undefined : await api.history(queryOf(filter.value)).catch(() => undefined)
    if (page === undefined || mine !== question) return
    const before = all.value ?? { entries: [] }
    const next = withNewest(before, page)
    waiting.value = waitingCount(before.entries[waiting.value], next, isReading.value)
    all.value = next
    problem.value = ''
  }
  const loadOlder = async () => {
    const cursor = all.value?.next
    if (cursor === undefined || isLoadingOlder.value || isLoading.value) return
    isLoadingOlder.value = true
    olderProblem.value = ''
    const mine = question
    try {
      const page = await api.history(queryOf(filter.value, cursor))
      if (mine === question && all.value?.next === cursor) all.value = withOlder(all.value, page)
    } catch (error) {
      if (mine === question) olderProblem.value = say(error)
    } finally {
      isLoadingOlder.value = false
    }
  }
  const setFilter = (part: Partial<Filter>) => {
    filter.value = { ...filter.value, ...part }
    void load()
  }
  watch(isReading, (now) => {
    if (!now) waiting.value = 0
  })

  const state: HistoryState = {
    filter,
    entries: computed(() => all.value?.entries.slice(waiting.value)),
    hasOlder: computed(() => all.value?.next !== undefined),
    waiting,
    isReading,
    isLoading,
    isLoadingOlder,
    problem,
    olderProblem,
    setFilter,
    load,
    loadOlder,
    renew,
  }
  provide(key, state)
  return state
}

export const useHistory = (): HistoryState => {
  const state = inject(key)
  if (state === undefined) throw new Error('The component is not inside the patient page')
  return state
}
