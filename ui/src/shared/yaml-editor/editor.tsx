/** An editor for manifests. Its code is fetched when it is first needed; until then a plain box does the work. */
import { lazy, Suspense, type Ref } from 'react';
import type { Edit } from './text';

/** A text at one moment. Asking for its letters costs time where it is long, so nobody asks before they need them. */
export type Doc = { rev: number; length: number; text: () => string };

/** What stands in the editor now, put there from outside. */
export type Load = { id: number; text: string };

export type Mark = {
  line: number;
  column: number;
  endLine: number;
  endColumn: number;
  severity: 'error' | 'warning';
  message: string;
  rule: string;
  fix: { label: string; run: () => void } | null;
};

export type Completion = { from: number; to: number; items: { label: string; insert: string; kind: string; type: string; required: boolean; about: string; deprecated: boolean }[] };
export type Hover = { path: string; type: string; required: boolean; about: string; allowed: string[]; from: number; to: number };
export type At = { text: string; line: number; column: number };

/** What the page does to the editor. */
export type Handle = {
  /** Shows a place, and puts the cursor there. */
  goTo: (line: number, column?: number) => void;
  /** Makes edits of the text as it stands, as one step that can be undone. */
  edit: (edits: readonly Edit[]) => void;
  focus: () => void;
};

export type YamlEditorProps = {
  load: Load;
  /** Every change, as it happens. */
  onChange: (length: number, text: () => string) => void;
  marks: readonly Mark[];
  label: string;
  readOnly?: boolean;
  complete: (at: At, signal: AbortSignal) => Promise<Completion | null>;
  hover: (at: At, signal: AbortSignal) => Promise<Hover | null>;
  /** A text of more letters than this is not asked about while one types. */
  calm: number;
  words: { required: string; deprecated: string; oneOf: string };
  handle: Ref<Handle>;
  testId?: string;
};

const CodeMirror = lazy(() => import('./codemirror'));

export function YamlEditor(props: YamlEditorProps) {
  return (
    <div data-testid={props.testId} className="ph-yamleditor">
      <Suspense fallback={<Plain {...props} />}>
        <CodeMirror {...props} />
      </Suspense>
    </div>
  );
}

/** What can be seen while the editor loads: the text, not yet to be changed. */
function Plain({ load, label }: YamlEditorProps) {
  return <textarea className="ph-mono ph-waitingeditor" aria-label={label} readOnly value={load.text.slice(0, 20_000)} />;
}
