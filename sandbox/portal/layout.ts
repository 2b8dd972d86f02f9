import { RestError } from './errors.ts'
import { iconCodes, logoCodes } from './timeline-codes.ts'

/**
 * The check that crm.activity.configurable.add and update make of a layout, object by object.
 * @see https://apidocs.bitrix24.com/api-reference/crm/timeline/activities/configurable/structure/layout.html
 */

type Check = (value: unknown, path: string) => void
type Shape = Record<string, { check: Check, required?: boolean }>

const keyPattern = /^[A-Za-z0-9_-]+$/

function required(check: Check): { check: Check, required: true } {
  return { check, required: true }
}

function optional(check: Check): { check: Check } {
  return { check }
}

function wrong(path: string, why: string): RestError {
  return new RestError('WRONG_FIELD_VALUE', `Wrong value of field "${path}": ${why}`)
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function object(name: string, shape: () => Shape): Check {
  return (value, path) => {
    // PHP does not tell an empty map from an empty list.
    if (!isMap(value) && !(Array.isArray(value) && value.length === 0)) throw wrong(path, `${name} must be an object`)
    const fields = shape()
    const given = isMap(value) ? value : {}
    for (const field of Object.keys(given)) {
      if (!Object.hasOwn(fields, field)) throw new RestError('FIELD_IS_REDUNDANT', `Field "${field}" is redundant in object ${name}`)
    }
    for (const [field, rule] of Object.entries(fields)) {
      const item = given[field]
      if (item === undefined || item === null || item === '') {
        if (rule.required) throw new RestError('FIELD_IS_REQUIRED', `Field "${field}" is required in object ${name}`)
        continue
      }
      rule.check(item, `${path}.${field}`)
    }
  }
}

function map(item: Check, limits: { max?: number, min?: number } = {}): Check {
  return (value, path) => {
    const entries = value !== null && typeof value === 'object' ? Object.entries(value) : undefined
    if (!entries) throw wrong(path, 'must be an associative array')
    if (limits.max !== undefined && entries.length > limits.max) throw new RestError('TOO_MANY_ITEMS', `Field "${path}" has more than ${limits.max} items`)
    if (limits.min !== undefined && entries.length < limits.min) throw new RestError('FIELD_IS_REQUIRED', `Field "${path}" must have at least ${limits.min} item`)
    for (const [key, inner] of entries) {
      if (!keyPattern.test(key)) throw new RestError('KEY_CONTAIN_WRONG_SYMBOLS', `Key "${key}" of "${path}" contains wrong symbols`)
      item(inner, `${path}.${key}`)
    }
  }
}

function oneOf(...allowed: string[]): Check {
  return (value, path) => {
    if (!allowed.includes(String(value))) {
      throw new RestError('ENUM_FIELD', `Field "${path}" must be one of: ${allowed.join(', ')}`)
    }
  }
}

const bool: Check = (value, path) => {
  if (!/^(true|false|1|0|Y|N)$/i.test(String(value))) throw wrong(path, 'must be a boolean')
}

const string: Check = (value, path) => {
  if (typeof value !== 'string' && typeof value !== 'number') throw wrong(path, 'must be a string')
}

const integer: Check = (value, path) => {
  if (!/^-?\d+$/.test(String(value))) throw wrong(path, 'must be an integer')
}

const anyParams: Check = (value, path) => {
  map(() => undefined)(value, path)
}

/** Checks layouts against the languages of the portal and its own icons. */
export function createLayoutCheck(portal: { languages: readonly string[] }): (layout: unknown) => void {
  const text: Check = (value, path) => {
    if (isMap(value)) {
      const languages = Object.keys(value)
      if (languages.length === 0) throw wrong(path, 'the set of translations is empty')
      for (const language of languages) {
        if (!portal.languages.includes(language)) throw new RestError('WRONG_LANG', `Language "${language}" of "${path}" is not set on the portal`)
        string(value[language], `${path}.${language}`)
      }
      return
    }
    string(value, path)
  }

  const scope = optional(oneOf('web', 'mobile'))

  const sliderParams = object('ActionSliderParamsDto', () => ({ width: optional(integer), leftBoundary: optional(integer), title: optional(text) }))

  const actions: Record<string, Check> = {
    redirect: object('ActionDto', () => ({ type: required(string), uri: optional(string) })),
    restEvent: object('ActionDto', () => ({
      type: required(string), id: required(string), actionParams: optional(anyParams), animationType: optional(oneOf('disable', 'loader')),
    })),
    openRestApp: object('ActionDto', () => ({
      type: required(string),
      actionParams: optional(anyParams),
      sliderParams: optional((value, path) => {
        sliderParams(value, path)
        if (isMap(value) && value.width !== undefined && value.leftBoundary !== undefined) throw wrong(path, 'width and leftBoundary exclude each other')
      }),
    })),
  }

  const action: Check = (value, path) => {
    const type = isMap(value) ? value.type : undefined
    if (type === undefined) throw new RestError('FIELD_IS_REQUIRED', 'Field "type" is required in object ActionDto')
    oneOf(...Object.keys(actions))(type, `${path}.type`)
    actions[String(type)]!(value, path)
  }

  const nested = ['text', 'link', 'deadline']

  const blockProperties: Record<string, Check> = {
    text: object('TextContentBlockDto', () => ({
      value: required(text), multiline: optional(bool), title: optional(text), bold: optional(bool), size: optional(oneOf('xs', 'sm', 'md')),
      color: optional(oneOf('base_50', 'base_60', 'base_70', 'base_90')), scope,
    })),
    largeText: object('LargeTextContentBlockDto', () => ({ value: required(text), scope })),
    link: object('LinkContentBlockDto', () => ({ text: required(text), action: required(action), bold: optional(bool), scope })),
    withTitle: object('WithTitleContentBlockDto', () => ({ title: required(text), block: required(block(nested)), inline: optional(bool), scope })),
    lineOfBlocks: object('LineOfBlocksContentBlockDto', () => ({ blocks: required(map(block(nested))), scope })),
    deadline: object('DeadlineContentBlockDto', () => ({ readonly: optional(bool), scope })),
  }

  function block(allowed?: string[]): Check {
    return (value, path) => {
      const type = isMap(value) ? value.type : undefined
      if (type !== undefined) oneOf(...Object.keys(blockProperties))(type, `${path}.type`)
      if (allowed && type !== undefined && !allowed.includes(String(type))) throw wrong(path, `a block of type ${String(type)} cannot stand here`)
      object('ContentBlockDto', () => ({
        type: required(string),
        properties: type === 'deadline' ? optional(blockProperties.deadline!) : required(blockProperties[String(type)] ?? string),
      }))(value, path)
    }
  }

  // A tag has no scope and no hideIfReadonly, unlike buttons and menu items (note on the page of the header).
  const tag = object('TagDto', () => ({
    title: required(text), type: required(oneOf('warning', 'success', 'failure', 'primary', 'secondary')), action: optional(action),
  }))

  const button = object('FooterButtonDto', () => ({
    title: required(text), type: required(oneOf('primary', 'secondary')), action: required(action), scope, hideIfReadonly: optional(bool),
  }))

  const menuItem = object('MenuItemDto', () => ({ title: required(text), action: required(action), scope, hideIfReadonly: optional(bool) }))

  const layout = object('LayoutDto', () => ({
    icon: required(object('IconDto', () => ({ code: required(oneOf(...iconCodes)) }))),
    header: required(object('HeaderDto', () => ({ title: required(text), titleAction: optional(action), tags: optional(map(tag, { max: 2 })) }))),
    body: required(object('BodyDto', () => ({
      logo: required(object('LogoDto', () => ({ code: required(oneOf(...logoCodes)), action: optional(action) }))),
      blocks: required(map(block(), { min: 1, max: 20 })),
    }))),
    footer: optional(object('FooterDto', () => ({
      buttons: optional(map(button, { max: 2 })),
      menu: optional(object('FooterMenuDto', () => ({
        showPinItem: optional(bool), showPostponeItem: optional(bool), showDeleteItem: optional(bool), items: optional(map(menuItem, { max: 10 })),
      }))),
    }))),
  }))

  return (value) => {
    if (value === undefined || value === null || (typeof value === 'object' && Object.keys(value).length === 0)) {
      throw new RestError('ERROR_EMPTY_LAYOUT', 'The layout field must be filled')
    }
    layout(value, 'layout')
  }
}

/** A text as a person with this language reads it: own language, else English, else the first. */
export function readText(value: unknown, language: string): string {
  if (isMap(value)) return String(value[language] ?? value.en ?? Object.values(value)[0] ?? '')
  return value === undefined || value === null ? '' : String(value)
}

/** The lines that a person reads in the body of a record. */
export function readBlocks(blocks: unknown, language: string, deadline: string | null): string[] {
  const one = (block: any): string => {
    const properties = block?.properties ?? {}
    switch (block?.type) {
      case 'text':
      case 'largeText':
        return readText(properties.value, language)
      case 'link':
        return readText(properties.text, language)
      case 'withTitle':
        return `${readText(properties.title, language)}: ${one(properties.block)}`
      case 'lineOfBlocks':
        return Object.values(properties.blocks ?? {}).map(one).join(' ')
      case 'deadline':
        return deadline ?? ''
      default:
        return ''
    }
  }
  return Object.values((blocks ?? {}) as Record<string, unknown>).map(one).filter((line) => line !== '')
}
