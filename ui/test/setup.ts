/** What jsdom lacks: sizes, media queries, observers. Unmounts after each test. */
import { cleanup, configure } from '@testing-library/react';
import { afterEach, beforeEach, vi } from 'vitest';
import { setLang } from '@/shared/i18n/t';
import { forgetToasts } from '@/shared/ui/toasts';
import { helpOpen, paletteOpen, questionsOpen } from '@/shared/lib/flag';
import { plainStyle } from './styles';

window.getComputedStyle = plainStyle;

Object.defineProperty(window, 'matchMedia', {
  writable: true,
  value: (query: string) => ({ matches: false, media: query, onchange: null, addListener: vi.fn(), removeListener: vi.fn(), addEventListener: vi.fn(), removeEventListener: vi.fn(), dispatchEvent: vi.fn() }),
});

// A loaded machine is slow, not wrong.
configure({ asyncUtilTimeout: 20_000 });

class Watch {
  observe() {}
  unobserve() {}
  disconnect() {}
}
vi.stubGlobal('ResizeObserver', Watch);
vi.stubGlobal('IntersectionObserver', Watch);

// A list draws the rows it has room for: in jsdom it has room for about twenty.
Object.defineProperty(HTMLElement.prototype, 'offsetHeight', { configurable: true, get: () => 640 });
Object.defineProperty(HTMLElement.prototype, 'offsetWidth', { configurable: true, get: () => 1400 });
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1400 });
Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, get: () => 640 });
Element.prototype.scrollIntoView = () => undefined;
Element.prototype.scrollTo = () => undefined;
Element.prototype.setPointerCapture = () => undefined;
Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
Range.prototype.getBoundingClientRect = () => new DOMRect();
Object.defineProperty(document, 'fonts', { value: { addEventListener: () => undefined, removeEventListener: () => undefined } });
window.innerWidth = 1280;
window.innerHeight = 800;
window.CSS ??= {} as typeof CSS;
window.CSS.escape ??= (text: string) => text;

beforeEach(() => {
  localStorage.clear();
  window.history.replaceState(null, '', '#/servers');
  setLang('en');
});

afterEach(() => {
  cleanup();
  forgetToasts();
  for (const flag of [helpOpen, paletteOpen, questionsOpen]) flag.set(false);
});

// CodeMirror measures glyphs, which jsdom has none of. Its place is taken by the plain box that stands in for it while it loads.
vi.mock('@/shared/yaml-editor/codemirror', async () => ({ default: (await import('./plain-yaml')).PlainYaml }));
vi.mock('@/shared/json/codemirror', async () => ({ default: (await import('./plain-editor')).PlainEditor }));
