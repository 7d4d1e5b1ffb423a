//! The window's commands. Each decodes, calls the app, and encodes; none decides anything.

pub(crate) mod activity;
mod cluster_reach;
pub(crate) mod clusters;
mod consents;
pub(crate) mod files;
mod forms;
mod imports;
pub(crate) mod kube;
mod kube_act;
pub(crate) mod kube_streams;
mod kube_usage;
mod servers;
mod sign_in;
mod system;
mod tools;
mod vault;
mod workbench;

macro_rules! handlers {
    ($($area:ident :: $name:ident,)*) => {
        /// Names of all handlers; a test holds them against the contract's table.
        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Answers an invocation from the window.
        pub(crate) fn all() -> impl Fn(tauri::ipc::Invoke) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$($area::$name),*]
        }
    };
}

handlers! {
    system::app_boot,
    system::app_ready,
    system::prefs_set,
    system::open_page,
    system::pick_folder,
    system::diagnostics,
    servers::server_list,
    servers::server_get,
    servers::server_check,
    servers::server_save,
    servers::server_remove,
    servers::server_enable,
    servers::server_duplicate,
    servers::server_connect,
    servers::server_disconnect,
    servers::server_accept,
    servers::server_test,
    servers::server_log,
    servers::server_offers,
    servers::resource_read,
    servers::prompt_get,
    servers::figures,
    imports::template_list,
    imports::template_save,
    imports::template_remove,
    imports::import_preview,
    imports::import_apply,
    imports::export_text,
    tools::tool_list,
    tools::tool_get,
    tools::tool_accept,
    tools::tool_call,
    tools::call_cancel,
    tools::call_history,
    tools::call_command,
    activity::question_list,
    activity::question_answer,
    activity::activity_list,
    activity::activity_verify,
    activity::activity_export,
    activity::policy_get,
    activity::policy_set,
    vault::vault_get,
    vault::vault_unlock,
    vault::vault_lock,
    vault::vault_settle,
    vault::vault_rotate,
    vault::vault_export_kit,
    vault::vault_restore_kit,
    vault::vault_wipe,
    vault::secret_list,
    vault::secret_set,
    vault::secret_remove,
    clusters::cluster_list,
    clusters::cluster_get,
    cluster_reach::cluster_check,
    cluster_reach::cluster_refresh,
    cluster_reach::cluster_set,
    cluster_reach::cluster_plugin,
    clusters::cluster_remove,
    clusters::cluster_lock,
    clusters::cluster_unlock,
    clusters::cluster_verify,
    clusters::cluster_restore,
    clusters::kubeconfig_list,
    clusters::kubeconfig_pick,
    clusters::cluster_review,
    clusters::cluster_import,
    consents::consent_list,
    consents::consent_forget,
    sign_in::cluster_sign_in,
    sign_in::cluster_login,
    sign_in::cluster_login_cancel,
    sign_in::cluster_logout,
    kube::kube_kinds,
    kube_usage::kube_usage,
    kube::kube_table,
    kube::kube_watch,
    kube::kube_counts,
    kube::kube_object,
    kube::kube_cancel,
    kube_act::kube_act,
    kube_act::kube_revisions,
    workbench::wb_check,
    workbench::wb_fix,
    workbench::wb_versions,
    workbench::wb_rules,
    workbench::wb_live,
    workbench::wb_rehearse,
    workbench::wb_apply,
    workbench::wb_rollout,
    workbench::wb_changes,
    workbench::wb_undo,
    workbench::wb_confirm,
    workbench::wb_complete,
    workbench::wb_hover,
    workbench::wb_format,
    workbench::wb_templates,
    workbench::wb_rule_set,
    workbench::wb_draft_list,
    workbench::wb_draft_get,
    workbench::wb_draft_save,
    workbench::wb_draft_versions,
    workbench::wb_draft_remove,
    workbench::wb_open,
    workbench::wb_save,
    kube_streams::kube_exec,
    kube_streams::kube_exec_input,
    kube_streams::kube_forward,
    kube_streams::kube_forward_list,
    kube_streams::kube_forward_stop,
    kube_streams::kube_logs,
    kube_streams::kube_logs_save,
    kube_streams::kube_reveal,
    kube_streams::kube_taken,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn the_handlers_are_the_table_and_the_capability_lists_them() {
        let table: BTreeSet<String> = ipc::table::TABLE.iter().map(|row| row.name.to_owned()).collect();
        let handlers: BTreeSet<String> = super::NAMES.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(table, handlers, "ipc's table and the handlers differ");
        let capability: serde_json::Value = serde_json::from_str(include_str!("../capabilities/main.json")).unwrap();
        let listed: BTreeSet<String> = capability["permissions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|permission| permission.as_str()?.strip_prefix("allow-").map(|name| name.replace('-', "_")))
            .collect();
        assert_eq!(table, listed, "ipc's table and capabilities/main.json differ");
    }

    #[test]
    fn the_content_policy_allows_no_foreign_script_and_no_eval() {
        let config: serde_json::Value = serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap();
        let csp = config["app"]["security"]["csp"].as_str().unwrap();
        let scripts = csp.split(';').find(|part| part.trim().starts_with("script-src")).unwrap().trim();
        assert_eq!(scripts, "script-src 'self'");
        for word in ["unsafe-eval", "blob:", "http:", "https:", "*"] {
            let named = csp.split([' ', ';']).any(|source| source == word || source.trim_matches('\'') == word);
            assert!(!named, "{word} is in the content policy");
        }
    }
}
