//! The command table: every command of the window, what it takes, what it answers, what it reads and what it changes.
//!
//! The desktop's handlers, its capability file and the TypeScript client are held to this table by tests.

use ts_rs::{Config, TS};

use crate::activity::{ActivityReq, ActivityRow, AnswerReq, PolicyView, QuestionView, VerifyRes};
use crate::clusters::{
    ClusterCheckReq, ClusterDetail, ClusterImportReq, ClusterImportRes, ClusterRemoveReq, ClusterSetReq, ClustersView, FilesReq,
    FindingsView, KubeconfigView, PluginView, RestoreReq, ReviewReq, ReviewView,
};
use crate::common::{Boot, IdReq, Nothing, PageReq, PickRes, PrefReq, Tag, TextRes, UiEvent, UiFault};
use crate::consents::{ConsentForgetReq, ConsentView};
use crate::kube::{
    KubeCountView, KubeCountsReq, KubeKindsReq, KubeKindsView, KubeObjectReq, KubeObjectView, KubeTablePart, KubeTableReq, KubeTableRes,
    KubeWatchPart, KubeWatchReq,
};
use crate::kube_act::{KubeActReq, KubeActRes, KubeActStep, KubeRevisionView, KubeRevisionsReq};
use crate::kube_inside::{
    KubeExecInputReq, KubeExecPart, KubeExecReq, KubeExecRes, KubeForwardReq, KubeForwardView, KubeRevealReq, KubeRevealView,
};
use crate::kube_logs::{KubeLogBatch, KubeLogsReq, KubeLogsRes, KubeLogsSaveReq, TakenReq};
use crate::kube_usage::{KubeUsageReq, KubeUsageView};
use crate::servers::{
    EnableReq, ExportReq, FiguresReq, FiguresView, ImportDone, ImportPreview, ImportReq, LogRes, ServerDetail, ServerForm, ServerView,
    TargetRes, TemplateSaveReq, TemplateView, TestReq, TestRes,
};
use crate::sign_in::{ClusterLoginReq, LoggedInView, LoggedOutView, LoginStepView, SignInView};
use crate::tools::{
    CallDone, CommandReq, CommandRes, HistoryReq, JsonRes, OffersRes, PastCallView, PromptReq, ResourceReq, ToolCallEvent, ToolCallReq,
    ToolDetail, ToolReq, ToolView,
};
use crate::vault::{KitReq, RotateReq, SecretSetReq, SecretView, SettleReq, UnlockReq, VaultView, WipeRes};
use crate::workbench::{
    WbAppliedView, WbApplyReq, WbAtReq, WbCheckReq, WbCheckView, WbCompleteView, WbDraftGetReq, WbDraftSaveReq, WbDraftSavedView,
    WbDraftTextView, WbDraftVersionView, WbDraftView, WbEditsView, WbFixReq, WbHoverRes, WbLiveReq, WbLiveView, WbOpenRes, WbPastView,
    WbRehearsalView, WbRehearseReq, WbRolloutReq, WbRolloutView, WbRuleSetReq, WbRuleView, WbRulesReq, WbSaveReq, WbTemplateView,
    WbTextReq, WbTextView, WbUndoReq, WbUndoneView, WbVersionsView,
};

/// One command.
#[derive(Debug)]
pub struct Row {
    /// Its name on the wire.
    pub name: &'static str,
    /// TypeScript of the request.
    pub req: fn(&Config) -> String,
    /// TypeScript of the answer.
    pub res: fn(&Config) -> String,
    /// TypeScript of what comes on its channel, where it has one.
    pub channel: Option<fn(&Config) -> String>,
    /// What it shows.
    pub reads: &'static [Tag],
    /// What it changes.
    pub changes: &'static [Tag],
}

macro_rules! table {
    ($($name:literal: $req:ty => $res:ty $(, channel $channel:ty)?; reads [$($reads:ident),*] changes [$($changes:ident),*];)*) => {
        /// All commands, by area.
        pub const TABLE: &[Row] = &[$(
            Row {
                name: $name,
                req: <$req as TS>::name,
                res: <$res as TS>::name,
                channel: table!(@channel $($channel)?),
                reads: &[$(Tag::$reads),*],
                changes: &[$(Tag::$changes),*],
            },
        )*];
    };
    (@channel) => { None };
    (@channel $channel:ty) => { Some(<$channel as TS>::name) };
}

table! {
    "app_boot": Nothing => Boot; reads [Settings] changes [];
    "app_ready": Nothing => Nothing; reads [] changes [];
    "prefs_set": PrefReq => Nothing; reads [] changes [Settings];
    "open_page": PageReq => Nothing; reads [] changes [];
    "pick_folder": Nothing => PickRes; reads [] changes [];
    "diagnostics": Nothing => TextRes; reads [] changes [];

    "server_list": Nothing => Vec<ServerView>; reads [Servers, Metrics] changes [];
    "server_get": IdReq => ServerDetail; reads [Servers, Metrics] changes [];
    "server_check": ServerForm => TargetRes; reads [] changes [];
    "server_save": ServerForm => ServerView; reads [] changes [Servers, Tools, Activity];
    "server_remove": IdReq => Nothing; reads [] changes [Servers, Tools, Activity];
    "server_enable": EnableReq => ServerView; reads [] changes [Servers, Tools, Activity];
    "server_duplicate": IdReq => ServerView; reads [] changes [Servers, Activity];
    "server_connect": IdReq => ServerView; reads [] changes [Servers, Tools];
    "server_disconnect": IdReq => ServerView; reads [] changes [Servers];
    "server_accept": IdReq => ServerView; reads [] changes [Servers, Tools, Activity];
    "server_test": TestReq => TestRes; reads [] changes [Activity];
    "server_log": IdReq => LogRes; reads [] changes [];
    "server_offers": IdReq => OffersRes; reads [Servers] changes [];
    "resource_read": ResourceReq => JsonRes; reads [] changes [Activity];
    "prompt_get": PromptReq => JsonRes; reads [] changes [Activity];
    "figures": FiguresReq => Vec<FiguresView>; reads [Metrics] changes [];

    "template_list": Nothing => Vec<TemplateView>; reads [Templates] changes [];
    "template_save": TemplateSaveReq => Nothing; reads [] changes [Templates];
    "template_remove": IdReq => Nothing; reads [] changes [Templates];
    "import_preview": ImportReq => ImportPreview; reads [] changes [];
    "import_apply": ImportReq => ImportDone; reads [] changes [Servers, Tools, Activity];
    "export_text": ExportReq => TextRes; reads [] changes [];

    "tool_list": Nothing => Vec<ToolView>; reads [Tools] changes [];
    "tool_get": ToolReq => ToolDetail; reads [Tools, Settings] changes [];
    "tool_accept": ToolReq => Nothing; reads [] changes [Tools, Servers, Activity];
    "tool_call": ToolCallReq => CallDone, channel ToolCallEvent; reads [] changes [Activity, Metrics];
    "call_cancel": IdReq => Nothing; reads [] changes [];
    "call_history": HistoryReq => Vec<PastCallView>; reads [Activity] changes [];
    "call_command": CommandReq => CommandRes; reads [] changes [];

    "question_list": Nothing => Vec<QuestionView>; reads [Questions] changes [];
    "question_answer": AnswerReq => Nothing; reads [] changes [Questions];

    "activity_list": ActivityReq => Vec<ActivityRow>; reads [Activity] changes [];
    "activity_verify": Nothing => VerifyRes; reads [] changes [];
    "activity_export": Nothing => PickRes; reads [] changes [];

    "policy_get": Nothing => PolicyView; reads [Settings] changes [];
    "policy_set": PolicyView => PolicyView; reads [] changes [Settings, Tools, Activity];

    "vault_get": Nothing => VaultView; reads [Vault] changes [];
    "vault_unlock": UnlockReq => VaultView; reads [] changes [Vault, Servers, Activity];
    "vault_lock": Nothing => VaultView; reads [] changes [Vault, Activity];
    "vault_settle": SettleReq => VaultView; reads [] changes [Vault, Servers, Activity];
    "vault_rotate": RotateReq => VaultView; reads [] changes [Vault, Activity];
    "vault_export_kit": KitReq => PickRes; reads [] changes [Activity];
    "vault_restore_kit": KitReq => PickRes; reads [] changes [Vault, Servers, Activity];
    "vault_wipe": Nothing => WipeRes; reads [] changes [Vault, Servers, Activity];
    "secret_list": Nothing => Vec<SecretView>; reads [Vault, Servers, Clusters] changes [];
    "secret_set": SecretSetReq => Nothing; reads [] changes [Vault, Servers, Activity];
    "secret_remove": IdReq => Nothing; reads [] changes [Vault, Activity];

    "cluster_list": Nothing => ClustersView; reads [Clusters] changes [];
    "cluster_get": IdReq => ClusterDetail; reads [Clusters] changes [];
    "cluster_check": ClusterCheckReq => ClustersView; reads [] changes [Clusters, Activity];
    "cluster_refresh": Nothing => Nothing; reads [] changes [];
    "cluster_set": ClusterSetReq => ClusterDetail; reads [] changes [Clusters, Activity];
    "cluster_plugin": IdReq => PluginView; reads [] changes [];
    "cluster_remove": ClusterRemoveReq => Nothing; reads [] changes [Clusters, Vault, Activity];
    "cluster_lock": Nothing => Nothing; reads [] changes [Clusters, Activity];
    "cluster_unlock": Nothing => Nothing; reads [] changes [Clusters, Activity];
    "cluster_verify": FilesReq => FindingsView; reads [] changes [];
    "cluster_restore": RestoreReq => Nothing; reads [] changes [Clusters, Vault, Activity];
    "kubeconfig_list": Nothing => Vec<KubeconfigView>; reads [] changes [];
    "kubeconfig_pick": Nothing => PickRes; reads [] changes [];
    "cluster_review": ReviewReq => ReviewView; reads [] changes [];
    "cluster_import": ClusterImportReq => ClusterImportRes; reads [] changes [Clusters, Vault, Activity];
    "consent_list": Nothing => Vec<ConsentView>; reads [Clusters, Activity] changes [];
    "consent_forget": ConsentForgetReq => Nothing; reads [] changes [Clusters, Activity];
    "cluster_sign_in": IdReq => SignInView; reads [Clusters, Vault] changes [];
    "cluster_login": ClusterLoginReq => LoggedInView, channel LoginStepView; reads [] changes [Clusters, Vault, Activity];
    "cluster_login_cancel": IdReq => Nothing; reads [] changes [];
    "cluster_logout": IdReq => LoggedOutView; reads [] changes [Clusters, Vault, Activity];

    "kube_usage": KubeUsageReq => Vec<KubeUsageView>; reads [] changes [];
    "kube_kinds": KubeKindsReq => KubeKindsView; reads [] changes [];
    "kube_table": KubeTableReq => KubeTableRes, channel KubeTablePart; reads [] changes [];
    "kube_watch": KubeWatchReq => Nothing, channel KubeWatchPart; reads [] changes [];
    "kube_counts": KubeCountsReq => Vec<KubeCountView>; reads [] changes [];
    "kube_object": KubeObjectReq => KubeObjectView; reads [] changes [];
    "kube_cancel": IdReq => Nothing; reads [] changes [];
    "kube_act": KubeActReq => KubeActRes, channel KubeActStep; reads [] changes [Activity];
    "kube_revisions": KubeRevisionsReq => Vec<KubeRevisionView>; reads [] changes [];

    "wb_check": WbCheckReq => WbCheckView; reads [] changes [];
    "wb_fix": WbFixReq => WbEditsView; reads [] changes [];
    "wb_complete": WbAtReq => WbCompleteView; reads [] changes [];
    "wb_hover": WbAtReq => WbHoverRes; reads [] changes [];
    "wb_format": WbTextReq => WbTextView; reads [] changes [];
    "wb_versions": Nothing => WbVersionsView; reads [] changes [];
    "wb_templates": Nothing => Vec<WbTemplateView>; reads [] changes [];
    "wb_rules": WbRulesReq => Vec<WbRuleView>; reads [Settings] changes [];
    "wb_rule_set": WbRuleSetReq => Nothing; reads [] changes [Settings, Activity];
    "wb_live": WbLiveReq => Vec<WbLiveView>; reads [] changes [];
    "wb_rehearse": WbRehearseReq => WbRehearsalView; reads [] changes [Activity];
    "wb_apply": WbApplyReq => WbAppliedView; reads [] changes [Changes, Activity];
    "wb_rollout": WbRolloutReq => WbRolloutView, channel WbRolloutView; reads [] changes [];
    "wb_changes": Nothing => Vec<WbPastView>; reads [Changes] changes [];
    "wb_undo": WbUndoReq => WbUndoneView; reads [] changes [Changes, Activity];
    "wb_confirm": IdReq => WbPastView; reads [] changes [Changes, Activity];
    "wb_draft_list": Nothing => Vec<WbDraftView>; reads [Drafts] changes [];
    "wb_draft_get": WbDraftGetReq => WbDraftTextView; reads [] changes [];
    "wb_draft_save": WbDraftSaveReq => WbDraftSavedView; reads [] changes [Drafts];
    "wb_draft_versions": IdReq => Vec<WbDraftVersionView>; reads [Drafts] changes [];
    "wb_draft_remove": IdReq => Nothing; reads [] changes [Drafts];
    "wb_open": Nothing => WbOpenRes; reads [] changes [];
    "wb_save": WbSaveReq => PickRes; reads [] changes [];
    "kube_exec": KubeExecReq => KubeExecRes, channel KubeExecPart; reads [] changes [Activity];
    "kube_exec_input": KubeExecInputReq => Nothing; reads [] changes [];
    "kube_forward": KubeForwardReq => KubeForwardView; reads [] changes [Forwards, Activity];
    "kube_forward_list": Nothing => Vec<KubeForwardView>; reads [Forwards] changes [];
    "kube_forward_stop": IdReq => Nothing; reads [] changes [Forwards, Activity];
    "kube_logs": KubeLogsReq => KubeLogsRes, channel KubeLogBatch; reads [] changes [];
    "kube_logs_save": KubeLogsSaveReq => PickRes; reads [] changes [];
    "kube_reveal": KubeRevealReq => KubeRevealView; reads [] changes [Activity];
    "kube_taken": TakenReq => Nothing; reads [] changes [];
}

/// The whole TypeScript file: types, the command map, and the tags.
pub fn typescript() -> String {
    use std::fmt::Write as _;

    use crate::activity::{DefaultView, RiskView, RuleView};
    use crate::clusters::{
        ClusterView, ContextView, ExecView, FindingView, ImportedView, ReachView, RefusedView, ReviewFileView, SignInOfferView,
    };
    use crate::common::{NoticeView, ProtocolView, Words};
    use crate::kube::{KubeColumnView, KubeKindView, KubeMissingView, KubeNameView, KubeRowView};
    use crate::kube_act::KubeAct;
    use crate::kube_inside::KubeForwardPort;
    use crate::kube_logs::{KubeLogLine, KubeLogSource};
    use crate::servers::{FactsView, FrameView, ImportChange, ImportItem, RejectedView};
    use crate::workbench::{
        WbAction, WbChangeView, WbConflictView, WbDoneView, WbEditView, WbExtent, WbFieldView, WbFileView, WbFixView, WbHoverView,
        WbItemView, WbLevel, WbObject, WbOutlineView, WbProblemView, WbReasonView, WbSeverity, WbUndoStepView, WbUndoneByView,
    };

    let cfg = Config::new().with_large_int("number");
    let mut out = String::from(
        "// Written by `make bindings` from src-tauri/crates/ipc. Do not edit.\n\nexport type Json = string | number | boolean | null | Json[] | { [key: string]: Json };\n",
    );
    macro_rules! declare {
        ($($ty:ty),* $(,)?) => { $( let _ = writeln!(out, "export {}", <$ty as TS>::decl(&cfg)); )* };
    }
    declare!(
        Words,
        UiFault,
        Tag,
        Nothing,
        IdReq,
        Boot,
        NoticeView,
        ProtocolView,
        PrefReq,
        PageReq,
        TextRes,
        PickRes,
        UiEvent,
        ServerView,
        ServerForm,
        ServerDetail,
        FactsView,
        RejectedView,
        FiguresView,
        EnableReq,
        TargetRes,
        TestReq,
        TestRes,
        FrameView,
        LogRes,
        TemplateView,
        TemplateSaveReq,
        ImportReq,
        ImportPreview,
        ImportItem,
        ImportChange,
        ImportDone,
        ExportReq,
        FiguresReq,
        ToolView,
        ToolReq,
        ToolDetail,
        ToolCallReq,
        ToolCallEvent,
        CallDone,
        PastCallView,
        HistoryReq,
        CommandReq,
        CommandRes,
        OffersRes,
        ConsentView,
        ConsentForgetReq,
        ResourceReq,
        PromptReq,
        JsonRes,
        ActivityRow,
        ActivityReq,
        VerifyRes,
        QuestionView,
        AnswerReq,
        RuleView,
        RiskView,
        PolicyView,
        DefaultView,
        VaultView,
        SecretView,
        UnlockReq,
        SettleReq,
        RotateReq,
        KitReq,
        SecretSetReq,
        WipeRes,
        ClustersView,
        ClusterView,
        ReachView,
        ClusterCheckReq,
        ClusterSetReq,
        PluginView,
        ClusterDetail,
        ExecView,
        KubeconfigView,
        ReviewReq,
        ReviewView,
        ReviewFileView,
        ContextView,
        ClusterImportReq,
        ClusterImportRes,
        ImportedView,
        RefusedView,
        ClusterRemoveReq,
        RestoreReq,
        FilesReq,
        FindingsView,
        FindingView,
        ClusterLoginReq,
        LoginStepView,
        LoggedInView,
        LoggedOutView,
        SignInView,
        SignInOfferView,
        KubeUsageReq,
        KubeUsageView,
        KubeKindsReq,
        KubeKindsView,
        KubeKindView,
        KubeMissingView,
        KubeTableReq,
        KubeTablePart,
        KubeTableRes,
        KubeColumnView,
        KubeRowView,
        KubeWatchReq,
        KubeWatchPart,
        KubeNameView,
        KubeCountsReq,
        KubeCountView,
        KubeObjectReq,
        KubeObjectView,
        KubeAct,
        KubeActReq,
        KubeActRes,
        KubeActStep,
        KubeRevisionView,
        KubeRevisionsReq,
        WbCheckReq,
        WbCheckView,
        WbOutlineView,
        WbSeverity,
        WbProblemView,
        WbFixView,
        WbFixReq,
        WbEditsView,
        WbEditView,
        WbVersionsView,
        WbRulesReq,
        WbRuleView,
        WbLevel,
        WbLiveReq,
        WbLiveView,
        WbRehearseReq,
        WbObject,
        WbAction,
        WbExtent,
        WbRehearsalView,
        WbChangeView,
        WbFieldView,
        WbConflictView,
        WbUndoneByView,
        WbApplyReq,
        WbAppliedView,
        WbDoneView,
        WbRolloutReq,
        WbRolloutView,
        WbReasonView,
        WbPastView,
        WbUndoReq,
        WbUndoneView,
        WbUndoStepView,
        WbOpenRes,
        WbFileView,
        WbSaveReq,
        WbAtReq,
        WbCompleteView,
        WbItemView,
        WbHoverRes,
        WbHoverView,
        WbTextReq,
        WbTextView,
        WbTemplateView,
        WbRuleSetReq,
        WbDraftView,
        WbDraftGetReq,
        WbDraftTextView,
        WbDraftSaveReq,
        WbDraftSavedView,
        WbDraftVersionView,
        KubeExecReq,
        KubeExecPart,
        KubeExecRes,
        KubeExecInputReq,
        KubeForwardReq,
        KubeForwardView,
        KubeForwardPort,
        KubeLogsReq,
        KubeLogsRes,
        KubeLogBatch,
        KubeLogSource,
        KubeLogLine,
        KubeLogsSaveReq,
        KubeRevealReq,
        KubeRevealView,
        TakenReq,
    );
    out.push_str("\nexport interface Commands {\n");
    for row in TABLE {
        let channel = row.channel.map_or_else(|| "never".to_owned(), |channel| channel(&cfg));
        let _ = writeln!(out, "  {}: {{ req: {}; res: {}; channel: {} }};", row.name, (row.req)(&cfg), (row.res)(&cfg), channel);
    }
    out.push_str("}\n\nexport const reads: Record<keyof Commands, Tag[]> = {\n");
    let tags = |tags: &[Tag]| serde_json::to_string(tags).unwrap_or_default();
    for row in TABLE {
        let _ = writeln!(out, "  {}: {},", row.name, tags(row.reads));
    }
    out.push_str("};\n\nexport const changes: Record<keyof Commands, Tag[]> = {\n");
    for row in TABLE {
        let _ = writeln!(out, "  {}: {},", row.name, tags(row.changes));
    }
    out.push_str("};\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_the_table_names_is_declared() {
        let text = typescript();
        let cfg = Config::new().with_large_int("number");
        for row in TABLE {
            for name in [(row.req)(&cfg), (row.res)(&cfg)].into_iter().chain(row.channel.map(|channel| channel(&cfg))) {
                let bare = name.trim_start_matches("Array<").trim_end_matches('>').to_owned();
                assert!(text.contains(&format!("export type {bare} =")), "{bare} of {} is not declared", row.name);
            }
        }
    }

    #[test]
    fn no_command_is_named_twice() {
        let names: std::collections::BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), TABLE.len());
    }
}
