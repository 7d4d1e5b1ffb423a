import { useEffect, useImperativeHandle, useRef, useState } from 'react';
import type { YamlEditorProps } from '@/shared/yaml-editor/editor';
import { edited } from '@/shared/yaml-editor/text';

/** The manifest editor without CodeMirror: the same text, the same edits; where it was sent is in `data-line`. */
export function PlainYaml({ load, onChange, marks, label, readOnly, handle }: YamlEditorProps) {
  const [text, setText] = useState(load.text);
  const [shown, setShown] = useState(load.id);
  const [line, setLine] = useState(0);
  const now = useRef(text);
  if (shown !== load.id) {
    setShown(load.id);
    setText(load.text);
  }
  useEffect(() => {
    now.current = text;
  });
  useImperativeHandle(
    handle,
    () => ({
      goTo: setLine,
      edit(edits) {
        const next = edited(now.current, edits);
        now.current = next;
        setText(next);
        onChange(next.length, () => next);
      },
      focus: () => undefined,
    }),
    [onChange],
  );
  return (
    <textarea
      aria-label={label}
      value={text}
      readOnly={readOnly}
      data-line={line}
      data-marks={marks.map((mark) => `${mark.line}:${mark.column}-${mark.endLine}:${mark.endColumn} ${mark.severity}`).join('; ')}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setText(next);
        onChange(next.length, () => next);
      }}
    />
  );
}
