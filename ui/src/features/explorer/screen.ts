/** A terminal's screen. The only file that knows xterm; loaded when somebody opens a terminal. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';

export type Screen = { write: (bytes: Uint8Array, drawn: () => void) => void; focus: () => void; size: () => { columns: number; rows: number }; dispose: () => void };

type Heard = { typed: (text: string) => void; sized: (columns: number, rows: number) => void };

export function openScreen(into: HTMLElement, dark: boolean, heard: Heard): Screen {
  const style = getComputedStyle(into);
  const terminal = new Terminal({
    cursorBlink: false,
    convertEol: false,
    fontFamily: style.getPropertyValue('--ph-mono').trim() || 'monospace',
    fontSize: 13,
    scrollback: 5000,
    screenReaderMode: true,
    theme: dark ? { background: '#16181d', foreground: '#e4e6ea' } : { background: '#ffffff', foreground: '#1b1e24', cursor: '#1b1e24', selectionBackground: '#b9d3ff' },
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  // Nothing that a container writes opens a page or sets the clipboard.
  terminal.options.linkHandler = { activate: () => undefined };
  terminal.attachCustomKeyEventHandler((event) => {
    if (event.type !== 'keydown' || !event.ctrlKey || !event.shiftKey) return true;
    if (event.code === 'KeyC' && terminal.hasSelection()) {
      void navigator.clipboard.writeText(terminal.getSelection());
      event.preventDefault();
      return false;
    }
    // Ctrl+Shift+V is the browser's own paste.
    return event.code !== 'KeyV';
  });
  terminal.open(into);
  // A screen that is not shown has no size.
  const resize = () => {
    if (into.offsetWidth > 0 && into.offsetHeight > 0) fit.fit();
  };
  resize();
  terminal.onData(heard.typed);
  terminal.onResize(({ cols, rows }) => heard.sized(cols, rows));
  const watch = new ResizeObserver(resize);
  watch.observe(into);
  return {
    write: (bytes, drawn) => terminal.write(bytes, drawn),
    focus: () => terminal.focus(),
    size: () => ({ columns: terminal.cols, rows: terminal.rows }),
    dispose: () => {
      watch.disconnect();
      terminal.dispose();
    },
  };
}
