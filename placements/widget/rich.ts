import type { MessageView } from '../../src/site-chat/protocol.ts'
import { h } from './dom.ts'
import { partsOf } from './model.ts'

type Rich = NonNullable<MessageView['rich']>

const tags = { bold: 'strong', italic: 'em', underline: 'u', strike: 's', quote: 'blockquote' } as const

const link = (url: string, children: readonly (Node | string)[]): Node =>
  /^(?:https?:|mailto:|tel:)/i.test(url) ? h('a', { href: url, target: '_blank', rel: 'noopener noreferrer nofollow' }, ...children) : h('span', {}, ...children)

const plain = (text: string): (Node | string)[] => partsOf(text).map((part) => (part.url === undefined ? part.text : link(part.url, [part.text])))

/** A message's formatting as elements; what is not known is shown as its words. */
const nodesOf = (rich: Rich): (Node | string)[] =>
  rich.flatMap((node) => {
    switch (node.type) {
      case 'text':
        return plain(node.text)
      case 'lineBreak':
        return [h('br')]
      case 'code':
        return [h('code', {}, node.text)]
      case 'link':
        return [link(node.url, node.children.length === 0 ? [node.url] : nodesOf(node.children))]
      default:
        return [h(tags[node.type] ?? 'span', {}, ...nodesOf(node.children))]
    }
  })

export const contentOf = ({ text, rich }: Pick<MessageView, 'text' | 'rich'>): (Node | string)[] => (rich === undefined ? plain(text) : nodesOf(rich))
