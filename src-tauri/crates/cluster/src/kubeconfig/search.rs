//! Looks whether a secret is still to be found: in the kubeconfigs, in the copies that editors and people leave beside them, and in the
//! files that they named; raw, in base64, and across lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use domain::kubeconfig::{Finding, Needle};
use yaml::{Node, Profile};
use zeroize::Zeroizing;

use super::review::looks_secret;
use super::source::{Unread, bytes, decode};

/// No copy of a kubeconfig is larger; an editor's swap file may be.
const LARGEST: usize = 16 * 1024 * 1024;
/// Shorter values are found everywhere and prove nothing.
const SHORTEST: usize = 6;

/// Looks through all of it.
pub(super) fn search(kubeconfigs: &[PathBuf], further: &[PathBuf], needles: &[Needle]) -> Vec<Finding> {
    let patterns: Vec<Pattern> = needles.iter().flat_map(patterns).collect();
    let mut places: BTreeMap<(String, u64), String> = BTreeMap::new();
    let mut seen = std::collections::HashSet::new();
    let copies: Vec<PathBuf> = kubeconfigs.iter().flat_map(|file| copies(file)).collect();
    let all = kubeconfigs
        .iter()
        .map(|file| (file, true))
        .chain(copies.iter().map(|file| (file, true)))
        .chain(further.iter().map(|file| (file, false)));
    for (file, may_be_kubeconfig) in all {
        let real = file.canonicalize().unwrap_or_else(|_| file.clone());
        if !seen.insert(real) {
            continue;
        }
        for (line, kind) in one(file, may_be_kubeconfig, &patterns) {
            places.entry((file.display().to_string(), line)).or_insert(kind);
        }
    }
    places.into_iter().map(|((file, line), kind)| Finding { file, line, kind }).collect()
}

/// What lies beside a file, or beside what it leads to, and has its name in its own.
fn copies(file: &Path) -> Vec<PathBuf> {
    let real = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let mut found = Vec::new();
    for path in [file, real.as_path()] {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { continue };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let name = name.to_string_lossy();
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries.flatten().take(10_000) {
            let other = entry.file_name();
            let other = other.to_string_lossy();
            let copy = (other.contains(name.as_ref()) && other != name) || other.starts_with(".pilothouse-");
            if copy && entry.path().metadata().is_ok_and(|meta| meta.is_file()) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn one(file: &Path, may_be_kubeconfig: bool, patterns: &[Pattern]) -> Vec<(u64, String)> {
    let content = match bytes(file, LARGEST) {
        Ok(content) => content,
        Err(Unread::Absent) => return Vec::new(),
        Err(_) => return vec![(0, "unreadable".into())],
    };
    // UTF-16 is looked at as the text that it is.
    let content = match (content.as_slice(), decode(&content)) {
        ([0xff, 0xfe, ..] | [0xfe, 0xff, ..], Ok((text, _))) => Zeroizing::new(text.as_bytes().to_vec()),
        _ => content,
    };
    let mut found = Vec::new();
    let dense: Zeroizing<Vec<u8>> = Zeroizing::new(content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    for pattern in patterns {
        let mut from = 0;
        while let Some(at) = find(dense.get(from..).unwrap_or_default(), &pattern.bytes) {
            found.push((line_of_dense(&content, from + at), pattern.kind.clone()));
            from += at + pattern.bytes.len();
        }
    }
    if may_be_kubeconfig {
        found.extend(inline(&content));
    }
    found
}

/// Some bytes, without white space, that are a secret in some form.
struct Pattern {
    kind: String,
    bytes: Zeroizing<Vec<u8>>,
}

fn patterns(needle: &Needle) -> Vec<Pattern> {
    let value = needle.value.expose().trim_ascii();
    let mut forms: Vec<Zeroizing<Vec<u8>>> = Vec::new();
    let dense = |bytes: &[u8]| Zeroizing::new(bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>());
    let secret_part = private_part(value).unwrap_or(value);
    if secret_part.len() < SHORTEST {
        return Vec::new();
    }
    // Of a key, what is between its lines is enough, and is found however it is broken into lines.
    let raw = dense(body(secret_part));
    if raw.len() >= SHORTEST {
        forms.push(raw);
    }
    for shift in 0..3 {
        for text in [in_base64(secret_part, shift, false), in_base64(secret_part, shift, true)] {
            if text.len() >= SHORTEST && !forms.contains(&text) {
                forms.push(text);
            }
        }
    }
    if let Ok(text) = std::str::from_utf8(secret_part) {
        let json = serde_json::Value::from(text).to_string();
        let json = dense(json.trim_matches('"').as_bytes());
        if !forms.contains(&json) {
            forms.push(json);
        }
    }
    forms.into_iter().map(|bytes| Pattern { kind: needle.kind.clone(), bytes }).collect()
}

/// The private key of a PEM text, from its first line to its last; certificates are no secrets.
fn private_part(value: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(value).ok()?;
    let label = text.find("PRIVATE KEY-----")?;
    let begin = text.get(..label)?.rfind("-----BEGIN")?;
    let end = text.get(label..)?.find("-----END").map(|at| label + at)?;
    let last = text.get(end..)?.find('\n').map_or(text.len(), |at| end + at);
    text.get(begin..last).map(str::as_bytes)
}

/// What a PEM text holds between its lines; anything else as it is.
fn body(value: &[u8]) -> &[u8] {
    let Ok(text) = std::str::from_utf8(value) else { return value };
    let inner = || {
        let begin = text.find("-----BEGIN")?;
        let from = begin + text.get(begin..)?.find('\n')? + 1;
        let to = text.find("-----END")?;
        text.get(from..to).map(|inner| inner.trim().as_bytes())
    };
    inner().unwrap_or(value)
}

/// How a value looks inside base64 that it begins `shift` bytes into a group of: without the digits that depend on its neighbours.
fn in_base64(value: &[u8], shift: usize, url: bool) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0_u8; shift]);
    bytes.extend_from_slice(value);
    let text = Zeroizing::new(if url { URL_SAFE_NO_PAD.encode(&*bytes) } else { STANDARD_NO_PAD.encode(&*bytes) });
    let from = (shift * 8).div_ceil(6);
    let to = bytes.len() * 8 / 6;
    Zeroizing::new(text.get(from..to).unwrap_or_default().as_bytes().to_vec())
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let (first, rest) = needle.split_first()?;
    let mut from = 0;
    while let Some(at) = haystack.get(from..)?.iter().position(|byte| byte == first) {
        let begin = from + at;
        if haystack.get(begin + 1..begin + 1 + rest.len()) == Some(rest) {
            return Some(begin);
        }
        from = begin + 1;
    }
    None
}

/// The line on which the byte stands that has this place when white space is not counted.
fn line_of_dense(content: &[u8], place: usize) -> u64 {
    let mut line = 1;
    let mut left = place;
    for byte in content {
        if *byte == b'\n' {
            line += 1;
        }
        if !byte.is_ascii_whitespace() {
            if left == 0 {
                break;
            }
            left -= 1;
        }
    }
    line
}

/// Credentials that stand in a kubeconfig, whosever they are.
fn inline(content: &[u8]) -> Vec<(u64, String)> {
    let Ok((text, _)) = decode(content) else { return Vec::new() };
    // What no parser reads gives no credential; it was looked through byte by byte all the same.
    let Ok(root) = yaml::tree(&text, &Profile::KUBECONFIG) else { return Vec::new() };
    let mut found = Vec::new();
    let mut note = |node: Option<&Node>, kind: &str| {
        if let Some(node) = node.filter(|node| node.text().is_some_and(|text| !text.is_empty())) {
            found.push((node.line as u64, kind.to_owned()));
        }
    };
    for item in root.get("users").map(Node::items).unwrap_or_default() {
        let Some(user) = item.get("user") else { continue };
        note(user.get("token"), "inline_token");
        note(user.get("password"), "inline_password");
        note(user.get("client-key-data"), "inline_client_key");
        if let Some(config) = user.get("auth-provider").and_then(|provider| provider.get("config")) {
            for key in ["access-token", "id-token", "refresh-token", "client-secret", "password"] {
                note(config.get(key), "inline_auth_provider");
            }
        }
        for variable in user.get("exec").and_then(|exec| exec.get("env")).map(Node::items).unwrap_or_default() {
            if variable.get("name").and_then(Node::text).is_some_and(looks_secret) {
                note(variable.get("value"), "inline_variable");
            }
        }
    }
    for item in root.get("clusters").map(Node::items).unwrap_or_default() {
        let proxy = item.get("cluster").and_then(|cluster| cluster.get("proxy-url"));
        if proxy.and_then(Node::text).and_then(|text| url::Url::parse(text).ok()).is_some_and(|url| url.password().is_some()) {
            note(proxy, "inline_proxy_credentials");
        }
    }
    found
}
