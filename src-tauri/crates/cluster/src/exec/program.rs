//! An exec plugin as it stands on this machine. Nothing is run here.

use std::ffi::OsString;
use std::path::Path;

use domain::cluster::ExecPlugin;
use domain::fault::{Fault, FaultKind};
use domain::reach::PluginFacts;
use domain::secret::SecretMap;
use domain::text::Text;
use serde_json::json;

use crate::trust;

/// Looks at the plugin's file. `path` is our own PATH.
pub(crate) async fn look(server: &str, plugin: &ExecPlugin, env: &SecretMap, path: Option<&str>) -> Result<PluginFacts, Fault> {
    let (command, base, path) = (plugin.command.clone(), plugin.base_dir.clone(), path.map(OsString::from));
    let finding = tokio::task::spawn_blocking(move || trust::find(&command, base.as_deref().map(Path::new), path.as_deref()));
    let found = finding.await.map_err(std::io::Error::other).and_then(|found| found);
    let program = found.map_err(|fault| missing(&plugin.command, &fault.to_string()))?;
    let shown = program.path.to_str().ok_or_else(|| missing(&plugin.command, "its path is not Unicode"))?.to_owned();
    let values = env.iter().map(|(name, value)| (name.clone(), value.expose().to_owned())).collect();
    let key = trust::key(&program, &plugin.args, &values, server);
    Ok(PluginFacts { trust: key, warnings: warnings(&program.path, plugin), program: shown, sha256: program.sha256 })
}

fn warnings(program: &Path, plugin: &ExecPlugin) -> Vec<Text> {
    let mut found = Vec::new();
    let base = plugin.base_dir.as_ref().and_then(|base| std::fs::canonicalize(base).ok());
    if base.is_some_and(|base| base != Path::new("/") && program.starts_with(base)) {
        found.push(Text::new(
            "the program lies beside the kubeconfig: whoever sent you the one may have sent the other",
            "该程序与 kubeconfig 位于同一目录：两者可能来自同一发送者",
        ));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let open = |path: &&Path| std::fs::metadata(path).is_ok_and(|meta| meta.permissions().mode() & 0o002 != 0);
        if let Some(place) = program.ancestors().find(open) {
            let place = place.display();
            found.push(Text::new(
                format!("everybody on this machine may write to {place}, and so replace the program"),
                format!("本机任何人都可写入 {place}，从而替换该程序"),
            ));
        }
    }
    found
}

fn missing(command: &str, why: &str) -> Fault {
    Fault::new(
        FaultKind::Config,
        "exec_missing",
        Text::new(format!("the credential program {command} cannot be used: {why}"), format!("无法使用凭据程序 {command}：{why}")),
        Text::new("Install it, or put its folder into PATH, then try again.", "请安装该程序或将其目录加入 PATH，然后重试。"),
    )
    .with_params(json!({ "command": command }))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use domain::secret::Secret;
    use std::os::unix::fs::PermissionsExt as _;

    fn plugin(command: &str, base: Option<&Path>) -> ExecPlugin {
        ExecPlugin {
            api_version: "client.authentication.k8s.io/v1".into(),
            command: command.into(),
            args: vec!["get".into(), "token".into()],
            env_names: vec!["A".into()],
            env: None,
            base_dir: base.map(|base| base.display().to_string()),
            provide_cluster_info: false,
            interactive_mode: "Never".into(),
            trust: String::new(),
        }
    }

    fn program(dir: &Path, name: &str, text: &str) -> std::io::Result<()> {
        std::fs::write(dir.join(name), text)?;
        std::fs::set_permissions(dir.join(name), std::fs::Permissions::from_mode(0o755))
    }

    #[tokio::test]
    async fn b08_a_yes_is_bound_to_file_arguments_variables_and_server() {
        let dir = tempfile::tempdir().unwrap();
        program(dir.path(), "login", "#!/bin/sh\n").unwrap();
        let env = |value: &str| SecretMap::from([("A".to_owned(), Secret::new(value))]);
        let given = plugin("./login", Some(dir.path()));
        let trust = async |server: &str, plugin: &ExecPlugin, env: &SecretMap| look(server, plugin, env, None).await.unwrap().trust;
        let first = trust("https://a", &given, &env("1")).await;
        assert_eq!(first, trust("https://a", &given, &env("1")).await, "the same is the same");
        let moved = ExecPlugin { args: vec!["get tok".into(), "en".into()], ..given.clone() };
        let fewer = ExecPlugin { args: vec!["get".into()], ..given.clone() };
        assert_ne!(first, trust("https://b", &given, &env("1")).await, "another server");
        assert_ne!(first, trust("https://a", &given, &env("2")).await, "another value");
        assert_ne!(first, trust("https://a", &given, &SecretMap::new()).await, "no variable");
        assert_ne!(first, trust("https://a", &moved, &env("1")).await, "other arguments");
        assert_ne!(first, trust("https://a", &fewer, &env("1")).await, "fewer arguments");
        program(dir.path(), "login", "#!/bin/sh\nevil\n").unwrap();
        assert_ne!(first, trust("https://a", &given, &env("1")).await, "another file");
    }

    #[tokio::test]
    async fn a_program_is_found_where_kubectl_finds_it_and_odd_places_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let real = std::fs::canonicalize(dir.path()).unwrap();
        program(&real, "login", "x").unwrap();
        std::os::unix::fs::symlink(real.join("login"), real.join("link")).unwrap();
        let look = async |plugin: &ExecPlugin, path: Option<&str>| look("https://a", plugin, &SecretMap::new(), path).await;
        let found = look(&plugin("./link", Some(&real)), None).await.unwrap();
        assert_eq!(Path::new(&found.program), real.join("login"), "the link is resolved");
        assert!(found.warnings.iter().any(|text| text.en.contains("beside the kubeconfig")), "{:?}", found.warnings);
        let by_path = look(&plugin("login", None), Some(&format!("relative:{}", real.display()))).await.unwrap();
        assert_eq!(by_path.program, found.program);
        assert!(!by_path.warnings.iter().any(|text| text.en.contains("beside")));
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o777)).unwrap();
        let open = look(&plugin("login", None), real.to_str()).await.unwrap();
        assert!(open.warnings.iter().any(|text| text.en.contains("everybody")), "{:?}", open.warnings);
        for (command, base, path) in
            [("login", None, Some("/nowhere")), ("./login", None, None), ("/dev/null", None, None), ("login", None, None)]
        {
            assert_eq!(look(&plugin(command, base), path).await.unwrap_err().code, "exec_missing", "{command} {path:?}");
        }
    }
}
