/** Work that goes on only while someone can see the page. */
import { onBeforeUnmount, onMounted } from 'vue'

/** Runs `work` every `intervalMs` and whenever the page comes back into sight; one run at a time. What it throws is its own affair. */
export const whileVisible = (intervalMs: number, work: () => Promise<void>): void => {
  let timer = 0
  let isRunning = false
  const run = () => {
    if (isRunning || document.visibilityState !== 'visible') return
    isRunning = true
    void work()
      .catch(() => undefined)
      .finally(() => (isRunning = false))
  }
  onMounted(() => {
    timer = window.setInterval(run, intervalMs)
    document.addEventListener('visibilitychange', run)
  })
  onBeforeUnmount(() => {
    clearInterval(timer)
    document.removeEventListener('visibilitychange', run)
  })
}
