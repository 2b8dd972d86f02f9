/**
 * What a messenger can say of an attempt, and how what it says is merged.
 *
 * Ranks only grow: any order and any repetition of receipts ends in the same record (invariant I4).
 */

/** Levels of proof, weakest first. `acted` is a pressed button or a reply: nobody acts on what they have not seen. */
export const proofs = ['accepted', 'sent', 'delivered', 'read', 'acted'] as const
export type Proof = (typeof proofs)[number]

export const rankOf = (proof: Proof): number => proofs.indexOf(proof)

/** Does `reached` prove at least what `wanted` asks for? `undefined` proves nothing. */
export const proves = (reached: Proof | undefined, wanted: Proof): boolean => reached !== undefined && rankOf(reached) >= rankOf(wanted)

export const strongest = (a: Proof | undefined, b: Proof): Proof => (a !== undefined && rankOf(a) >= rankOf(b) ? a : b)

/**
 * Why an attempt did not work, by what the cascade must do about it.
 *
 * `transient` and `rateLimited` are tried again inside the step; everything else moves the cascade on at once.
 */
export const failureClasses = [
  'recipientPermanent',
  'recipientTemporary',
  'channelPermanent',
  'channelTemporary',
  'rateLimited',
  'content',
  'optOut',
  'transient',
] as const
export type FailureClass = (typeof failureClasses)[number]

export interface Failure {
  readonly class: FailureClass
  /** The vendor's own code, for staff and for statistics: `131026`, `403`, `err 255`. Never a text of the vendor. */
  readonly code: string
}

/** Epoch milliseconds at which each level was reached, as far as the messenger said. */
export type ProofTimes = Readonly<Partial<Record<Proof, number>>>

/**
 * Notes when a level was reached: the earliest time that was ever told, so that repetition and order change nothing.
 *
 * A higher level that arrives first leaves the lower ones empty: they are implied, not invented.
 */
export const withProofTime = (times: ProofTimes, level: Proof, at: number): ProofTimes => {
  const known = times[level]
  return known !== undefined && known <= at ? times : { ...times, [level]: at }
}
