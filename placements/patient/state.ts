/** The patient as the page holds them: loaded once, renewed while someone looks, replaced by what each action answers. */
import { inject, provide, ref, shallowRef, type InjectionKey, type Ref } from 'vue'
import type { PatientView } from '../../src/http/patient-schemas.ts'
import { isSessionOver } from '../shared/api.ts'
import { usePage } from '../shared/page.ts'

export interface PatientState {
  readonly view: Readonly<Ref<PatientView>>
  /** The moment by which "today" and "in an hour" are said; moves with each renewal. */
  readonly now: Readonly<Ref<Date>>
  /** Does what the person asked for and shows what the server answers. @throws ApiFailure */
  act(work: () => Promise<PatientView>): Promise<void>
  openContact(contactId: string): void
  openDeal(dealId: string): void
}

const key: InjectionKey<PatientState> = Symbol('patient')

/** `onActed` runs after each action that the server took: the history may be another one then. */
export const providePatient = (onActed: () => void) => {
  const { api, frame, say } = usePage()
  const view = shallowRef<PatientView>()
  const now = ref(new Date())
  const problem = ref('')
  /** Since when what is shown could not be renewed. */
  const staleSince = ref<Date>()
  const isOver = ref(false)
  let lastGood = new Date()
  let actions = 0

  const renew = async () => {
    const before = actions
    try {
      const answer = await api.patient()
      // An action that was made meanwhile knows better than an answer that was asked for before it.
      if (before === actions) view.value = answer
      lastGood = new Date()
      staleSince.value = undefined
      problem.value = ''
      isOver.value = false
    } catch (error) {
      isOver.value = isSessionOver(error)
      staleSince.value = lastGood
      problem.value = say(error)
    }
    now.value = new Date()
  }
  const act = async (work: () => Promise<PatientView>) => {
    actions += 1
    try {
      view.value = await work()
    } finally {
      actions += 1
      now.value = new Date()
    }
    onActed()
  }

  const open = (path: string) => void frame.slider.openPath(frame.slider.getUrl(path)).catch(() => undefined)

  provide(key, {
    // Components below are shown only when there is a view.
    view: view as Ref<PatientView>,
    now,
    act,
    openContact: (id) => open(`/crm/contact/details/${encodeURIComponent(id)}/`),
    openDeal: (id) => open(`/crm/deal/details/${encodeURIComponent(id)}/`),
  })
  return { view, now, problem, staleSince, isOver, renew }
}

export const usePatient = (): PatientState => {
  const state = inject(key)
  if (state === undefined) throw new Error('The component is not inside the patient page')
  return state
}

/** One action of one block: busy while it runs, the sentence when it was refused. Resolves to whether it was done. */
export const useAction = () => {
  const { say } = usePage()
  const isBusy = ref(false)
  const problem = ref('')
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    isBusy.value = true
    problem.value = ''
    try {
      await work()
      return true
    } catch (error) {
      problem.value = say(error)
      return false
    } finally {
      isBusy.value = false
    }
  }
  const forget = () => (problem.value = '')
  return { isBusy, problem, run, forget }
}
