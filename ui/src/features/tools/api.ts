/** What the Tools page asks the core. */
import type { ToolDetail, ToolView } from '@/ipc/bindings';
import { NOTHING, useChange, useRead } from '@/ipc/query';
import { oneTongue, schemaInOneTongue, type Json, type Lang } from '@/shared/lib/words';

export type { CallDone, PastCallView, ToolCallEvent, ToolDetail, ToolView, UiFault } from '@/ipc/bindings';

export const useTools = () => useRead('tool_list', NOTHING);
export const useTool = (server: string, tool: string) => useRead('tool_get', { server, tool });

/** A tool of our own as a person reads it: in their language only. What others' servers say is shown whole, whatever it is. */
export const viewIn = (view: ToolView, lang: Lang): ToolView => ({ ...view, title: view.title && oneTongue(view.title, lang), summary: oneTongue(view.summary, lang) });
export const detailIn = (detail: ToolDetail, lang: Lang): ToolDetail => ({
  ...detail,
  view: viewIn(detail.view, lang),
  description: oneTongue(detail.description, lang),
  inputSchema: schemaInOneTongue(detail.inputSchema as Json, lang),
});
export const useHistory = (server: string, tool: string, enabled: boolean) => useRead('call_history', { server, tool, limit: 50 }, { enabled });
export const useServerStates = () => useRead('server_list', NOTHING);
export const useAcceptTool = () => useChange('tool_accept');
export const useCommand = () => useChange('call_command');
export const useCancel = () => useChange('call_cancel');
