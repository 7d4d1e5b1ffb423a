/** Keys that work everywhere, and the list of them. */
import { Modal } from '@mantine/core';
import { useEffect, useRef } from 'react';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { helpOpen, paletteOpen, useFlag } from '@/shared/lib/flag';
import { go } from '@/shared/lib/route';
import { Keys } from '@/shared/ui/parts';

const JUMPS: Record<string, string> = { s: 'servers', t: 'tools', c: 'clusters', w: 'workbench', a: 'activity', ',': 'settings' };

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

export function Shortcuts() {
  const { t } = useT();
  const { boot } = usePrefs();
  const open = useFlag(helpOpen);
  const pending = useRef(0);

  useEffect(() => {
    const down = (event: KeyboardEvent) => {
      if (event.isComposing) return;
      if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        paletteOpen.set(!paletteOpen.get());
        return;
      }
      if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      // A dialog that is open has the keyboard.
      if (document.querySelector('[role="dialog"][aria-modal="true"]')) return;
      if (Date.now() - pending.current < 1200) {
        pending.current = 0;
        const page = JUMPS[event.key];
        if (page) {
          event.preventDefault();
          go([page]);
        }
        return;
      }
      if (event.key === 'g') pending.current = Date.now();
      else if (event.key === '?') {
        event.preventDefault();
        helpOpen.set(true);
      } else if (event.key === '/') {
        const box = document.querySelector<HTMLInputElement>('[data-search="true"]');
        if (box) {
          event.preventDefault();
          box.focus();
          box.select();
        }
      }
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, []);

  const mod = boot.platform === 'macos' ? '⌘' : 'Ctrl';
  const rows: [string, string[]][] = [
    [t('keys.palette'), [mod, 'K']],
    [t('keys.search'), ['/']],
    [t('nav.servers'), ['g', 's']],
    [t('nav.tools'), ['g', 't']],
    [t('nav.clusters'), ['g', 'c']],
    [t('nav.workbench'), ['g', 'w']],
    [t('nav.activity'), ['g', 'a']],
    [t('nav.settings'), ['g', ',']],
    [t('keys.move'), ['↑', '↓']],
    [t('keys.run'), [mod, 'Enter']],
    [t('keys.openFile'), [mod, 'O / S']],
    [t('keys.leave'), ['Esc']],
    [t('keys.help'), ['?']],
  ];
  return (
    <Modal opened={open} onClose={() => helpOpen.set(false)} title={t('keys.title')} size={420} closeButtonProps={{ 'aria-label': t('common.close') }}>
      <dl className="ph-keylist" data-testid="help">
        {rows.map(([name, keys]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <Keys keys={keys} />
            </dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
