/** How every text editor of the window looks: colours from the tokens. */
import { HighlightStyle } from '@codemirror/language';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

export const look = EditorView.theme({
  '&': { fontSize: '12px', backgroundColor: 'var(--ph-surface)', color: 'var(--ph-text)' },
  '.cm-scroller': { fontFamily: 'var(--ph-mono)', lineHeight: '18px' },
  '.cm-content': { caretColor: 'var(--ph-text)', padding: '6px 0' },
  '.cm-gutters': { backgroundColor: 'var(--ph-sunken)', color: 'var(--ph-faint)', border: '0' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--ph-accent) 7%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--ph-accent) 12%, transparent)', color: 'var(--ph-text)' },
  '.cm-cursor': { borderLeftColor: 'var(--ph-text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--ph-accent) 26%, transparent)',
  },
  '.cm-tooltip': { backgroundColor: 'var(--ph-surface)', color: 'var(--ph-text)', border: '1px solid var(--ph-line-strong)', borderRadius: '6px' },
  '.cm-panels': { backgroundColor: 'var(--ph-sunken)', color: 'var(--ph-text)' },
  '.cm-foldPlaceholder': { backgroundColor: 'var(--ph-sunken)', border: '1px solid var(--ph-line)', color: 'var(--ph-muted)' },
  '&.cm-focused': { outline: 'none' },
});

export const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--ph-accent)' },
  { tag: tags.string, color: 'var(--ph-ok)' },
  { tag: tags.number, color: 'var(--ph-run)' },
  { tag: [tags.comment, tags.meta], color: 'var(--ph-faint)' },
  { tag: [tags.bool, tags.null], color: 'var(--ph-ask)' },
]);
