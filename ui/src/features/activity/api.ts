/** What the Activity page asks the core. */
import { useInfiniteQuery } from '@tanstack/react-query';
import type { ActivityReq, ActivityRow, UiFault } from '@/ipc/bindings';
import { NOTHING, useChange, useClient, useRead } from '@/ipc/query';

export type { ActivityRow, UiFault, VerifyRes } from '@/ipc/bindings';

export const PAGE = 200;

/** Rows page by page, newest first. The key begins with the command's name, so that the core's tags reach it. */
export function useActivity(filter: Omit<ActivityReq, 'before' | 'limit'>) {
  const client = useClient();
  return useInfiniteQuery<ActivityRow[], UiFault, { pages: ActivityRow[][] }, unknown[], number | null>({
    queryKey: ['activity_list', filter, 'pages'],
    queryFn: ({ pageParam }) => client.call('activity_list', { ...filter, before: pageParam, limit: PAGE }),
    initialPageParam: null,
    getNextPageParam: (page) => (page.length < PAGE ? undefined : page.at(-1)!.seq),
    placeholderData: (old) => old,
  });
}

export const useOne = (id: string) => useRead('activity_list', { text: id, ending: null, server: null, from: null, until: null, before: null, limit: 5 });
export const useServerNames = () => useRead('server_list', NOTHING);
export const useVerify = () => useChange('activity_verify');
export const useExport = () => useChange('activity_export');
