//! What a process that handles secrets does first: nothing of its memory reaches a file or another process of the same user.

/// No core file, and no look into the memory. Children start as usual. What the system refuses is left as it is: this raises the cost, and
/// nothing depends on it.
pub fn harden() {
    no_core_file();
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _ = nix::sys::prctl::set_dumpable(false);
    }
}

/// The first half of it, for a process without a secret that must let itself be looked at before it gets one: a process that cannot be
/// looked into does not show what program it is either.
pub fn harden_later() {
    no_core_file();
}

fn no_core_file() {
    #[cfg(unix)]
    {
        let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    }
}
