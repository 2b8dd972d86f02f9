/** Decisions of the conversations tab: what is being changed, what the fields' choices are, how a key is named. Pure. */
import type { ConversationSettings, ConversationSettingsForm } from '../../../src/http/patient-schemas.ts'

type Appointment = ConversationSettings['appointment']
export const appointmentFields = ['at', 'doctor', 'place', 'preparation'] as const
export type AppointmentField = (typeof appointmentFields)[number]

export const draftOf = ({ oneChatPerPatient, appointment }: ConversationSettings): ConversationSettingsForm => ({ oneChatPerPatient, appointment })

export const withAppointment = (draft: ConversationSettingsForm, part: Partial<Appointment>): ConversationSettingsForm => ({
  ...draft,
  appointment: { ...draft.appointment, ...part },
})

export const hasChanged = (draft: ConversationSettingsForm, saved: ConversationSettingsForm): boolean =>
  draft.oneChatPerPatient !== saved.oneChatPerPatient ||
  draft.appointment.booking !== saved.appointment.booking ||
  appointmentFields.some((field) => draft.appointment[field] !== saved.appointment[field])

/** A select cannot hold an empty value: this one stands for "not used". */
export const notUsed = 'notUsed'

/** The deal's fields to choose from; a chosen field that the portal no longer has stays to be seen, by its name. */
export const fieldChoices = (settings: Pick<ConversationSettings, 'dealFields'>, chosen: string, notUsedTitle: string) => {
  const fields = settings.dealFields.map(({ name, title }) => ({ value: name, label: title === '' ? name : title }))
  const gone = chosen === '' || fields.some(({ value }) => value === chosen) ? [] : [{ value: chosen, label: chosen }]
  return [{ value: notUsed, label: notUsedTitle }, ...gone, ...fields]
}

/** A chosen field that was deleted in the portal: nothing would come from it. */
export const isGone = (settings: Pick<ConversationSettings, 'dealFields'>, chosen: string): boolean => chosen !== '' && !settings.dealFields.some(({ name }) => name === chosen)

/** Without the moment the other fields say nothing, and no reminder could count from it. */
export const lacksMoment = ({ appointment }: ConversationSettingsForm): boolean =>
  !appointment.booking && appointment.at === '' && (appointment.doctor !== '' || appointment.place !== '' || appointment.preparation !== '')

const nameLimit = 80
export const keyNameProblem = (name: string): 'nameMissing' | 'nameLong' | undefined => {
  const typed = name.trim()
  return typed === '' ? 'nameMissing' : typed.length > nameLimit ? 'nameLong' : undefined
}
