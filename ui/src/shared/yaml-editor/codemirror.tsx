/** CodeMirror for manifests: highlighting, folding, several cursors, search; what is wrong comes from outside. */
import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { crosshairCursor, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers, rectangularSelection } from '@codemirror/view';
import { useEffect, useImperativeHandle, useRef } from 'react';
import { colours, look } from '../json/look';
import type { YamlEditorProps } from './editor';
import { diagnostics } from './parts';
import { fitting } from './text';

export default function CodeMirror({ load, onChange, marks, label, readOnly, handle }: YamlEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const parts = useRef({ frozen: new Compartment(), named: new Compartment() });
  const out = useRef({ onChange });
  const shown = useRef(load.id);
  const first = useRef(load.text);
  const loading = useRef(false);
  useEffect(() => {
    out.current = { onChange };
  });

  useEffect(() => {
    if (!box.current) return;
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          highlightActiveLineGutter(),
          foldGutter(),
          codeFolding(),
          lintGutter(),
          highlightSpecialChars(),
          history(),
          drawSelection(),
          dropCursor(),
          EditorState.allowMultipleSelections.of(true),
          indentUnit.of('  '),
          EditorState.tabSize.of(2),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          rectangularSelection(),
          crosshairCursor(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          search({ top: true }),
          yaml(),
          syntaxHighlighting(colours),
          look,
          parts.current.frozen.of([]),
          parts.current.named.of([]),
          keymap.of([
            // The page's own keys come first.
            { key: 'Mod-Enter', run: () => true },
            // Escape first, then Tab leaves: the editor must not trap the keyboard.
            ...closeBracketsKeymap,
            ...searchKeymap,
            indentWithTab,
            ...defaultKeymap,
            ...historyKeymap,
            ...foldKeymap,
            ...lintKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (!update.docChanged || loading.current) return;
            const doc = update.state.doc;
            out.current.onChange(doc.length, () => doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, []);

  useEffect(() => {
    const editor = view.current;
    if (!editor || shown.current === load.id) return;
    shown.current = load.id;
    loading.current = true;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: load.text }, selection: { anchor: 0 }, scrollIntoView: true });
    loading.current = false;
  }, [load]);

  useEffect(() => {
    view.current?.dispatch({
      effects: [
        parts.current.frozen.reconfigure(readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : []),
        parts.current.named.reconfigure(EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off' })),
      ],
    });
  }, [readOnly, label]);

  useEffect(() => {
    const editor = view.current;
    if (editor) editor.dispatch(setDiagnostics(editor.state, diagnostics(editor.state.doc, marks)));
  }, [marks]);

  useImperativeHandle(
    handle,
    () => ({
      goTo(line, column = 1) {
        const editor = view.current;
        if (!editor) return;
        const at = editor.state.doc.line(Math.min(Math.max(1, line), editor.state.doc.lines));
        const pos = Math.min(at.to, at.from + column - 1);
        editor.dispatch({ selection: { anchor: pos }, effects: EditorView.scrollIntoView(pos, { y: 'center' }) });
        editor.focus();
      },
      edit(edits) {
        const editor = view.current;
        if (editor) editor.dispatch({ changes: fitting(edits, editor.state.doc.length), userEvent: 'input.fix', scrollIntoView: true });
      },
      focus: () => view.current?.focus(),
    }),
    [],
  );

  return <div ref={box} className="ph-yamlmirror" />;
}
