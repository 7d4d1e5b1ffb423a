/** What the Tools page asks the core. */
import { NOTHING, useChange, useRead } from '@/ipc/query';

export type { CallDone, PastCallView, ToolCallEvent, ToolDetail, ToolView, UiFault } from '@/ipc/bindings';

export const useTools = () => useRead('tool_list', NOTHING);
export const useTool = (server: string, tool: string) => useRead('tool_get', { server, tool });
export const useHistory = (server: string, tool: string, enabled: boolean) => useRead('call_history', { server, tool, limit: 50 }, { enabled });
export const useServerStates = () => useRead('server_list', NOTHING);
export const useAcceptTool = () => useChange('tool_accept');
export const useCommand = () => useChange('call_command');
export const useCancel = () => useChange('call_cancel');
