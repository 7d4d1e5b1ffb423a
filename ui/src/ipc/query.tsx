/** Server state: every read is a query keyed `[command, request]`; what a change or an event touches is told by the core's tags. */
import {
  keepPreviousData,
  QueryClient,
  QueryClientProvider,
  useMutation,
  useQuery,
  useQueryClient,
  type UseQueryResult,
} from '@tanstack/react-query';
import { createContext, useCallback, useContext, useEffect, useRef, useState, type ReactNode } from 'react';
import { changes, reads, type QuestionView, type ServerView, type Tag, type UiEvent, type UiFault } from './bindings';
import type { Client, Message, Name, Req, Res } from './wire';

const Wire = createContext<Client | null>(null);

/** The way to the core. */
export function useClient(): Client {
  const client = useContext(Wire);
  if (!client) throw new Error('WireProvider is missing');
  return client;
}

export function newQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // Events say what changed, so an answer stays good until then. A fault is shown, with a button, not tried again behind one's back.
      queries: { retry: false, staleTime: 60_000, gcTime: 5 * 60_000, refetchOnWindowFocus: false, refetchOnReconnect: false, networkMode: 'always' },
      // A change that is over leaves nothing of its request behind: it may have carried a secret.
      mutations: { retry: false, networkMode: 'always', gcTime: 0 },
    },
  });
}

export function WireProvider({ client, queries, children }: { client: Client; queries: QueryClient; children: ReactNode }) {
  return (
    <Wire.Provider value={client}>
      <QueryClientProvider client={queries}>
        <Ears client={client} />
        {children}
      </QueryClientProvider>
    </Wire.Provider>
  );
}

type ReadOptions = { enabled?: boolean; every?: number | false; keep?: boolean };

/** Reads; shows the last answer while the next one is under way. */
export function useRead<K extends Name>(name: K, req: Req<K>, options: ReadOptions = {}): UseQueryResult<Res<K>, UiFault> {
  const client = useClient();
  return useQuery<Res<K>, UiFault>({
    queryKey: [name, req],
    queryFn: () => client.call(name, req),
    enabled: options.enabled ?? true,
    refetchInterval: options.every ?? false,
    ...(options.keep ? { placeholderData: keepPreviousData as never } : {}),
  });
}

/** A change; what it touches is read again. */
export function useChange<K extends Name>(name: K) {
  const client = useClient();
  const queries = useQueryClient();
  return useMutation<Res<K>, UiFault, Req<K>>({
    mutationFn: (req) => client.call(name, req),
    onSettled: () => invalidate(queries, changes[name]),
  });
}

type Sent = { since: number | null; fault: UiFault | null };

/** A change that carries a secret. **Invariant:** the request is in no state and no cache; only since when it is under way, and why it failed, are. */
export function useSecretChange<K extends Name>(name: K) {
  const client = useClient();
  const queries = useQueryClient();
  const [state, setState] = useState<Sent>({ since: null, fault: null });
  const turn = useRef(0);
  const run = useCallback(
    (req: Req<K>, done?: (res: Res<K>) => void) => {
      const mine = ++turn.current;
      setState({ since: Date.now(), fault: null });
      client
        .call(name, req)
        .then(
          (res) => {
            if (mine !== turn.current) return;
            setState({ since: null, fault: null });
            done?.(res);
          },
          (fault: UiFault) => {
            if (mine === turn.current) setState({ since: null, fault });
          },
        )
        .finally(() => invalidate(queries, changes[name]));
    },
    [client, name, queries],
  );
  /** Waits no longer: what comes later is told by the core's events. */
  const leave = useCallback(() => {
    turn.current += 1;
    setState({ since: null, fault: null });
  }, []);
  return { run, leave, busy: state.since !== null, since: state.since, fault: state.fault };
}

/** Runs a command that speaks on its way; what it touches is read again. */
export function useSpeaking() {
  const client = useClient();
  const queries = useQueryClient();
  return async <K extends Name>(name: K, req: Req<K>, onMessage: (message: Message<K>) => void): Promise<Res<K>> => {
    try {
      return await client.call(name, req, onMessage);
    } finally {
      invalidate(queries, changes[name]);
    }
  };
}

/** Has everything read again that shows one of the tags. */
export function invalidate(queries: QueryClient, tags: readonly Tag[]): void {
  if (tags.length === 0) return;
  void queries.invalidateQueries({
    predicate: (query) => {
      const name = query.queryKey[0] as Name;
      return (reads[name] ?? []).some((tag) => tags.includes(tag));
    },
  });
}

/** Hears the core's events. Many at once become one reading. */
function Ears({ client }: { client: Client }) {
  const queries = useQueryClient();
  useEffect(() => {
    const waiting = new Set<Tag>();
    let timer: ReturnType<typeof setTimeout> | null = null;
    const hear = (event: UiEvent) => {
      switch (event.event) {
        case 'changed':
          event.tags.forEach((tag) => waiting.add(tag));
          timer ??= setTimeout(() => {
            timer = null;
            const tags = [...waiting];
            waiting.clear();
            invalidate(queries, tags);
          }, 60);
          break;
        case 'server_state':
          queries.setQueryData<ServerView[]>(['server_list', {}], (rows) =>
            rows?.map((row) => (row.id === event.id ? { ...row, state: event.state } : row)),
          );
          waiting.add('servers');
          timer ??= setTimeout(() => {
            timer = null;
            const tags = [...waiting];
            waiting.clear();
            invalidate(queries, tags);
          }, 60);
          break;
        case 'question':
          queries.setQueryData<QuestionView[]>(['question_list', {}], (rows = []) =>
            rows.some((row) => row.id === event.question.id) ? rows : [...rows, event.question],
          );
          break;
        case 'question_gone':
          queries.setQueryData<QuestionView[]>(['question_list', {}], (rows = []) => rows.filter((row) => row.id !== event.id));
          break;
      }
    };
    const stop = client.listen(hear);
    return () => {
      stop();
      if (timer) clearTimeout(timer);
    };
  }, [client, queries]);
  return null;
}

/** The empty request. */
export const NOTHING = {} as const;
