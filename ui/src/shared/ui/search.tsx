/** A box to narrow a list; `/` goes to it. */
import { ActionIcon, TextInput } from '@mantine/core';
import { useT } from '../i18n/t';
import { Icon } from './icon';

type Props = { value: string; onChange: (value: string) => void; label: string; testId?: string; className?: string; onDown?: () => void; /** Not the page's own search: `/` does not go to it. */ aside?: boolean };

export function SearchBox({ value, onChange, label, testId, className, onDown, aside }: Props) {
  const { t } = useT();
  return (
    <TextInput
      className={className ?? 'ph-search'}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && value) {
          event.stopPropagation();
          onChange('');
        }
        if (event.key === 'ArrowDown' && onDown) {
          event.preventDefault();
          onDown();
        }
      }}
      placeholder={label}
      aria-label={label}
      leftSection={<Icon name="search" size={14} />}
      rightSection={
        value ? (
          <ActionIcon size={20} aria-label={t('common.clear')} onClick={() => onChange('')}>
            <Icon name="close" size={12} />
          </ActionIcon>
        ) : undefined
      }
      data-testid={testId}
      data-search={aside ? undefined : "true"}
      spellCheck={false}
      autoComplete="off"
    />
  );
}
