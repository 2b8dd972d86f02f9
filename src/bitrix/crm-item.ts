/** A CRM card: 1 lead, 2 deal, 3 contact, 4 company, 7 quote, 31 invoice, from 128 smart processes. */
export interface CrmItem {
  readonly entityTypeId: number
  readonly id: number
}

const entityTypes: Readonly<Record<string, number>> = { LEAD: 1, DEAL: 2, CONTACT: 3, COMPANY: 4, QUOTE: 7, ORDER: 14, SMART_INVOICE: 31 }

/** `DEAL_57`, `SMART_INVOICE_5` and `DYNAMIC_183_5` as type and number. */
export const crmItemOf = (documentId: string): CrmItem | undefined => {
  const match = /^(?:DYNAMIC_(\d+)|([A-Z_]+))_(\d+)$/.exec(documentId)
  if (match === null) return undefined
  const [, dynamic, type = '', id] = match
  const entityTypeId = dynamic === undefined ? entityTypes[type] : Number(dynamic)
  return entityTypeId === undefined ? undefined : { entityTypeId, id: Number(id) }
}
