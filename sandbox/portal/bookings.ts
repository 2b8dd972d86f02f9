import { type Engine } from './engine.ts'

export interface Resource {
  id: number
  name: string
  description: string | null
  isMain: boolean
  typeId: number
}

export interface Booking {
  id: number
  name: string
  description: string | null
  resourceIds: number[]
  /** Unix seconds. */
  from: number
  to: number
  timezone: string
  clients: { id: number, code: 'CONTACT' | 'COMPANY' }[]
}

export interface BookingInput {
  contactId?: number
  /** Doctors, rooms: by name, made when new. */
  resources?: string[]
  /** Unix milliseconds of the portal clock; half an hour long if nothing else is said. */
  startsAt: number
  minutes?: number
  name?: string
  description?: string
}

/** What the reception does in the online booking of the portal. */
export interface BookingsHandle {
  list(): Booking[]
  /** @throws Error without such a contact. */
  add(input: BookingInput): Booking
  move(id: number, startsAt: number): void
  cancel(id: number): void
}

const timezone = 'Europe/Moscow'

function resourceId(engine: Engine, name: string): number {
  const { resources } = engine.world
  const found = [...resources.values()].find((one) => one.name === name)
  if (found) return found.id
  const id = engine.world.nextId('resource')
  resources.set(id, { id, name, description: null, isMain: true, typeId: 1 })
  return id
}

export function bookingsHandle(engine: Engine): BookingsHandle {
  const { world } = engine
  const need = (id: number): Booking => {
    const booking = world.bookings.get(id)
    if (!booking) throw new Error(`There is no booking ${id} on the portal.`)
    return booking
  }
  return {
    list: () => [...world.bookings.values()],
    add: ({ contactId, resources = ['Терапевт'], startsAt, minutes = 30, name = '', description }) => {
      if (contactId !== undefined && !world.contacts.has(contactId)) throw new Error(`There is no contact ${contactId} on the portal.`)
      const from = Math.floor(startsAt / 1000)
      const booking: Booking = {
        id: world.nextId('booking'), name, description: description ?? null, resourceIds: resources.map((one) => resourceId(engine, one)), from,
        to: from + minutes * 60, timezone, clients: contactId === undefined ? [] : [{ id: contactId, code: 'CONTACT' }],
      }
      world.bookings.set(booking.id, booking)
      return booking
    },
    move: (id, startsAt) => {
      const booking = need(id)
      const length = booking.to - booking.from
      booking.from = Math.floor(startsAt / 1000)
      booking.to = booking.from + length
    },
    cancel: (id) => {
      world.bookings.delete(need(id).id)
    },
  }
}
