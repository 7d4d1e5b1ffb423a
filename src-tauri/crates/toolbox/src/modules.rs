//! The registry of built-in modules.

use std::path::PathBuf;
use std::sync::Arc;

use domain::fault::ServerFault;
use domain::local::{LocalModule, LocalSettings, LocalTools, ModuleInfo};

use crate::{Clustering, filesystem, kubernetes};

/// Where things are on this machine. Values, because nobody here reads the environment.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The folder that is used when the settings name none. Made when it is missing.
    pub scratch: PathBuf,
    /// The person's home, for `~/…` in a setting.
    pub home: Option<PathBuf>,
    /// Folders that no tool may see, even inside a root: our own data and configuration.
    pub private: Vec<PathBuf>,
}

/// All built-in tools.
#[derive(Debug, Clone)]
pub struct Toolbox {
    places: Arc<Places>,
    clusters: Option<Clustering>,
}

/// Modules that the predecessor had under this setting and that are not here.
const PREDECESSORS: [&str; 2] = ["k8s", "ecs"];

impl Toolbox {
    /// The tools of this build.
    pub fn new(places: Places) -> Self {
        Self { places: Arc::new(places), clusters: None }
    }

    /// The same, with the tools that look at clusters.
    #[must_use]
    pub fn with_clusters(self, clusters: Clustering) -> Self {
        Self { clusters: Some(clusters), ..self }
    }

    /// What the tools of clusters stand on, when they are meant.
    fn clustering(&self, settings: &LocalSettings) -> Option<&Clustering> {
        self.clusters.as_ref().filter(|_| matches!(settings.module(), kubernetes::ID | kubernetes::ALIAS))
    }
}

impl LocalTools for Toolbox {
    fn modules(&self) -> Vec<ModuleInfo> {
        std::iter::once(filesystem::info()).chain(self.clusters.iter().map(|_| kubernetes::info())).collect()
    }

    fn check(&self, settings: &LocalSettings) -> Result<(), ServerFault> {
        if self.clustering(settings).is_some() {
            return kubernetes::check(settings);
        }
        let module = settings.module();
        if module != filesystem::ID {
            let known = self.modules().into_iter().map(|module| module.id).collect::<Vec<_>>().join(", ");
            let reason = if PREDECESSORS.contains(&module) {
                format!(
                    "the in-process tools of `{module}` are not part of this build; there is: {known}. Reach a cluster through a server of another type"
                )
            } else {
                format!("there is no built-in module `{module}`; there is: {known}")
            };
            return Err(ServerFault::Settings { field: "module".into(), reason });
        }
        filesystem::check(&self.places, settings)
    }

    fn target(&self, settings: &LocalSettings) -> String {
        if self.clustering(settings).is_some() {
            return kubernetes::ID.into();
        }
        let folders = filesystem::folders(&self.places, settings);
        let folders = folders.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ");
        format!("{}: {folders}", settings.module())
    }

    fn open(&self, settings: &LocalSettings) -> Result<Arc<dyn LocalModule>, ServerFault> {
        self.check(settings)?;
        if let Some(clusters) = self.clustering(settings) {
            return Ok(Arc::new(kubernetes::open(clusters)));
        }
        Ok(Arc::new(filesystem::open(&self.places, settings)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(settings: &str) -> String {
        let toolbox = Toolbox::new(Places { scratch: "/nowhere".into(), home: Some("/home/me".into()), private: vec![] });
        match toolbox.check(&serde_json::from_str(settings).unwrap()) {
            Err(ServerFault::Settings { field, reason }) => format!("{field}: {reason}"),
            other => panic!("{settings} gave {other:?}"),
        }
    }

    #[test]
    fn a_module_that_is_not_built_is_refused_by_name_and_says_what_there_is() {
        assert!(
            reason(r#"{"provider":"k8s"}"#)
                .starts_with("module: the in-process tools of `k8s` are not part of this build; there is: filesystem")
        );
        assert!(reason(r#"{"module":"nope"}"#).contains("there is: filesystem"));
    }

    #[test]
    fn a_root_must_be_a_whole_path() {
        for (settings, part) in [
            (r#"{"roots":["src"]}"#, "roots"),
            (r#"{"root":""}"#, "root"),
            (r#"{"roots":["/a","a\u0000b"]}"#, "roots"),
            (r#"{"roots":["/a/../b"]}"#, "roots"),
        ] {
            assert!(reason(settings).starts_with(part), "{settings} is about {part}");
        }
    }

    #[test]
    fn the_target_says_the_folders_with_the_home_spelled_out() {
        let toolbox = Toolbox::new(Places { scratch: "/s".into(), home: Some("/home/me".into()), private: vec![] });
        let target = |text: &str| toolbox.target(&serde_json::from_str(text).unwrap());
        assert_eq!(target(r#"{"roots":["~/notes","/srv"]}"#), "filesystem: /home/me/notes, /srv");
        assert_eq!(target("{}"), "filesystem: /s");
    }
}
