import { RestError } from './errors.ts'

export interface ListQuery {
  filter?: unknown
  order?: unknown
  start?: unknown
}

export interface Page<Row> {
  rows: Row[]
  /** Absent with `start: -1`: nothing is counted. */
  total?: number
  next?: number
}

const pageSize = 50
const prefixPattern = /^(!=%|!%=|!@|!%|!=|=%|%=|>=|<=|>|<|@|%|=|!)?(.+)$/

/**
 * Filters, sorts and cuts rows as the list methods do.
 * @throws RestError INVALID_ARG_VALUE for a field that cannot be filtered or sorted by.
 * @see https://apidocs.bitrix24.com/settings/how-to-call-rest-api/list-methods-pecularities.html
 */
export function queryList<Row extends Record<string, any>>(
  all: Row[], query: ListQuery, allowed: (field: string) => boolean, values: (row: Row, field: string) => unknown[] = plainValues,
): Page<Row> {
  const keep = compile(asMap(query.filter), allowed, values)
  const found = all.filter(keep)
  sort(found, asMap(query.order), allowed)
  const start = Number(query.start ?? 0)
  if (start === -1) return { rows: found.slice(0, pageSize) }
  const rows = found.slice(start, start + pageSize)
  const next = start + pageSize
  return { rows, total: found.length, ...(next < found.length ? { next } : {}) }
}

function plainValues(row: Record<string, any>, field: string): unknown[] {
  const value = row[field]
  return Array.isArray(value) ? value : [value]
}

/** PHP sends an empty map as an empty list. */
export function asMap(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? { ...value } : {}
}

/** Reads the filter once; also an empty list answers for a filter that cannot be. */
function compile<Row extends Record<string, any>>(
  conditions: Record<string, unknown>, allowed: (field: string) => boolean, values: (row: Row, field: string) => unknown[],
): (row: Row) => boolean {
  const { logic, ...rest } = conditions
  const tests = Object.entries(rest).map(([key, expected]): ((row: Row) => boolean) => {
    if (/^\d+$/.test(key)) return compile(asMap(expected), allowed, values)
    const [, prefix = '', field = key] = prefixPattern.exec(key) ?? []
    if (!allowed(field)) throw new RestError('INVALID_ARG_VALUE', `Invalid filter: field '${field}' is not allowed in filter`)
    return (row) => matches(values(row, field), prefix, expected)
  })
  if (String(logic ?? 'AND').toUpperCase() === 'OR') return (row) => tests.length === 0 || tests.some((test) => test(row))
  return (row) => tests.every((test) => test(row))
}

function matches(actual: unknown[], prefix: string, expected: unknown): boolean {
  const wanted = Array.isArray(expected) ? expected : [expected]
  const same = (): boolean => actual.some((value) => wanted.some((item) => equal(value, item)))
  switch (prefix) {
    case '!':
    case '!=':
    case '!@':
      return !same()
    case '>':
      return actual.some((value) => compare(value, expected) > 0)
    case '>=':
      return actual.some((value) => compare(value, expected) >= 0)
    case '<':
      return actual.some((value) => compare(value, expected) < 0)
    case '<=':
      return actual.some((value) => compare(value, expected) <= 0)
    case '%':
      return actual.some((value) => text(value).includes(text(expected)))
    case '!%':
      return !actual.some((value) => text(value).includes(text(expected)))
    case '=%':
    case '%=':
      return actual.some((value) => like(text(value), text(expected)))
    case '!=%':
    case '!%=':
      return !actual.some((value) => like(text(value), text(expected)))
    default:
      return same()
  }
}

function text(value: unknown): string {
  return value === null || value === undefined ? '' : String(value).toLowerCase()
}

function equal(actual: unknown, expected: unknown): boolean {
  if (actual === null || actual === undefined || actual === '') return expected === null || expected === '' || expected === false
  return text(actual) === text(expected)
}

function like(value: string, pattern: string): boolean {
  const escaped = pattern.split('%').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')
  return new RegExp(`^${escaped}$`, 's').test(value)
}

function compare(actual: unknown, expected: unknown): number {
  const [left, right] = [actual, expected].map((value) => {
    const number = Number(value)
    return Number.isFinite(number) ? number : Date.parse(String(value))
  })
  return Number.isNaN(left!) || Number.isNaN(right!) ? text(actual).localeCompare(text(expected)) : left! - right!
}

function sort(rows: Record<string, any>[], order: Record<string, unknown>, allowed: (field: string) => boolean): void {
  const rules = Object.entries(order)
  for (const [field, direction] of rules) {
    if (!allowed(field)) throw new RestError('INVALID_ARG_VALUE', `Invalid order: field '${field}' is not allowed in order`)
    if (!/^(asc|desc)$/i.test(String(direction))) {
      throw new RestError('INVALID_ARG_VALUE', `Invalid order: allowed sort directions are \`ASC, DESC\`. But got '${String(direction)}' for field '${field}'`)
    }
  }
  rows.sort((a, b) => {
    for (const [field, direction] of rules) {
      const difference = compare(a[field], b[field])
      if (difference !== 0) return /desc/i.test(String(direction)) ? -difference : difference
    }
    return 0
  })
}
