/** An editor for JSON, or for YAML. The editor's own code is fetched when it is first needed; until then, and where it cannot run, a plain box does the work. */
import { lazy, Suspense } from 'react';
import { Textarea } from '@mantine/core';
import type { Issue } from '../schema-form/validate';

export type EditorProps = {
  value: string;
  onChange: (text: string) => void;
  label: string;
  minHeight?: number;
  maxHeight?: number;
  /** Wrong places of the parsed value, shown in the margin. */
  issues?: readonly Issue[];
  readOnly?: boolean;
  /** What the text is; JSON when it is not said. */
  language?: 'json' | 'yaml';
  testId?: string;
  onRun?: () => void;
};

const CodeMirror = lazy(() => import('./codemirror'));

export function JsonEditor(props: EditorProps) {
  return (
    <div data-testid={props.testId} className="ph-editorbox">
      <Suspense fallback={<Plain {...props} />}>
        <CodeMirror {...props} />
      </Suspense>
    </div>
  );
}

function Plain({ value, onChange, label, readOnly, minHeight = 120 }: EditorProps) {
  return (
    <Textarea
      aria-label={label}
      value={value}
      readOnly={readOnly}
      onChange={(event) => onChange(event.currentTarget.value)}
      rows={Math.round(minHeight / 20)}
      classNames={{ input: 'ph-mono' }}
      spellCheck={false}
    />
  );
}
