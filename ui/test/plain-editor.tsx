import type { EditorProps } from '@/shared/json/editor';

export function PlainEditor({ value, onChange, label, readOnly }: EditorProps) {
  return <textarea aria-label={label} value={value} readOnly={readOnly} onChange={(event) => onChange(event.currentTarget.value)} />;
}
