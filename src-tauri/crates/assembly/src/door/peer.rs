//! Who is at the other end of a connection, as the system tells it.

use std::path::Path;

use tokio::net::UnixStream;

/// The process that started the one at the other end.
#[derive(Debug)]
pub(super) struct Caller {
    /// Its file's path.
    pub(super) program: String,
    /// The very file that runs.
    pub(super) file: std::fs::File,
}

/// What was found.
#[derive(Debug)]
pub(super) enum Peer {
    /// Our own program, and who started it; none when the system does not tell.
    Ours(Option<Caller>),
    /// Another program, or one that cannot be told.
    Stranger(Option<String>),
}

/// Looks at the process at the other end. It is alive before and after, so that its number means the same process all the while.
#[cfg(target_os = "linux")]
pub(super) fn look(stream: &UnixStream, pid: Option<i32>, helper: &Path) -> Peer {
    use std::os::unix::fs::MetadataExt as _;
    let Some(pid) = pid.filter(|pid| *pid > 0) else { return Peer::Stranger(None) };
    let Ok(handle) = Handle::of(stream, pid) else { return Peer::Stranger(None) };
    let exe = format!("/proc/{pid}/exe");
    let program = std::fs::read_link(&exe).ok().and_then(|path| path.into_os_string().into_string().ok());
    // The file that runs, and the one at our helper's path now.
    let ours = match (std::fs::metadata(&exe), std::fs::metadata(helper)) {
        (Ok(theirs), Ok(ours)) => (theirs.dev(), theirs.ino()) == (ours.dev(), ours.ino()),
        _ => false,
    };
    let parent = parent_of(pid);
    let caller = parent.and_then(|parent| {
        let exe = format!("/proc/{parent}/exe");
        let path = std::fs::read_link(&exe).ok()?.into_os_string().into_string().ok()?;
        let file = std::fs::File::open(&exe).ok()?;
        Some(Caller { program: path.strip_suffix(" (deleted)").unwrap_or(&path).to_owned(), file })
    });
    // A parent that ended meanwhile would have given its number away, and its child to another.
    if !ours || parent_of(pid) != parent || !handle.lives() {
        return Peer::Stranger(program);
    }
    Peer::Ours(caller)
}

/// Only Linux tells a program's file without unsafe code: elsewhere the caller does what it can by itself.
#[cfg(not(target_os = "linux"))]
pub(super) fn look(_: &UnixStream, _: Option<i32>, _: &Path) -> Peer {
    Peer::Stranger(None)
}

/// The process that connected, and no other that got its number later.
#[cfg(target_os = "linux")]
struct Handle {
    fd: Option<std::os::fd::OwnedFd>,
    pid: i32,
    started: u64,
}

#[cfg(target_os = "linux")]
impl Handle {
    fn of(stream: &UnixStream, pid: i32) -> std::io::Result<Self> {
        let gone = || std::io::Error::from(std::io::ErrorKind::NotFound);
        // Kernels before 6.5 do not have it: there the time of its start must do.
        let fd = nix::sys::socket::getsockopt(stream, nix::sys::socket::sockopt::PeerPidfd).ok();
        let handle = Self { fd, pid, started: stat(pid).map(|(_, started)| started).ok_or_else(gone)? };
        if handle.lives() { Ok(handle) } else { Err(gone()) }
    }

    fn lives(&self) -> bool {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd as _;
        // A process that ended makes its handle readable.
        let ended = self.fd.as_ref().is_some_and(|fd| {
            let mut all = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
            poll(&mut all, PollTimeout::ZERO) != Ok(0)
        });
        !ended && stat(self.pid).is_some_and(|(_, started)| started == self.started)
    }
}

#[cfg(target_os = "linux")]
fn parent_of(pid: i32) -> Option<i32> {
    stat(pid).map(|(parent, _)| parent)
}

/// A process's parent, and when it started.
#[cfg(target_os = "linux")]
fn stat(pid: i32) -> Option<(i32, u64)> {
    read_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The second word is the program's name in brackets, and may itself hold brackets and spaces.
#[cfg(target_os = "linux")]
fn read_stat(text: &str) -> Option<(i32, u64)> {
    let mut words = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
    Some((words.nth(1)?.parse().ok()?, words.nth(17)?.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_move_the_words_of_a_process() {
        let text = "42 (a) b) 7 (c)) S 41 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1 1";
        assert_eq!(read_stat(text), Some((41, 777)));
        let own = i32::try_from(std::process::id()).unwrap();
        assert_eq!(parent_of(own), i32::try_from(std::os::unix::process::parent_id()).ok());
        assert_eq!(read_stat("42 (x"), None);
    }
}
