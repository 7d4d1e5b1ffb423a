//! What a person accepts when they let a program give credentials: exactly this file, run in exactly this way, for this server.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::tool::hex;
use sha2::{Digest, Sha256};

/// A program found on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its file, links followed.
    pub path: PathBuf,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// No program of such a kind is larger.
const LARGEST: u64 = 1024 * 1024 * 1024;

/// Finds the program that a kubeconfig's command means: a path from the root on, a path from the kubeconfig's folder, or a name in `PATH`.
/// Its file is hashed; nothing is run.
pub fn find(command: &str, base_dir: Option<&Path>, path: Option<&OsStr>) -> std::io::Result<Program> {
    let not_found = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let named = Path::new(command);
    let found = if named.is_absolute() {
        named.to_owned()
    } else if command.contains('/') || command.contains(std::path::MAIN_SEPARATOR) {
        base_dir.ok_or_else(not_found)?.join(named)
    } else if command.is_empty() {
        return Err(not_found());
    } else {
        let names: &[&str] = if cfg!(windows) { &[".exe", ".cmd", ".bat", ""] } else { &[""] };
        let folders = std::env::split_paths(path.unwrap_or_default()).filter(|folder| folder.is_absolute());
        folders
            .flat_map(|folder| names.iter().map(move |end| folder.join(format!("{command}{end}"))))
            .find(|file| runnable(file))
            .ok_or_else(not_found)?
    };
    let path = found.canonicalize()?;
    if !runnable(&path) {
        return Err(std::io::Error::new(std::io::ErrorKind::PermissionDenied, "it is no file that can be run"));
    }
    Ok(Program { sha256: hash(&path)?, path })
}

fn runnable(file: &Path) -> bool {
    let Ok(meta) = std::fs::metadata(file) else { return false };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        meta.is_file() && meta.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    meta.is_file()
}

fn hash(file: &Path) -> std::io::Result<String> {
    let mut file = std::fs::File::open(file)?.take(LARGEST + 1);
    let mut sum = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    let mut read: u64 = 0;
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            break;
        }
        read += n as u64;
        sum.update(piece.get(..n).unwrap_or_default());
    }
    if read > LARGEST {
        return Err(std::io::Error::from(std::io::ErrorKind::FileTooLarge));
    }
    Ok(hex(&sum.finalize()))
}

/// The key of a person's yes: SHA-256 over the resolved program and its hash, the words of its command line, its variables and the server.
/// Every part is preceded by its length, so that no two of them can be shifted into one another.
pub fn key(program: &Program, args: &[String], env: &BTreeMap<String, String>, server: &str) -> String {
    let mut sum = Sha256::new();
    let mut part = |bytes: &[u8]| {
        sum.update((bytes.len() as u64).to_be_bytes());
        sum.update(bytes);
    };
    part(b"ph-exec-1");
    part(program.path.as_os_str().as_encoded_bytes());
    part(program.sha256.as_bytes());
    part(&(args.len() as u64).to_be_bytes());
    for arg in args {
        part(arg.as_bytes());
    }
    part(&(env.len() as u64).to_be_bytes());
    for (name, value) in env {
        part(name.as_bytes());
        part(value.as_bytes());
    }
    part(server.as_bytes());
    hex(&sum.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn every_part_of_what_was_accepted_is_in_the_key() {
        let program = Program { path: "/bin/x".into(), sha256: "aa".into() };
        let env = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
        let base = key(&program, &words(&["a", "b"]), &env, "https://s");
        let other_file = Program { sha256: "ab".into(), ..program.clone() };
        let other_path = Program { path: "/bin/y".into(), ..program.clone() };
        for changed in [
            key(&other_file, &words(&["a", "b"]), &env, "https://s"),
            key(&other_path, &words(&["a", "b"]), &env, "https://s"),
            key(&program, &words(&["ab"]), &env, "https://s"),
            key(&program, &words(&["a", "b", ""]), &env, "https://s"),
            key(&program, &words(&["a", "b"]), &BTreeMap::new(), "https://s"),
            key(&program, &words(&["a", "b"]), &BTreeMap::from([("A".to_owned(), "2".to_owned())]), "https://s"),
            key(&program, &words(&["a", "b"]), &env, "https://t"),
        ] {
            assert_ne!(base, changed);
        }
        assert_eq!(base, key(&program, &words(&["a", "b"]), &env, "https://s"));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_is_found_as_the_kubeconfig_means_it_and_never_in_the_current_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let tmp = tempfile::tempdir().unwrap();
        let file = tmp.path().join("plugin");
        std::fs::write(&file, "#!/bin/sh\n").unwrap();
        let dir = Some(tmp.path());
        assert!(find("./plugin", dir, None).is_err(), "it cannot be run yet");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        let real = file.canonicalize().unwrap();
        assert_eq!(find("./plugin", dir, None).unwrap().path, real);
        assert_eq!(find("plugin", None, Some(tmp.path().as_os_str())).unwrap().path, real);
        assert_eq!(find(file.to_str().unwrap(), None, None).unwrap().path, real);
        assert!(find("plugin", dir, Some(OsStr::new(".:"))).is_err(), "a name is looked for in PATH alone, in whole paths of it");
        assert!(find("", dir, None).is_err());
        assert!(find("./plugin", None, None).is_err(), "pasted text has no folder");
    }
}
