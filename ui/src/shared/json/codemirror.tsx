/** CodeMirror with JSON, or with YAML to read: colours from the tokens, syntax and schema problems in place. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { json, jsonParseLinter } from '@codemirror/lang-json';
import { bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting, syntaxTree } from '@codemirror/language';
import { linter, lintGutter, lintKeymap, type Diagnostic } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState } from '@codemirror/state';
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view';
import { useEffect, useRef } from 'react';
import type { Issue } from '../schema-form/validate';
import type { EditorProps } from './editor';
import { colours, look } from './look';
import { yaml } from './yaml';

export default function CodeMirror({ value, onChange, label, minHeight = 120, maxHeight = 420, issues, readOnly, language = 'json', onRun }: EditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const parts = useRef({ lint: new Compartment(), frozen: new Compartment() });
  const tell = useRef({ onChange, onRun });
  const first = useRef(value);
  useEffect(() => {
    tell.current = { onChange, onRun };
  });

  useEffect(() => {
    if (!box.current) return;
    const editor = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: first.current,
        extensions: [
          lineNumbers(),
          foldGutter(),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          EditorView.lineWrapping,
          language === 'json' ? json() : yaml,
          syntaxHighlighting(colours),
          look,
          language === 'json' ? [lintGutter(), linter(jsonParseLinter(), { delay: 300 })] : [],
          parts.current.lint.of([]),
          parts.current.frozen.of([]),
          EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false' }),
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                tell.current.onRun?.();
                return tell.current.onRun !== undefined;
              },
            },
            // Escape first, then Tab leaves: the editor must not trap the keyboard.
            indentWithTab,
            ...defaultKeymap,
            ...historyKeymap,
            ...searchKeymap,
            ...foldKeymap,
            ...lintKeymap,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) tell.current.onChange(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = null;
    };
  }, [label, language]);

  useEffect(() => {
    const editor = view.current;
    if (editor && editor.state.doc.toString() !== value) editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);

  useEffect(() => {
    view.current?.dispatch({
      effects: parts.current.frozen.reconfigure(readOnly ? [EditorState.readOnly.of(true), EditorView.editable.of(false)] : []),
    });
  }, [readOnly]);

  useEffect(() => {
    view.current?.dispatch({
      effects: parts.current.lint.reconfigure(issues && issues.length > 0 ? linter((editor) => place(editor, issues), { delay: 0 }) : []),
    });
  }, [issues]);

  return <div ref={box} className="ph-codemirror" style={{ ['--cm-min' as string]: `${minHeight}px`, ['--cm-max' as string]: `${maxHeight}px` }} />;
}

/** Where in the text each issue is: the syntax tree is walked along the issue's path. */
function place(editor: EditorView, issues: readonly Issue[]): Diagnostic[] {
  const tree = syntaxTree(editor.state);
  const text = editor.state.doc;
  return issues.slice(0, 50).map((issue): Diagnostic => {
    let node = tree.topNode.firstChild;
    for (const step of issue.path) {
      if (!node) break;
      if (node.name === 'Object') {
        const hit = node
          .getChildren('Property')
          .find((property) => {
            const name = property.getChild('PropertyName');
            return name && unquote(text.sliceString(name.from, name.to)) === String(step);
          });
        if (!hit) break;
        node = hit.lastChild;
      } else if (node.name === 'Array') {
        const kids = [];
        for (let kid = node.firstChild; kid; kid = kid.nextSibling) if (!['[', ']', ','].includes(kid.name) && !kid.type.isError) kids.push(kid);
        const hit = kids[Number(step)];
        if (!hit) break;
        node = hit;
      } else break;
    }
    const from = Math.min(node?.from ?? 0, text.length);
    const to = Math.min(node && (node.name === 'Object' || node.name === 'Array') ? node.from + 1 : (node?.to ?? 0), text.length);
    return { from, to: Math.max(from, to), severity: 'error', message: issue.message };
  });
}

function unquote(text: string): string {
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}
