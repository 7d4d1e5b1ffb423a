//! What is typed without being shown: values and passphrases.
//!
//! **Invariant:** the terminal shows again what is typed afterwards, also when the run ends in the middle of it.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use domain::fault::{Fault, FaultKind};
use domain::secret::Secret;
use domain::text::Text;
use domain::vault::{SecretBytes, faults};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::out::Out;

/// The largest value that is read.
const LARGEST: u64 = 1024 * 1024;

/// How the terminal was before something was typed without being shown.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Puts the terminal back as it was.
pub(crate) fn show_again() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Flush, &before);
    }
}

/// Gives every key to whoever reads, as it is typed: Ctrl-C is a key then.
pub(crate) fn raw() {
    let stdin = std::io::stdin();
    if let Ok(before) = tcgetattr(&stdin) {
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let _ = tcsetattr(&stdin, OptionalActions::Now, &raw);
    }
}

/// A line typed without being shown; none when nobody can type here, or at the end of the input.
pub(crate) fn typed(out: &Out, prompt: &Text) -> Option<Secret> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return None;
    }
    out.tell_part(out.pick(prompt));
    if let Ok(before) = tcgetattr(&stdin) {
        let mut silent = before.clone();
        silent.local_modes &= !LocalModes::ECHO;
        silent.local_modes |= LocalModes::ECHONL;
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let _ = tcsetattr(&stdin, OptionalActions::Flush, &silent);
    }
    let mut line = Zeroizing::new(String::new());
    let read = stdin.lock().read_line(&mut line);
    show_again();
    match read {
        Ok(1..) => Some(Secret::new(line.trim_end_matches(['\n', '\r']))),
        _ => None,
    }
}

/// The first line of a file.
pub(crate) fn first_line(file: &Path) -> Result<Secret, Fault> {
    let text = Zeroizing::new(crate::target::read_text(file)?);
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() { Err(faults::passphrase_needed()) } else { Ok(Secret::new(line)) }
}

/// A value out of stdin, or typed: without the line's end that editors and `echo` add.
pub(crate) fn value(out: &Out) -> Result<SecretBytes, Fault> {
    let none = || {
        Fault::new(
            FaultKind::Usage,
            "no_value",
            Text::new("no value was given, so nothing was kept", "未提供值，因此未保存任何内容"),
            Text::new("write it to stdin, or type it when you are asked", "请将其写入标准输入，或在询问时输入"),
        )
    };
    if std::io::stdin().is_terminal() {
        let typed = typed(out, &Text::new("value (not shown): ", "值（不显示）：")).ok_or_else(none)?;
        return if typed.is_empty() { Err(none()) } else { Ok(SecretBytes::from(&typed)) };
    }
    let mut bytes = Zeroizing::new(Vec::new());
    std::io::stdin().lock().take(LARGEST + 1).read_to_end(&mut bytes).map_err(|_| none())?;
    if bytes.len() as u64 > LARGEST {
        return Err(Fault::new(
            FaultKind::Usage,
            "value_too_large",
            Text::new("a value may have 1 MiB at most; nothing was kept", "值不得超过 1 MiB；未保存任何内容"),
            Text::default(),
        ));
    }
    let mut end = bytes.len();
    if bytes.last() == Some(&b'\n') {
        end -= 1;
        if bytes.get(end.wrapping_sub(1)) == Some(&b'\r') {
            end -= 1;
        }
    }
    if end == 0 { Err(none()) } else { Ok(SecretBytes::new(bytes.get(..end).unwrap_or_default())) }
}
