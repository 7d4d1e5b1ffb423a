/**
 * What an element looks like where no sheet is loaded: its own `style`, and what browsers do with tags by themselves.
 *
 * jsdom works every property of every rule out anew for each element that is asked about; that was half of the time of all tests, for the
 * few properties that names, roles and visibility hang on.
 */

const BLOCK = new Set(
  'address article aside blockquote body center dd details dialog div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend main menu nav ol p pre search section summary ul'.split(' '),
);
const NONE = new Set('area base datalist head link meta noembed noframes param rp script style template title'.split(' '));
const OTHER: Record<string, string> = {
  button: 'inline-block', input: 'inline-block', select: 'inline-block', textarea: 'inline-block', meter: 'inline-block', progress: 'inline-block', li: 'list-item',
  table: 'table', thead: 'table-header-group', tbody: 'table-row-group', tfoot: 'table-footer-group', tr: 'table-row', td: 'table-cell', th: 'table-cell', caption: 'table-caption', col: 'table-column', colgroup: 'table-column-group',
};
const INHERITED = new Set(['visibility', 'cursor', 'pointer-events', 'direction', 'white-space', 'text-transform', 'user-select']);
const USUAL: Record<string, string> = { visibility: 'visible', opacity: '1', position: 'static', overflow: 'visible', 'overflow-x': 'visible', 'overflow-y': 'visible', 'pointer-events': 'auto', direction: 'ltr', 'white-space': 'normal', float: 'none', clip: 'auto', content: 'none' };

function display(element: Element): string {
  const tag = element.localName;
  if (element.hasAttribute('hidden') || NONE.has(tag)) return 'none';
  if (tag === 'dialog' && !element.hasAttribute('open')) return 'none';
  if (tag === 'input' && element.getAttribute('type') === 'hidden') return 'none';
  return OTHER[tag] ?? (BLOCK.has(tag) ? 'block' : 'inline');
}

function value(element: Element, property: string): string {
  for (let at: Element | null = element; at; at = INHERITED.has(property) ? at.parentElement : null) {
    const own = (at as HTMLElement).style?.getPropertyValue(property);
    if (own) return own;
  }
  return property === 'display' ? display(element) : (USUAL[property] ?? '');
}

const dashed = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

export function plainStyle(element: Element, pseudo?: string | null): CSSStyleDeclaration {
  const read = (property: string) => (pseudo ? (property === 'content' ? 'none' : '') : value(element, property));
  const known: Record<string, unknown> = { getPropertyValue: read, getPropertyPriority: () => '', length: 0, item: () => '', cssText: '' };
  return new Proxy({} as CSSStyleDeclaration, {
    get: (_, name) => (typeof name !== 'string' ? undefined : name in known ? known[name] : read(name === 'cssFloat' ? 'float' : dashed(name))),
    has: () => true,
  });
}
