import { safe, state } from './base.js'
import { icons } from './icons.js'

const tags = { bold: 'b', italic: 'i', underline: 'u', strike: 's', spoiler: 'span', code: 'code', pre: 'code', quote: 'blockquote' }

const anchor = (url, inner) => /^(https?|tel|mailto):/i.test(url) ? `<a href="${safe(url)}" target="_blank" rel="noopener noreferrer">${inner}</a>` : inner

// Phones make links of bare addresses by themselves.
const linkify = (text) => text.split(/(https?:\/\/[^\s<>]+[^\s<>.,;:!?)])/g)
  .map((part, index) => index % 2 === 1 ? anchor(part, safe(part)) : safe(part)).join('')

/** A text with the looks of its spans; spans lie inside each other or apart. */
export function showWords(text, spans, from = 0, to = text.length) {
  let html = ''
  let at = from
  let left = spans
  while (left.length > 0) {
    const [span, ...rest] = left
    const end = Math.min(span.from + span.length, to)
    const inside = rest.filter((one) => one.from < end)
    left = rest.filter((one) => one.from >= end)
    html += linkify(text.slice(at, span.from))
    const isCode = span.kind === 'code' || span.kind === 'pre'
    const inner = isCode || span.kind === 'link' ? safe(text.slice(span.from, end)) : showWords(text, inside, span.from, end)
    html += span.kind === 'link' ? anchor(span.url, inner) : `<${tags[span.kind]} class="look-${span.kind}">${inner}</${tags[span.kind]}>`
    // A block ends its line by itself.
    at = (span.kind === 'quote' || span.kind === 'pre') && text[end] === '\n' ? end + 1 : end
  }
  return html + linkify(text.slice(at, to))
}

const sizeOf = (bytes) => bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.round(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`
const lengthOf = (seconds = 0) => `${Math.floor(seconds / 60)}:${String(Math.round(seconds % 60)).padStart(2, '0')}`

// A wave that is the same for the same file.
const wave = (id) => Array.from({ length: 26 }, (_, index) => `<i style="height:${4 + (id.charCodeAt(index % id.length) * (index + 7)) % 13}px"></i>`).join('')

function showFile(file) {
  switch (file.kind) {
    case 'image': return `<a class="photo" href="${file.url}" target="_blank" rel="noopener"><img src="${file.url}" alt="${safe(file.name)}"></a>`
    case 'sticker': return `<img class="sticker" src="${file.url}" alt="${safe(file.name)}">`
    case 'voice':
    case 'audio': return `<span class="voice"><button data-play="${file.url}" aria-label="${state.word.play}">${icons.play}</button><span class="wave">${wave(file.id)}</span><small>${file.kind === 'audio' ? safe(file.name) : lengthOf(file.seconds)}</small></span>`
    case 'video': return `<a class="video" href="${file.url}" target="_blank" rel="noopener">${icons.play}<small>${safe(file.name)} · ${lengthOf(file.seconds)}</small></a>`
    default: {
      const kind = /\.([\p{L}\p{N}]{1,4})$/u.exec(file.name)?.[1] ?? 'file'
      return `<a class="doc" href="${file.url}" target="_blank" rel="noopener"><b>${safe(kind)}</b><span>${safe(file.name)}<small>${sizeOf(file.sizeBytes)}</small></span></a>`
    }
  }
}

const showPlace = ({ latitude, longitude, name, address }) => `<span class="place"><span class="map">${icons.pin}</span><span>${safe(name ?? state.word.place)}<small>${safe(address ?? `${latitude}, ${longitude}`)}</small></span></span>`
const showCard = ({ name, phone }) => `<span class="card-of"><b>${safe(name[0] ?? '?')}</b><span>${safe(name)}<small>${safe(phone)}</small></span></span>`

/** Everything inside a bubble but its foot. */
export function showContent({ quote, files, place, card, text, spans }) {
  return [
    quote === undefined ? '' : `<span class="quoted">${safe(quote.text)}</span>`,
    ...files.map(showFile),
    place === undefined ? '' : showPlace(place),
    card === undefined ? '' : showCard(card),
    showWords(text, spans),
  ].join('')
}

/** The words that stand for a message in one line. */
export const summary = ({ text, files, place, card }) => text || files[0]?.name || card?.name || (place === undefined ? '' : state.word.place)
