/**
 * Identifiers are strings that cannot be mixed up: the type checker refuses a connection's id where a delivery's is wanted.
 */
declare const brand: unique symbol
type Id<Name extends string> = string & { readonly [brand]: Name }

/** `member_id` of a Bitrix24 account: it survives a change of the portal's domain. */
export type PortalId = Id<'portal'>
export type ConnectionId = Id<'connection'>
export type RouteId = Id<'route'>
export type DeliveryId = Id<'delivery'>
/** `<delivery id>.<step>`: derived, so that a repeated transition names the same attempt. */
export type AttemptId = Id<'attempt'>

export const portalId = (value: string): PortalId => value as PortalId
export const connectionId = (value: string): ConnectionId => value as ConnectionId
export const routeId = (value: string): RouteId => value as RouteId
export const deliveryId = (value: string): DeliveryId => value as DeliveryId
export const attemptId = (delivery: DeliveryId, step: number): AttemptId => `${delivery}.${step}` as AttemptId

/** The delivery that an attempt belongs to. */
export const deliveryOf = (attempt: AttemptId): DeliveryId => attempt.slice(0, attempt.lastIndexOf('.')) as DeliveryId
