//! What the app and the guard write to one another: one JSON object a line.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a program and all that it starts may use. Zero is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Processes at once.
    pub processes: u32,
    /// Memory of all of them together, shared pages not counted (bytes).
    pub memory: u64,
    /// Address space of each (bytes).
    pub address_space: u64,
    /// Open files of each.
    pub open_files: u64,
}

impl Default for Limits {
    /// Address space has no limit: Node's own `fetch` reserves over 8 GiB of it for WebAssembly and fails below, without using any. What
    /// is really used is bounded by `memory`.
    fn default() -> Self {
        Self { processes: 256, memory: 2 << 30, address_space: 0, open_files: 4096 }
    }
}

/// What is to be started. Goes through the control socket, so that no value of it is ever an argument of ours.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// The program's whole path.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
    /// Where it starts; the app's own folder when absent.
    pub cwd: Option<String>,
    /// Its whole environment.
    pub env: BTreeMap<String, String>,
    /// What it may use.
    pub limits: Limits,
}

impl fmt::Debug for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values may be secrets; arguments may hold one too.
        f.debug_struct("Spec")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("cwd", &self.cwd)
            .field("env", &self.env.keys().collect::<Vec<_>>())
            .field("limits", &self.limits)
            .finish()
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// By itself, with this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => match name(signal) {
                Some(name) => write!(f, "signal {signal} {name}"),
                None => write!(f, "signal {signal}"),
            },
        }
    }
}

/// Signals that have the same number everywhere and end programs.
fn name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// From the guard to the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Report {
    /// The program runs.
    Started {
        /// Its process id, which is also its group.
        pid: i32,
    },
    /// It could not be started.
    Failed {
        /// Why.
        reason: String,
    },
    /// It went over a limit and is being ended.
    OverLimit {
        /// Which.
        what: String,
        /// How much it was.
        limit: u64,
    },
    /// It ended.
    Exited(Exit),
    /// Everything it started is gone too, save so many that could not be ended.
    Gone {
        /// How many are left.
        left: usize,
    },
}

/// From the app to the guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    /// End it: TERM, and after the grace KILL.
    Stop,
    /// End it now.
    Kill,
}

/// How long after TERM until KILL.
pub(super) const GRACE: std::time::Duration = std::time::Duration::from_secs(3);

/// A letter as a line.
pub(super) fn line<T: Serialize>(letter: &T) -> Vec<u8> {
    let mut line = serde_json::to_vec(letter).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_said_in_words_that_can_be_searched_for() {
        assert_eq!(Exit::Code(1).to_string(), "exit code 1");
        assert_eq!(Exit::Signal(11).to_string(), "signal 11 SIGSEGV");
        assert_eq!(Exit::Signal(64).to_string(), "signal 64");
    }

    #[test]
    fn letters_come_back_as_they_went_and_a_spec_shows_no_values() {
        for report in [Report::Started { pid: 7 }, Report::Exited(Exit::Signal(9)), Report::Gone { left: 0 }] {
            assert_eq!(serde_json::from_slice::<Report>(&line(&report)).unwrap(), report);
        }
        let spec = Spec {
            program: "/bin/x".into(),
            args: vec!["--token=hunter2".into()],
            cwd: None,
            env: BTreeMap::from([("KEY".to_owned(), "hunter2".to_owned())]),
            limits: Limits::default(),
        };
        assert_eq!(serde_json::from_slice::<Spec>(&line(&spec)).unwrap(), spec);
        assert!(!format!("{spec:?}").contains("hunter2"));
    }
}
