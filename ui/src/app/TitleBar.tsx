/** The bar at the top: what this is, the way to everything, theme and language. */
import { useComputedColorScheme } from '@mantine/core';
import { usePrefs } from '@/ipc/prefs';
import { useT } from '@/shared/i18n/t';
import { helpOpen, paletteOpen } from '@/shared/lib/flag';
import { Icon } from '@/shared/ui/icon';
import { IconButton, Keys } from '@/shared/ui/parts';

export function TitleBar() {
  const { t } = useT();
  const { lang, set, boot } = usePrefs();
  const dark = useComputedColorScheme('light') === 'dark';
  const mac = boot.platform === 'macos';
  return (
    <header className="ph-title">
      <div className="ph-brand">
        <span className="ph-mark">
          <Icon name="wheel" size={18} />
        </span>
        <span>Pilothouse</span>
      </div>
      <button type="button" className="ph-plain ph-palettekey" onClick={() => paletteOpen.set(true)} data-testid="palette-open">
        <Icon name="search" size={14} />
        <span className="ph-grow ph-cut">{t('palette.hint')}</span>
        <Keys keys={mac ? ['⌘', 'K'] : ['Ctrl', 'K']} />
      </button>
      <div className="ph-row ph-titleend">
        <IconButton icon={dark ? 'sun' : 'moon'} label={dark ? t('palette.light') : t('palette.dark')} testId="theme-toggle" onClick={() => set('theme', dark ? 'light' : 'dark')} />
        <button type="button" className="ph-plain ph-lang" onClick={() => set('lang', lang === 'zh' ? 'en' : 'zh')} data-testid="lang-toggle" lang={lang === 'zh' ? 'en' : 'zh-CN'} title={lang === 'zh' ? 'Switch to English' : '切换为简体中文'}>
          {lang === 'zh' ? 'EN' : '中文'}
        </button>
        <IconButton icon="keyboard" label={t('keys.open')} testId="help-open" onClick={() => helpOpen.set(true)} />
      </div>
    </header>
  );
}
