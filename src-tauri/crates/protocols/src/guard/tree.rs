//! The processes below one process, and ending them.

use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, wait};

use super::letter::Exit;

/// What the processes below us use together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// How many there are.
    pub processes: u32,
    /// Their own memory, shared pages not counted (bytes).
    pub memory: u64,
}

/// Takes in every child that ended, ours by birth or by adoption. Answers how `main` ended when it is among them.
pub(super) fn reap(main: Pid) -> Option<Exit> {
    let mut end = None;
    while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
        if pid == main {
            end = status.exit_status().map(Exit::Code).or_else(|| status.terminating_signal().map(Exit::Signal));
        }
    }
    end
}

/// Sends a signal to everything below us. A process that is already gone is no fault.
pub(super) fn signal_all(main: Pid, signal: Signal) {
    let _ = kill_process_group(main, signal);
    for pid in below() {
        let _ = kill_process(pid, signal);
    }
}

/// One round of ending everything below us. The program's own group goes first and at one stroke, so that it cannot fork away from under
/// a list; what left the group is stopped before it is killed, for the same reason. Answers how many were found.
pub(super) fn kill_round(main: Pid) -> usize {
    let _ = kill_process_group(main, Signal::KILL);
    let mut known = below();
    for _ in 0..20 {
        for &pid in &known {
            let _ = kill_process(pid, Signal::STOP);
        }
        let again = below();
        let grew = again.iter().any(|pid| !known.contains(pid));
        known = again;
        if !grew {
            break;
        }
    }
    for &pid in &known {
        let _ = kill_process(pid, Signal::KILL);
    }
    known.len()
}

#[cfg(target_os = "linux")]
pub(super) use linux::{below, usage};
#[cfg(not(target_os = "linux"))]
pub(super) use other::{below, usage};

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::fs;

    use rustix::process::{Pid, getpid};

    use super::Usage;

    /// Everything below this process that has not ended, from the whole process table.
    pub(in super::super) fn below() -> Vec<Pid> {
        let mut children: HashMap<i32, Vec<(i32, bool)>> = HashMap::new();
        let Ok(table) = fs::read_dir("/proc") else { return Vec::new() };
        for entry in table.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            let Some((parent, ended)) = fs::read(format!("/proc/{pid}/stat")).ok().and_then(|stat| parent(&stat)) else { continue };
            children.entry(parent).or_default().push((pid, ended));
        }
        let mut found = Vec::new();
        let mut open = vec![getpid().as_raw_pid()];
        while let Some(pid) = open.pop() {
            for (child, ended) in children.remove(&pid).unwrap_or_default() {
                open.push(child);
                if !ended {
                    found.extend(Pid::from_raw(child));
                }
            }
        }
        found
    }

    /// Parent and whether the process has ended, out of `/proc/<pid>/stat`. The name in brackets may hold anything, brackets included.
    pub(super) fn parent(stat: &[u8]) -> Option<(i32, bool)> {
        let end = stat.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(stat.get(end + 1..)?).ok()?;
        let mut fields = rest.split_ascii_whitespace();
        let state = fields.next()?;
        Some((fields.next()?.parse().ok()?, matches!(state, "Z" | "X" | "x")))
    }

    /// What the processes below us use. Follows the kernel's lists of children, which costs little while little runs, and counts no
    /// further once there are more than enough.
    pub(in super::super) fn usage(enough: u32) -> Usage {
        let page = rustix::param::page_size() as u64;
        let mut sum = Usage::default();
        let mut open = children(getpid().as_raw_pid());
        while let Some(pid) = open.pop() {
            sum.processes += 1;
            sum.memory += own_pages(pid).unwrap_or(0) * page;
            open.extend(children(pid));
            if sum.processes > enough {
                break;
            }
        }
        sum
    }

    fn children(pid: i32) -> Vec<i32> {
        let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
        let lists = tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
        lists.flat_map(|list| list.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<i32>>()).collect()
    }

    fn own_pages(pid: i32) -> Option<u64> {
        let statm = fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
        let mut fields = statm.split_ascii_whitespace().skip(1).map(str::parse::<u64>);
        let (resident, shared) = (fields.next()?.ok()?, fields.next()?.ok()?);
        Some(resident.saturating_sub(shared))
    }

    #[cfg(test)]
    mod tests {
        use super::parent;

        #[test]
        fn a_name_with_brackets_and_spaces_does_not_move_the_fields() {
            assert_eq!(parent(b"12 (a) R 1 (b)) S 7 12 12"), Some((7, false)));
            assert_eq!(parent(b"12 (sh) Z 7 12 12"), Some((7, true)));
            assert_eq!(parent(b"12 (sh"), None);
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod other {
    use std::collections::HashMap;

    use rustix::process::{Pid, getpid};

    use super::Usage;

    /// Everything below this process as `ps` sees it. What was adopted by the system's first process is not found here; the process group
    /// is what reaches it.
    #[expect(clippy::disallowed_methods, reason = "this is the guard; there is no other safe way to the process table here")]
    pub(in super::super) fn below() -> Vec<Pid> {
        let Ok(output) = std::process::Command::new("/bin/ps").args(["-A", "-o", "pid=,ppid=,stat="]).output() else { return Vec::new() };
        let mut children: HashMap<i32, Vec<(i32, bool)>> = HashMap::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut fields = line.split_ascii_whitespace();
            let (Some(Ok(pid)), Some(Ok(parent)), Some(state)) =
                (fields.next().map(str::parse), fields.next().map(str::parse), fields.next())
            else {
                continue;
            };
            children.entry(parent).or_default().push((pid, state.starts_with('Z')));
        }
        let mut found = Vec::new();
        let mut open = vec![getpid().as_raw_pid()];
        while let Some(pid) = open.pop() {
            for (child, ended) in children.remove(&pid).unwrap_or_default() {
                open.push(child);
                if !ended {
                    found.extend(Pid::from_raw(child));
                }
            }
        }
        found
    }

    /// Nothing is counted here: starting `ps` four times a second would cost more than it saves. The limits of each process hold.
    pub(in super::super) fn usage(_: u32) -> Usage {
        Usage::default()
    }
}
