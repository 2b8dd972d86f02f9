const basic = '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'
const extended = '^{}\\[~]|€'

/** How many SMS a text takes: GSM-7 160 or 153 per part, UCS-2 70 or 67 as soon as one letter needs it. */
export function countSegments(text: string): number {
  let septets = 0
  for (const char of text) {
    if (extended.includes(char)) septets += 2
    else if (basic.includes(char)) septets++
    else return text.length <= 70 ? 1 : Math.ceil(text.length / 67)
  }
  return septets <= 160 ? 1 : Math.ceil(septets / 153)
}

const latin: Record<string, string> = {
  а: 'a', б: 'b', в: 'v', г: 'g', д: 'd', е: 'e', ё: 'yo', ж: 'zh', з: 'z', и: 'i', й: 'j', к: 'k', л: 'l', м: 'm', н: 'n', о: 'o', п: 'p',
  р: 'r', с: 's', т: 't', у: 'u', ф: 'f', х: 'h', ц: 'c', ч: 'ch', ш: 'sh', щ: 'sch', ъ: "'", ы: 'y', ь: "'", э: 'e', ю: 'yu', я: 'ya',
  '«': '"', '»': '"', '—': '-', '–': '-', '№': 'N', '…': '...',
}

/** What SMSC makes of Cyrillic with `translit=1`. */
export function transliterate(text: string): string {
  return Array.from(text, (char) => {
    const small = latin[char.toLowerCase()]
    if (small === undefined) return char
    return char === char.toLowerCase() ? small : small.charAt(0).toUpperCase() + small.slice(1)
  }).join('')
}
