/** What the Servers page asks the core. */
import { NOTHING, useChange, useRead } from '@/ipc/query';
import type { FiguresReq, ServerForm, ServerView } from '@/ipc/bindings';

export type { FactsView, FiguresView, FrameView, ImportItem, ImportPreview, ProtocolView, RejectedView, ServerDetail, ServerForm, ServerView, TemplateView, TestRes, ToolView, UiFault } from '@/ipc/bindings';

export const useServers = () => useRead('server_list', NOTHING);
export const useServer = (id: string) => useRead('server_get', { id });
export const useFigures = (req: FiguresReq) => useRead('figures', req);
export const useClusterCount = () => useRead('cluster_list', NOTHING);
export const useServerTools = () => useRead('tool_list', NOTHING);
export const useOffers = (id: string, enabled: boolean) => useRead('server_offers', { id }, { enabled });
export const useLog = (id: string, every: number | false) => useRead('server_log', { id }, { every });
export const useTemplates = () => useRead('template_list', NOTHING);
export const useActivityCount = () => useRead('activity_list', { text: null, ending: null, server: null, from: null, until: null, before: null, limit: 1 });

export const useConnect = () => useChange('server_connect');
export const useDisconnect = () => useChange('server_disconnect');
export const useEnable = () => useChange('server_enable');
export const useDuplicate = () => useChange('server_duplicate');
export const useRemove = () => useChange('server_remove');
export const useAccept = () => useChange('server_accept');
export const useSave = () => useChange('server_save');
export const useCheck = () => useChange('server_check');
export const useTest = () => useChange('server_test');
export const useSaveTemplate = () => useChange('template_save');
export const useRemoveTemplate = () => useChange('template_remove');
export const useImportPreview = () => useChange('import_preview');
export const useImportApply = () => useChange('import_apply');
export const useExport = () => useChange('export_text');
export const useReadResource = () => useChange('resource_read');
export const useGetPrompt = () => useChange('prompt_get');
export const usePickFolder = () => useChange('pick_folder');

/** Whether connecting is what a person would want next. */
export const canConnect = (row: ServerView): boolean => row.enabled && ['disconnected', 'error'].includes(row.state);
export const canDisconnect = (row: ServerView): boolean => ['connected', 'degraded', 'connecting'].includes(row.state);

/** A fresh form for a protocol. */
export const emptyForm = (protocol: string): ServerForm => ({ id: null, name: '', protocol, enabled: true, settings: {}, lazy: false, idleStopSecs: 0 });
