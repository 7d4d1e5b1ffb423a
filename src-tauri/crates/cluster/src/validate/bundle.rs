//! The schemas that come with us: the newest four minors, made by scripts/kube-schemas.py.

use std::io::Read as _;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use super::schema::Schemas;

type Slot = (&'static str, &'static [u8], OnceLock<Option<Arc<Schemas>>>);

static BUNDLED: [Slot; 4] = [
    ("1.34", include_bytes!("../../schemas/1.34.json.gz"), OnceLock::new()),
    ("1.35", include_bytes!("../../schemas/1.35.json.gz"), OnceLock::new()),
    ("1.36", include_bytes!("../../schemas/1.36.json.gz"), OnceLock::new()),
    ("1.37", include_bytes!("../../schemas/1.37.json.gz"), OnceLock::new()),
];

/// The minors that there are, oldest first.
pub fn versions() -> impl Iterator<Item = &'static str> {
    BUNDLED.iter().map(|(version, ..)| *version)
}

/// The schemas of a minor, such as `1.36`, `v1.36` or `1.36.2`; compiled when first asked for.
pub fn bundled(version: &str) -> Option<Arc<Schemas>> {
    let wanted = minor(version)?;
    let (name, bytes, slot) = BUNDLED.iter().find(|(name, ..)| *name == wanted)?;
    slot.get_or_init(|| open(name, bytes).map(Arc::new)).clone()
}

/// `1.36` of `v1.36.2+k3s1`.
pub(crate) fn minor(version: &str) -> Option<String> {
    let mut parts = version.trim_start_matches('v').split('.');
    let number = |part: &str| part.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u32>().ok();
    Some(format!("{}.{}", number(parts.next()?)?, number(parts.next()?)?))
}

fn open(name: &str, bytes: &[u8]) -> Option<Schemas> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).ok()?;
    let document: Value = serde_json::from_str(&text).ok()?;
    let components = document.get("schemas")?.as_object()?;
    let mut schemas = Schemas::new(name);
    for (kind, facts) in document.get("kinds")?.as_object()? {
        let (api_version, kind) = kind.rsplit_once('/')?;
        schemas.take(api_version, kind, facts.get("namespaced")?.as_bool()?, facts.get("schema")?.as_str()?, components);
    }
    Some(schemas)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_minor_opens_and_knows_the_kinds_that_everybody_uses() {
        for version in versions() {
            let schemas = bundled(version).unwrap();
            assert_eq!(schemas.version(), version);
            for kind in [
                "v1/Pod",
                "apps/v1/Deployment",
                "batch/v1/CronJob",
                "networking.k8s.io/v1/Ingress",
                "rbac.authorization.k8s.io/v1/ClusterRole",
            ] {
                assert!(schemas.kinds.contains_key(kind), "{version} {kind}");
            }
        }
        assert!(bundled("v1.36.2+k3s1").is_some());
        assert!(bundled("1.12").is_none() && bundled("latest").is_none());
    }
}
