//! Which sockets a program and its children listen on.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

/// Local addresses (as `/proc/net/tcp` writes them) on which processes with this name, whose home is `home`, or their children listen.
pub(crate) fn sockets_of_tree(name: &str, home: &Path) -> BTreeSet<String> {
    let mut pids: HashSet<u32> = HashSet::new();
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some((before, after)) = stat.rsplit_once(')') else { continue };
        let parent = after.split_whitespace().nth(1).and_then(|parent| parent.parse::<u32>().ok()).unwrap_or(0);
        parents.push((pid, parent));
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let ours = String::from_utf8_lossy(&environment).contains(&format!("HOME={}", home.display()));
        if ours && before.contains(&format!("({name}")) {
            pids.insert(pid);
        }
    }
    assert!(!pids.is_empty(), "{name} was not found among the processes");
    while let Some((pid, _)) = parents.iter().find(|(pid, parent)| pids.contains(parent) && !pids.contains(pid)) {
        pids.insert(*pid);
    }
    let mut inodes = HashSet::new();
    for pid in &pids {
        for fd in std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            if let Ok(target) = std::fs::read_link(fd.path())
                && let Some(inode) = target.to_str().and_then(|target| target.strip_prefix("socket:[")?.strip_suffix(']'))
            {
                inodes.insert(inode.to_owned());
            }
        }
    }
    let mut listening = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in std::fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let words: Vec<_> = line.split_whitespace().collect();
            if words.get(3) == Some(&"0A") && words.get(9).is_some_and(|inode| inodes.contains(*inode)) {
                listening.insert(words[1].to_owned());
            }
        }
    }
    listening
}
