/** Where the window is: `#/servers/<id>/<tab>?q=…`. The hash survives a reload and needs no server. */
import { useSyncExternalStore } from 'react';

export type Route = { path: string[]; query: URLSearchParams };

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const parts = path.split('/').filter(Boolean).map(plain);
  return { path: parts.length > 0 ? parts : ['servers'], query: new URLSearchParams(query) };
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a place in the window. */
export function href(path: string[], query?: Record<string, string | null | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value) search.set(name, value);
  const tail = search.toString();
  return `#/${path.map(encodeURIComponent).join('/')}${tail ? `?${tail}` : ''}`;
}

export function go(path: string[], query?: Record<string, string | null | undefined>): void {
  const next = href(path, query);
  if (window.location.hash !== next) window.location.hash = next;
}

/** Changes the address without a new step in the history: typing in a filter is not a journey. */
export function replace(path: string[], query?: Record<string, string | null | undefined>): void {
  const next = href(path, query);
  if (window.location.hash === next) return;
  window.history.replaceState(null, '', next);
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

const subscribe = (tell: () => void) => {
  window.addEventListener('hashchange', tell);
  return () => window.removeEventListener('hashchange', tell);
};

let last: { hash: string; route: Route } | null = null;
const snapshot = (): Route => {
  const hash = window.location.hash;
  if (!last || last.hash !== hash) last = { hash, route: parse(hash) };
  return last.route;
};

export const useRoute = (): Route => useSyncExternalStore(subscribe, snapshot);
