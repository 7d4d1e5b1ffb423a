//! `pilot`: everything the window can do, from a terminal and from scripts.
//!
//! Data goes to stdout, words to stderr, and the exit code says what sort of outcome it was: 0 done, 1 the tool answered with an error,
//! 2 usage, 3 configuration, 4 unreachable or timed out, 5 authentication, 6 denied or needs approval, 7 the peer broke the protocol,
//! 8 cancelled, 9 internal.

mod args;
mod chinese;
mod commands;
mod context;
mod hidden;
mod out;
mod progress;
mod surroundings;
mod table;
mod target;
mod terminal;
mod values;
mod words;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::args::{ClusterCommand, Command, Pilot};
use crate::commands::credential::{self, Errand};
use crate::out::Out;
use crate::surroundings::Surroundings;

/// Runs one command line (without the program's own name) and answers the exit code.
pub fn run(words: &[OsString]) -> u8 {
    let around = Surroundings::read(words);
    let command = chinese::localised(Pilot::command(), around.lang);
    let matches = match command.try_get_matches_from(std::iter::once(OsString::from("pilot")).chain(words.iter().cloned())) {
        Ok(matches) => matches,
        Err(help_or_error) => {
            let _ = help_or_error.print();
            return u8::try_from(help_or_error.exit_code()).unwrap_or(2);
        }
    };
    let pilot = match Pilot::from_arg_matches(&matches) {
        Ok(pilot) => pilot,
        Err(error) => {
            let _ = error.print();
            return 2;
        }
    };
    let out = Out::new(&pilot.global, &around);
    if let Command::Completions { shell } = pilot.command {
        return out.completions(shell, Pilot::command());
    }
    let errand = match pilot.command {
        // The running app looks at this process before it gets anything; then it is hardened.
        Command::KubeCredential { id } => Errand::Credential { id },
        command => {
            assembly::harden();
            match command {
                Command::Cluster(ClusterCommand::Consent { program, answer, forget: _, cluster }) => match answer {
                    Some(answer) => Errand::Consent { program, answer, cluster },
                    None => Errand::Forget { program, cluster },
                },
                Command::Cluster(ClusterCommand::Consents) => Errand::Consents,
                command => return context::drive(Pilot { command, ..pilot }, out, around),
            }
        }
    };
    let own_passphrase = pilot.global.passphrase_file.is_some();
    let mut options = assembly::Options { config_dir: pilot.global.config_dir, ..assembly::Options::default() };
    options.vault = pilot.global.vault.map(commands::vault_kind);
    options.passphrase = match context::passphrase_source(pilot.global.passphrase_file.as_deref(), around.can_ask, &out) {
        Ok(source) => source,
        Err(fault) => return out.failed(&fault),
    };
    credential::drive(errand, options, own_passphrase, &out, &around)
}
