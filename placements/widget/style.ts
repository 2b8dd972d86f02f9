/** Every rule of the chat. Important where the page's own rules could reach: inside a shadow root such a rule wins over the page's important ones. */
export const style = `
:host { all: initial !important; position: fixed !important; right: 0 !important; bottom: 0 !important; width: 0 !important; height: 0 !important; display: block !important; z-index: 2147483000 !important; visibility: visible !important; opacity: 1 !important; }
* , *::before, *::after { box-sizing: border-box; }
[hidden] { display: none !important; }
.root { --accent: #0b7a75; --ink: #fff; font: 400 15px/1.4 system-ui, -apple-system, 'Segoe UI', Roboto, Arial, sans-serif; color: #1b2733; text-align: left; -webkit-text-size-adjust: 100%; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; margin: 0; cursor: pointer; -webkit-tap-highlight-color: transparent; }
button:disabled { cursor: default; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 22px; height: 22px; display: block; flex: none; }
a { color: inherit; text-underline-offset: 2px; }
.launch { position: fixed; right: 24px; bottom: 24px; width: 60px; height: 60px; border-radius: 50%; background: var(--accent); color: var(--ink); display: grid; place-items: center; box-shadow: 0 6px 20px rgb(15 35 55 / .28); transition: transform .15s ease; }
.launch:hover { transform: scale(1.05); }
.launch:focus-visible { outline-offset: 4px; }
.launch svg { width: 28px; height: 28px; }
.badge { position: absolute; top: -3px; right: -3px; min-width: 22px; height: 22px; padding: 0 6px; border-radius: 11px; background: #d92f3c; color: #fff; font-size: 12px; font-weight: 600; line-height: 22px; text-align: center; box-shadow: 0 0 0 2px #fff; }
.window { position: fixed; right: 24px; bottom: 96px; width: 380px; height: min(620px, calc(100vh - 120px)); background: #fff; border-radius: 18px; box-shadow: 0 12px 48px rgb(15 35 55 / .25); display: flex; flex-direction: column; overflow: hidden; animation: rise .18s ease; }
@keyframes rise { from { opacity: 0; transform: translateY(12px); } }
.head { background: var(--accent); color: var(--ink); padding: 14px 12px 14px 18px; display: flex; align-items: center; gap: 10px; }
.head :focus-visible { outline-color: var(--ink); }
.names { flex: 1; min-width: 0; }
.title { font-size: 16px; font-weight: 600; margin: 0; }
.status { font-size: 13px; opacity: .9; }
.round { width: 40px; height: 40px; border-radius: 50%; display: grid; place-items: center; flex: none; }
.round:hover { background: rgb(127 127 127 / .16); }
.go { padding: 8px 18px; background: #f3f6f8; font-size: 13px; display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; color: #52616f; }
.go a, .go button { color: var(--accent); font-weight: 600; text-decoration: none; }
.go a:hover, .go button:hover { text-decoration: underline; }
.log { flex: 1; overflow-y: auto; overscroll-behavior: contain; padding: 16px 14px; background: #f3f6f8; display: flex; flex-direction: column; gap: 6px; }
.day { align-self: center; font-size: 12px; color: #5c6b79; margin: 8px 0 4px; }
.older { align-self: center; font-size: 13px; color: var(--accent); padding: 6px 12px; border-radius: 12px; }
.older:hover { background: #e5ebef; }
.row { display: flex; align-items: center; gap: 2px; max-width: 100%; }
.row.own { justify-content: flex-end; }
.bubble { max-width: 82%; min-width: 64px; padding: 8px 12px 6px; border-radius: 16px 16px 16px 5px; background: #fff; box-shadow: 0 1px 1px rgb(15 35 55 / .07); overflow-wrap: anywhere; white-space: pre-wrap; }
.own .bubble { border-radius: 16px 16px 5px 16px; background: color-mix(in srgb, var(--accent) 16%, #fff); }
.bubble blockquote, .quoted { margin: 2px 0; padding: 0 0 0 8px; border-left: 3px solid color-mix(in srgb, var(--accent) 60%, #fff); }
.quoted { font-size: 13px; color: #52616f; max-height: 38px; overflow: hidden; margin-bottom: 4px; }
.bubble code { font: 13px/1.4 ui-monospace, Menlo, Consolas, monospace; background: rgb(15 35 55 / .07); border-radius: 4px; padding: 0 4px; }
.bubble a { color: #0b5fa5; }
.gone { color: #5c6b79; font-style: italic; }
.meta { display: flex; justify-content: flex-end; align-items: center; gap: 4px; font-size: 11.5px; color: #5c6b79; margin-top: 2px; white-space: nowrap; }
.meta svg { width: 15px; height: 15px; }
.meta .read { color: #0b7a4b; }
.picture { display: block; max-width: 100%; max-height: 240px; border-radius: 10px; margin: 2px 0 4px; background: #e5ebef; min-height: 40px; object-fit: contain; }
.bubble audio, .bubble video { display: block; max-width: 100%; margin: 2px 0 4px; }
.file { display: flex; align-items: center; gap: 8px; text-decoration: none; margin: 2px 0; }
.file small { display: block; color: #5c6b79; }
.choices { display: flex; flex-direction: column; gap: 6px; margin: 8px 0 4px; }
.choice { border: 1.5px solid var(--accent); border-radius: 12px; padding: 8px 12px; font-weight: 600; text-align: center; white-space: normal; }
.choice:hover:not(:disabled) { background: color-mix(in srgb, var(--accent) 10%, #fff); }
.choice[aria-pressed='true'] { background: var(--accent); color: var(--ink); }
.choice:disabled:not([aria-pressed='true']) { opacity: .55; }
.more { width: 32px; height: 32px; border-radius: 50%; display: grid; place-items: center; color: #5c6b79; opacity: 0; }
.row:hover .more, .more:focus-visible, .more[aria-expanded='true'] { opacity: 1; }
.more:hover { background: #e5ebef; }
@media (hover: none) { .more { opacity: .6; } }
.menu { margin-top: 4px; display: flex; justify-content: flex-end; gap: 6px; font-size: 13px; }
.menu button { padding: 5px 10px; border-radius: 10px; background: #fff; box-shadow: 0 1px 3px rgb(15 35 55 / .15); }
.menu .danger, .wrong { color: #b3202c; }
.wrong { align-self: flex-end; font-size: 13px; max-width: 82%; text-align: right; }
.wrong button { font-weight: 600; text-decoration: underline; margin-left: 8px; }
.consent { background: #fff; border-radius: 14px; padding: 16px; display: flex; flex-direction: column; gap: 12px; box-shadow: 0 1px 2px rgb(15 35 55 / .1); font-size: 14px; margin-top: 8px; }
.consent p { margin: 0; white-space: pre-wrap; }
.main { background: var(--accent); color: var(--ink); border-radius: 12px; padding: 11px 16px; font-weight: 600; }
.main:hover { filter: brightness(.95); }
.notice { padding: 8px 16px; font-size: 13px; background: #fdf1dc; color: #6b4700; }
.editing { background: #fff; padding: 8px 16px 0; font-size: 13px; color: #52616f; display: flex; justify-content: space-between; }
.editing button { color: var(--accent); font-weight: 600; }
.write { display: flex; align-items: flex-end; gap: 2px; padding: 8px 8px 10px; border-top: 1px solid #e5ebef; background: #fff; }
.write .round { color: #52616f; }
.write .send { color: var(--accent); }
.write .send:disabled { color: #a8b4bf; }
textarea { flex: 1; min-width: 0; font: inherit; font-size: 16px; color: inherit; border: 0; resize: none; padding: 9px 6px; max-height: 120px; background: transparent; outline: none; }
/* The line above the whole form says where one types. */
textarea:focus-visible { outline: none; }
textarea::placeholder { color: #6c7a87; }
.write:focus-within { box-shadow: inset 0 2px 0 var(--accent); }
.emoji { background: #fff; display: grid; grid-template-columns: repeat(8, 1fr); gap: 2px; padding: 8px; border-top: 1px solid #e5ebef; }
.emoji button { font-size: 22px; line-height: 36px; border-radius: 8px; }
.emoji button:hover { background: #f3f6f8; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
@media (max-width: 480px) {
  .window { inset: 0; width: 100%; height: 100vh; height: 100dvh; border-radius: 0; padding: env(safe-area-inset-top) 0 env(safe-area-inset-bottom); background: var(--accent); }
  .root.opened .launch { display: none; }
  .launch { right: 16px; bottom: calc(16px + env(safe-area-inset-bottom)); }
}
@media (prefers-reduced-motion: reduce) { .window, .launch { animation: none; transition: none; } }
@media print { .root { display: none; } }
`
