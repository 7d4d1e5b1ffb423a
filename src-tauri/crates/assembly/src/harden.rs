//! What a process that handles secrets does first: nothing of its memory reaches a file or another process of the same user.

/// No core file, and no look into the memory. Children start as usual. What the system refuses is left as it is: this raises the cost, and
/// nothing depends on it.
pub fn harden() {
    #[cfg(unix)]
    {
        let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
    }
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let _ = nix::sys::prctl::set_dumpable(false);
    }
}
