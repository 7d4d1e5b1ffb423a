/** The way to the core in the shipped app. The only file that knows Tauri. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { UiEvent } from './bindings';
import { asFault } from './fault';
import type { Client } from './wire';

/** Commands that speak on a channel before they answer. */
const SPEAKING = new Set(['tool_call', 'cluster_login', 'kube_act', 'kube_exec', 'kube_logs', 'kube_table', 'kube_watch', 'wb_rollout']);

export const tauriClient: Client = {
  async call(name, req, onMessage) {
    const args: Record<string, unknown> = { req };
    if (SPEAKING.has(name)) {
      const channel = new Channel<never>();
      channel.onmessage = (message) => onMessage?.(message);
      args['channel'] = channel;
    }
    try {
      return await invoke(name, args);
    } catch (raw) {
      throw asFault(raw, name);
    }
  },

  listen(hear) {
    let stopped = false;
    let stop: (() => void) | null = null;
    void listen<UiEvent>('pilothouse', (event) => hear(event.payload)).then((unlisten) => {
      if (stopped) unlisten();
      else stop = unlisten;
    });
    return () => {
      stopped = true;
      stop?.();
    };
  },
};
