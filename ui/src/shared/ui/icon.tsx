/** Line icons on a 16 px grid, drawn for this window. Decorative: the word or label stands beside them. */
import type { CSSProperties } from 'react';

const SHAPES = {
  servers: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5h.01M5 11h.01M8 5h3M8 11h3',
  tools: 'M9.7 3.1a3.2 3.2 0 0 0-3.9 4.1L2.6 10.400a1.6 1.6 0 0 0 0 2.300l.7.7a1.6 1.6 0 0 0 2.3 0l3.2-3.200a3.2 3.2 0 0 0 4.1-3.900L10.8 8.4 8.9 7.9 8.2 5.900z',
  activity: 'M1.5 8.500h2.800l2-5.5 3.2 10 2.2-4.500h2.8',
  settings: 'M2 4.500h6M11.5 4.500H14M2 11.500h2.500M8 11.500h6M9.7 2.800a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.400zM6.2 9.800a1.7 1.7 0 1 1 0 3.4 1.7 1.7 0 0 1 0-3.400z',
  search: 'M7 2.500a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14',
  plus: 'M8 3v10M3 8h10',
  minus: 'M3 8h10',
  close: 'M4 4l8 8M12 4l-8 8',
  check: 'M3 8.5 6.5 12 13 4.5',
  chevronRight: 'M6 3.5 10.5 8 6 12.5',
  chevronDown: 'M3.5 6 8 10.5 12.5 6',
  chevronLeft: 'M10 3.5 5.5 8 10 12.5',
  arrowUp: 'M8 13V3M4 7l4-4 4 4',
  arrowDown: 'M8 3v10M4 9l4 4 4-4',
  more: 'M3.5 8h.01M8 8h.01M12.5 8h.01',
  copy: 'M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3',
  play: 'M4.5 3v10l8-5z',
  stop: 'M4 4h8v8H4z',
  pause: 'M5 3.500v9M11 3.500v9',
  refresh: 'M13 8a5 5 0 1 1-1.6-3.700M13 2.500v3h-3',
  edit: 'M3 13l.6-2.800L11 2.800a1.4 1.4 0 0 1 2 0l.2.2a1.4 1.4 0 0 1 0 2L5.8 12.400zM9.8 4l2.2 2.2',
  trash: 'M2.5 4.500h11M6 4.500v-2h4v2M4 4.500l.6 9h6.800l.6-9M6.7 7v4M9.3 7v4',
  duplicate: 'M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3M9.5 7.700v3.600M7.7 9.500h3.6',
  plug: 'M6 2v3.500M10 2v3.500M4 5.500h8v2.500a4 4 0 0 1-8 0zM8 12v2.5',
  unplug: 'M6 2v3.500M10 2v3.500M4 5.500h8v2.500a4 4 0 0 1-8 0zM8 12v2.500M2 14 14 2',
  sun: 'M8 5.200a2.8 2.8 0 1 1 0 5.6 2.8 2.8 0 0 1 0-5.600zM8 1.500v1.300M8 13.200v1.300M1.5 8h1.300M13.2 8h1.300M3.4 3.400l.9.9M11.7 11.700l.9.9M12.6 3.400l-.9.9M4.3 11.700l-.9.9',
  moon: 'M13 9.600A5.5 5.5 0 0 1 6.4 3a5.3 5.3 0 1 0 6.6 6.600z',
  auto: 'M8 2.500a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 2.500v11M8 5h4.600M8 8h5.500M8 11h4.6',
  lang: 'M2 4h7M5.5 2.500V4M3.5 4c.5 2.5 2.5 4.5 5 5.500M7.5 4C7 6.5 5 8.5 2.5 9.500M8 14l2.8-7 2.7 7M9 11.800h3.6',
  sidebar: 'M2.5 3h11v10h-11zM6 3v10',
  warn: 'M8 2.5 14.5 13.500h-13zM8 6.500v3.200M8 11.600h.01',
  fail: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM6 6l4 4M10 6l-4 4',
  ok: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM5.3 8.200l2 2 3.5-4',
  off: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM3.8 3.800l8.4 8.4',
  idle: 'M8 3.500a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9z',
  busy: 'M13.5 8A5.5 5.5 0 1 1 8 2.5',
  person: 'M8 2.500a2.7 2.7 0 1 1 0 5.4 2.7 2.7 0 0 1 0-5.400zM2.8 13.500c.5-2.7 2.6-4 5.2-4s4.7 1.3 5.2 4',
  shield: 'M8 1.8 13 3.600v4c0 3.2-2 5.4-5 6.6-3-1.2-5-3.4-5-6.600v-4zM5.8 8l1.6 1.6 2.9-3.2',
  lock: 'M4 7.200h8v6.300H4zM5.7 7.200V5a2.3 2.3 0 0 1 4.6 0v2.2',
  clock: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 4.700V8l2.3 1.6',
  file: 'M4 1.800h5.200L12.5 5v9.200H4zM9 1.800V5.200h3.5',
  folder: 'M1.8 3.500h4.400l1.3 1.700h6.700v7.800H1.800z',
  info: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM8 7.300v3.700M8 5h.01',
  list: 'M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01',
  braces: 'M6 2.500c-1.5 0-2 .7-2 2v1.700C4 7.3 3.4 8 2.5 8c.9 0 1.5.7 1.5 1.800v1.700c0 1.3.5 2 2 2M10 2.500c1.5 0 2 .7 2 2v1.700c0 1.1.6 1.8 1.5 1.8-.9 0-1.5.7-1.5 1.800v1.700c0 1.3-.5 2-2 2',
  history: 'M3 8a5 5 0 1 0 1.6-3.700M3 2.500v3h3M8 5.200V8l2 1.3',
  external: 'M9.5 2.500h4v4M13.5 2.5 7.5 8.500M11.5 9v4.500h-9v-9H7',
  download: 'M8 2.500v7.500M4.8 7 8 10.2 11.2 7M2.5 13.500h11',
  upload: 'M8 10.200V2.700M4.8 5.7 8 2.500l3.2 3.200M2.5 13.500h11',
  filter: 'M2 3h12L9.5 8.300v4.500l-3-1.600V8.300z',
  terminal: 'M1.8 2.800h12.400v10.400H1.800zM4.3 6l2.2 2-2.2 2M8 10.200h3.5',
  template: 'M2.5 2.500h11v3.200h-11zM2.5 8.200h4.500v5.300H2.500zM9.5 8.200h4v5.300h-4z',
  globe: 'M8 2a6 6 0 1 1 0 12A6 6 0 0 1 8 2zM2 8h12M8 2c2.2 1.8 2.8 4 2.8 6s-.6 4.2-2.8 6c-2.2-1.8-2.8-4-2.8-6S5.8 3.8 8 2z',
  wheel: 'M8 5.500a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 2.800a5.2 5.2 0 1 1 0 10.400A5.2 5.2 0 0 1 8 2.800zM8 1v4.500M8 10.500V15M1 8h4.500M10.5 8H15M3 3l3.2 3.200M9.8 9.8 13 13M13 3 9.8 6.200M6.2 9.8 3 13',
  bench: 'M2 4.500h12M3.5 4.500v8M12.5 4.500v8M5.8 8l1.400 1.400-1.400 1.400M8.8 10.800h2M5 2.200h6',
  keyboard: 'M1.5 4h13v8h-13zM4 6.500h.01M6.7 6.500h.01M9.3 6.500h.01M12 6.500h.01M5 9.500h6',
  star: 'M8 2.2 9.7 6l4.1.4-3.1 2.7.9 4L8 11l-3.6 2.1.9-4L2.2 6.4 6.3 6z',
  compare: 'M5 2.500v11M5 13.5 2.5 11M5 2.5 2.5 5M11 2.500v11M11 2.5 13.5 5M11 13.500l2.5-2.5',
} as const;

export type IconName = keyof typeof SHAPES;

type Props = { name: IconName; size?: number; className?: string; style?: CSSProperties };

export function Icon({ name, size = 16, className, style }: Props) {
  const dots = name === 'more' || name === 'list';
  return (
    <svg
      className={`ph-icon${name === 'busy' ? ' ph-spin' : ''}${className ? ` ${className}` : ''}`}
      style={style}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth={dots ? 1.8 : 1.35}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={SHAPES[name]} />
    </svg>
  );
}
