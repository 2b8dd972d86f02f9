/** Counters and gauges in Prometheus' text form. Names carry their unit; labels never hold personal data. */
export interface Metrics {
  count(name: string, labels?: Readonly<Record<string, string>>, by?: number): void
  render(): string
}

export const createMetrics = (): Metrics => {
  const values = new Map<string, number>()
  return {
    count: (name, labels = {}, by = 1) => {
      const inner = Object.entries(labels).map(([key, value]) => `${key}="${value.replace(/["\\\n]/g, '_')}"`).join(',')
      const key = inner === '' ? name : `${name}{${inner}}`
      values.set(key, (values.get(key) ?? 0) + by)
    },
    render: () => [...values].sort(([a], [b]) => a.localeCompare(b)).map(([key, value]) => `${key} ${value}\n`).join(''),
  }
}
