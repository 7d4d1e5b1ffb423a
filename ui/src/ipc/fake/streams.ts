/** What goes on in the fake's clusters: logs that come in, a shell that answers, forwards. */
import type { KubeExecPart, KubeForwardView, KubeLogBatch, UiFault } from '../bindings';
import type { Req, Res } from '../wire';
import { fault } from './world';

const base64 = (text: string) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const GIVEN_UP = fault('cancelled', 'given_up', { en: 'the cluster was not waited for: it was cancelled', zh: '未等待集群应答：已取消' }, { en: 'Nothing was changed there.', zh: '集群中没有任何更改。' });

export function streaming() {
  const going = new Map<string, { fail: (why: UiFault) => void; typed: (text: string) => void }>();
  const all: KubeForwardView[] = [];
  let next = 1;

  return {
    cancel: (id: string) => going.get(id)?.fail(GIVEN_UP),

    logs(req: Req<'kube_logs'>, say: (batch: KubeLogBatch) => void): Promise<Res<'kube_logs'>> {
      const pods = req.kind === 'pods' ? [req.name] : [`${req.name}-1`, `${req.name}-2`];
      const container = req.container ?? req.name.split('-')[0]!;
      const sources = pods.flatMap((pod) => (req.allContainers ? [container, 'proxy'] : [container]).map((one) => ({ pod, container: one })));
      const lines = Array.from({ length: Math.min(req.tail ?? 60, 60) }, (_, at) => {
        const source = sources[at % sources.length]!;
        return { ...source, at: `2026-11-23T08:00:${String(at % 60).padStart(2, '0')}Z`, text: req.previous ? `before ${at}` : `GET /orders/${at} 200 in ${at % 7} ms` };
      });
      say({ n: 1, sources, lines, notes: [] });
      if (!req.follow) return Promise.resolve({ batches: 1 });
      return new Promise((_, reject) => {
        going.set(req.ask, { fail: (why) => (going.delete(req.ask), reject(why)), typed: () => undefined });
      });
    },

    exec(req: Req<'kube_exec'>, say: (part: KubeExecPart) => void): Promise<Res<'kube_exec'>> {
      let n = 0;
      const write = (text: string) => say({ part: 'output', n: ++n, bytes: base64(text) });
      say({ part: 'begun', pod: req.pod, container: req.container ?? 'main' });
      write('$ ');
      return new Promise((done, reject) => {
        let line = '';
        const typed = (text: string) => {
          for (const letter of text) {
            if (letter !== '\r') {
              line += letter;
              write(letter);
            } else if (line.trim().startsWith('exit')) {
              going.delete(req.ask);
              write('\r\n');
              done({ code: Number(line.trim().slice(4)) || 0, last: n, auditId: 'a-91c0ffee0002' });
            } else {
              write(`\r\n${line}: ok\r\n$ `);
              line = '';
            }
          }
        };
        going.set(req.ask, { fail: (why) => (going.delete(req.ask), reject(why)), typed });
      });
    },

    input(req: Req<'kube_exec_input'>) {
      if (req.text !== '') going.get(req.ask)?.typed(req.text);
    },

    forward(req: Req<'kube_forward'>, now: number): KubeForwardView {
      const ports = req.ports.map((pair, at) => {
        const [local, remote] = pair.includes(':') ? (pair.split(':') as [string, string]) : [pair, pair];
        return { local: Number(local) || 40_000 + next * 10 + at, remote };
      });
      const view = { id: `forward-${next++}`, cluster: req.cluster, clusterName: 'prod-eu', namespace: req.namespace ?? 'default', target: req.target, ports, ready: true, pod: req.target.split('/').at(-1)!, moves: 0, trouble: null, open: 0, since: now };
      all.push(view);
      return view;
    },
    forwards: () => [...all],
    stop(id: string) {
      const at = all.findIndex((one) => one.id === id);
      if (at >= 0) all.splice(at, 1);
    },
  };
}
