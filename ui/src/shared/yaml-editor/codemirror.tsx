/** CodeMirror for manifests: highlighting, folding, several cursors, search; what is wrong, what can follow and what a field means come from outside. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { bracketMatching, codeFolding, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { crosshairCursor, drawSelection, dropCursor, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, hoverTooltip, keymap, lineNumbers, rectangularSelection } from '@codemirror/view';
import { useEffect, useImperativeHandle, useRef } from 'react';
import { colours, look } from '../json/look';
import type { YamlEditorProps } from './editor';
import { diagnostics, explain, offered } from './parts';
import { fitting } from './text';

export default function CodeMirror({ load, onChange, marks, label, readOnly, complete, hover, calm, words, handle }: YamlEditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const parts = useRef({ frozen: new Compartment(), named: new Compartment() });
  const out = useRef({ onChange, complete, hover, calm, words });
  const shown = useRef(load.id);
  const first = useRef(load.text);
  const loading = useRef(false);
  useEffect(() => {
    out.current = { onChange, complete, hover, calm, words };
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
          autocompletion({
            override: [(context) => (context.explicit || context.state.doc.length <= out.current.calm ? offered(context, out.current.complete, out.current.words) : null)],
            activateOnTypingDelay: 120,
            icons: false,
          }),
          hoverTooltip(
            async (editor, pos) => {
              if (editor.state.doc.length > out.current.calm) return null;
              const line = editor.state.doc.lineAt(pos);
              const doc = editor.state.doc;
              const found = await out.current.hover({ text: doc.toString(), line: line.number, column: pos - line.from + 1 }, new AbortController().signal).catch(() => null);
              // Of a text that is no more there is nothing to say.
              if (!found || editor.state.doc !== doc || found.to > doc.length) return null;
              return { pos: found.from, end: found.to, above: true, create: () => ({ dom: explain(found, out.current.words) }) };
            },
            { hoverTime: 350 },
          ),
          parts.current.frozen.of([]),
          parts.current.named.of([]),
          keymap.of([
            // The page's own keys come first.
            { key: 'Mod-Enter', run: () => true },
            // Escape first, then Tab leaves: the editor must not trap the keyboard.
            ...closeBracketsKeymap,
            ...completionKeymap,
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
