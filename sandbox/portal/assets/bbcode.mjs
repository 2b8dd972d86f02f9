// What the messenger makes of the codes in a text. Nothing of the text gets into the page unescaped.

const pairs = { b: 'b', i: 'i', u: 'u', s: 's' }

export function escapeHtml(text) {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}

/** HTML of a message. Unknown codes are shown as they are. */
export function formatText(text) {
  let html = escapeHtml(text)
  for (const [code, tag] of Object.entries(pairs)) {
    html = html.replace(new RegExp(`\\[${code}\\]([\\s\\S]*?)\\[/${code}\\]`, 'gi'), `<${tag}>$1</${tag}>`)
  }
  html = html
    .replace(/\[url=(https?:[^\]]+|\/[^\]/][^\]]*)\]([\s\S]*?)\[\/url\]/gi, '<a href="$1" target="_blank" rel="noopener">$2</a>')
    .replace(/\[url\](https?:[^[]+)\[\/url\]/gi, '<a href="$1" target="_blank" rel="noopener">$1</a>')
    .replace(/\[(?:send|put)(?:=[^\]]*)?\]([\s\S]*?)\[\/(?:send|put)\]/gi, '<span class="action">$1</span>')
    .replace(/\[user=\d+[^\]]*\]([\s\S]*?)\[\/user\]/gi, '<span class="mention">$1</span>')
    .replace(/\[quote\]([\s\S]*?)\[\/quote\]/gi, '<blockquote>$1</blockquote>')
    .replace(/-{20,}\n([\s\S]*?)\n-{20,}\n?/g, '<blockquote>$1</blockquote>')
    .replace(/\[like\]/gi, '👍').replace(/\[dislike\]/gi, '👎')
    .replace(/\[br\]/gi, '\n')
  return html
    .replace(/(^|[\s(])(https?:&?[^\s<)]+)/g, '$1<a href="$2" target="_blank" rel="noopener">$2</a>')
    .trim().replaceAll('\n', '<br>')
}

/** The text without its codes, for the list of chats. */
export function plainText(text) {
  return text.replace(/\[like\]/gi, '👍').replace(/\[dislike\]/gi, '👎').replace(/\[br\]/gi, ' ').replace(/\[\/?[a-z]+(=[^\]]*)?\]/gi, '').replace(/\s+/g, ' ').trim()
}
