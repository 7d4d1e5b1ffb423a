/** The limits that hold for every server. They are not settings: they are shown so that a fault that names one is understood. */
export const LIMITS = [
  { key: 'message', value: '16 MiB' },
  { key: 'errorBody', value: '64 KiB' },
  { key: 'headers', value: '64 KiB' },
  { key: 'tools', value: '512' },
  { key: 'definition', value: '256 KiB' },
  { key: 'schema', value: '64 / 2 000' },
  { key: 'inFlight', value: '64 / 256' },
  { key: 'total', value: '10 min' },
  { key: 'stderr', value: '256 KiB' },
  { key: 'wire', value: '2 000 × 64 KiB' },
  { key: 'restarts', value: '5 / 60 s' },
  { key: 'redirects', value: '3 / 0' },
] as const;
