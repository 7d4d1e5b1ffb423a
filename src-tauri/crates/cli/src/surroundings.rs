//! What the terminal and the environment say: language, colour, whether somebody is there. Read once, before anything else.

use std::ffi::OsString;
use std::io::{IsTerminal as _, stderr, stdin, stdout};

use crate::args::Lang;

/// What is around this run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings {
    /// The language of messages when no option says it.
    pub(crate) lang: Lang,
    /// Whether stdout is looked at by a person.
    pub(crate) out_is_terminal: bool,
    /// Whether stderr is looked at by a person.
    pub(crate) err_is_terminal: bool,
    /// Whether a person can be asked: they can type, and they can read the question.
    pub(crate) can_ask: bool,
    /// Whether colours are welcome on a terminal.
    pub(crate) colour: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
}

impl Surroundings {
    /// Reads it. The words are looked at for the language only, because help must speak it too.
    pub(crate) fn read(words: &[OsString]) -> Self {
        let width = terminal_size::terminal_size().map_or(100, |(width, _)| usize::from(width.0));
        Self {
            lang: lang_of_words(words).or_else(|| lang_of(&variable("PILOTHOUSE_LANG")?)).or_else(lang_of_locale).unwrap_or(Lang::En),
            out_is_terminal: stdout().is_terminal(),
            err_is_terminal: stderr().is_terminal(),
            can_ask: stdin().is_terminal() && stderr().is_terminal(),
            colour: variable("NO_COLOR").is_none_or(|value| value.is_empty()) && variable("TERM").as_deref() != Some("dumb"),
            width,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the door reads what the terminal says of itself, once, here")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn lang_of_words(words: &[OsString]) -> Option<Lang> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        if word == "--lang" {
            return lang_of(&words.next()?);
        }
        if let Some(value) = word.strip_prefix("--lang=") {
            return lang_of(value);
        }
        if word == "--" {
            return None;
        }
    }
    None
}

fn lang_of_locale() -> Option<Lang> {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| variable(name).filter(|value| !value.is_empty()))
        .and_then(|value| lang_of(&value))
}

fn lang_of(value: &str) -> Option<Lang> {
    let value = value.to_ascii_lowercase();
    if value.starts_with("zh") {
        Some(Lang::Zh)
    } else if value.starts_with("en") {
        Some(Lang::En)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_taken_from_the_words_first() {
        let words = |line: &[&str]| line.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(lang_of_words(&words(&["tools", "--lang", "zh"])), Some(Lang::Zh));
        assert_eq!(lang_of_words(&words(&["--lang=en", "x"])), Some(Lang::En));
        assert_eq!(lang_of_words(&words(&["--", "--lang=zh"])), None);
        assert_eq!(lang_of("zh_CN.UTF-8"), Some(Lang::Zh));
        assert_eq!(lang_of("C"), None);
    }
}
