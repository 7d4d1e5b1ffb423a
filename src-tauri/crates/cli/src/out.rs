//! Data to stdout in the asked form, words to stderr in the person's language.
//!
//! **Invariant:** a reader that goes away ends the output, not the program: what runs is still ended in order.

use std::io::{ErrorKind, Write as _, stderr, stdout};
use std::sync::{Arc, Mutex, PoisonError};

use domain::Json;
use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde::Serialize;
use serde_json::json;

use crate::args::{Form, Global, Lang};
use crate::surroundings::Surroundings;
use crate::table::Table;
use crate::words::{pick, tame, tame_line};

/// Where everything that this run says goes.
#[derive(Debug, Clone)]
pub(crate) struct Out {
    form: Form,
    lang: Lang,
    quiet: bool,
    around: Surroundings,
    broken: Arc<Mutex<Option<ErrorKind>>>,
}

impl Out {
    pub(crate) fn new(global: &Global, around: &Surroundings) -> Self {
        let lang = global.lang.unwrap_or(around.lang);
        Self { form: global.output, lang, quiet: global.quiet, around: *around, broken: Arc::default() }
    }

    pub(crate) fn form(&self) -> Form {
        self.form
    }

    pub(crate) fn lang(&self) -> Lang {
        self.lang
    }

    /// Whether data is meant for programs.
    pub(crate) fn for_programs(&self) -> bool {
        !matches!(self.form, Form::Table | Form::Wide)
    }

    /// Whether progress is drawn.
    pub(crate) fn draws_progress(&self) -> bool {
        self.around.err_is_terminal && !self.quiet
    }

    /// Columns of the terminal.
    pub(crate) fn width(&self) -> usize {
        self.around.width
    }

    /// The language's side of a text.
    pub(crate) fn pick<'t>(&self, text: &'t Text) -> &'t str {
        pick(text, self.lang)
    }

    /// One of two words.
    pub(crate) fn word<'w>(&self, en: &'w str, zh: &'w str) -> &'w str {
        match self.lang {
            Lang::En => en,
            Lang::Zh => zh,
        }
    }

    /// Whether nobody reads stdout any more.
    pub(crate) fn broken(&self) -> bool {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Writes to stdout as it stands.
    pub(crate) fn put(&self, text: &str) {
        let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.is_some() {
            return;
        }
        let mut stdout = stdout().lock();
        if let Err(fault) = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            *broken = Some(fault.kind());
        }
    }

    /// One line of somebody else's to stdout: at a terminal without what could play tricks on it, else as it stands.
    pub(crate) fn foreign_line(&self, text: &str) {
        if self.around.out_is_terminal {
            self.line(&tame(text));
        } else {
            self.line(text);
        }
    }

    /// One line to stdout.
    pub(crate) fn line(&self, text: &str) {
        self.put(&format!("{text}\n"));
    }

    /// Why stdout could not be written, when it is more than a reader who left.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let broken = *self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        broken.filter(|kind| *kind != ErrorKind::BrokenPipe).map(|kind| {
            Fault::new(
                FaultKind::Storage,
                "stdout",
                Text::new(format!("the output could not be written: {kind}"), format!("无法写入输出：{kind}")),
                Text::new("look whether the disk is full", "请检查磁盘是否已满"),
            )
        })
    }

    /// A list: a table for people, an array or lines for programs.
    pub(crate) fn list<T: Serialize>(&self, items: &[T], table: impl FnOnce() -> Table) {
        match self.form {
            Form::Table | Form::Wide => {
                let table = table();
                if table.is_empty() {
                    self.remark(&Text::new("nothing to show", "没有可显示的内容"));
                    return;
                }
                self.table(&table);
            }
            Form::Jsonl => {
                for item in items {
                    self.line(&compact(item));
                    if self.broken() {
                        return;
                    }
                }
            }
            Form::Json | Form::Yaml => self.document(&items),
        }
    }

    /// A table for people.
    pub(crate) fn table(&self, table: &Table) {
        let limit = self.around.out_is_terminal.then_some(self.around.width);
        self.put(&format!("{}\n", table.lines(limit).join("\n")));
    }

    /// One document for programs; for people what `lines` says.
    pub(crate) fn one<T: Serialize>(&self, item: &T, lines: impl FnOnce(&Self) -> String) {
        match self.form {
            Form::Table | Form::Wide => {
                let text = lines(self);
                if !text.is_empty() {
                    self.put(&if text.ends_with('\n') { text } else { format!("{text}\n") });
                }
            }
            Form::Json | Form::Jsonl | Form::Yaml => self.document(item),
        }
    }

    /// One document in the asked form; JSON where that is a table.
    pub(crate) fn document<T: Serialize + ?Sized>(&self, item: &T) {
        let text = match self.form {
            Form::Yaml => match serde_json::to_value(item).ok().and_then(|value| yaml::write(&value)) {
                Some(yaml) => yaml,
                None => compact(item),
            },
            Form::Json | Form::Table | Form::Wide if self.around.out_is_terminal => serde_json::to_string_pretty(item).unwrap_or_default(),
            _ => compact(item),
        };
        self.put(&if text.ends_with('\n') { text } else { format!("{text}\n") });
    }

    /// Words to the person, on stderr; not with `--quiet`.
    pub(crate) fn remark(&self, text: &Text) {
        if !self.quiet {
            self.tell(self.pick(text));
        }
    }

    /// Words that `--quiet` does not silence.
    pub(crate) fn tell(&self, words: &str) {
        let _ = writeln!(stderr().lock(), "{}", tame(words));
    }

    /// Words without a line's end, for questions and progress.
    pub(crate) fn tell_part(&self, words: &str) {
        let mut stderr = stderr().lock();
        let _ = stderr.write_all(words.as_bytes());
        let _ = stderr.flush();
    }

    /// A fault: words on stderr, and for programs an object on stdout.
    pub(crate) fn failed(&self, fault: &Fault) -> u8 {
        if self.for_programs() {
            self.document(&fault_object(fault, self.lang));
        }
        let painted = |words: &str| {
            if self.around.err_is_terminal && self.around.colour { format!("\u{1b}[31m{words}\u{1b}[0m") } else { words.to_owned() }
        };
        let mut text = format!("{} {}", painted("pilot:"), tame_line(self.pick(&fault.message)));
        if !fault.hint.is_empty() {
            text.push_str(&format!("\n  {}", tame_line(self.pick(&fault.hint))));
        }
        if let Some(reference) = &fault.reference {
            text.push_str(&format!("\n  #{reference}"));
        }
        let _ = writeln!(stderr().lock(), "{text}");
        fault.kind.exit_code()
    }

    /// Completions of a shell.
    pub(crate) fn completions(&self, shell: clap_complete::Shell, mut command: clap::Command) -> u8 {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut command, "pilot", &mut script);
        self.put(&String::from_utf8_lossy(&script));
        0
    }
}

/// What scripts get for a fault.
pub(crate) fn fault_object(fault: &Fault, lang: Lang) -> Json {
    json!({ "ok": false, "fault": bare_fault(fault, lang) })
}

/// The fault alone.
pub(crate) fn bare_fault(fault: &Fault, lang: Lang) -> Json {
    let hint = pick(&fault.hint, lang);
    json!({
        "kind": fault.kind,
        "code": fault.code,
        "message": pick(&fault.message, lang),
        "hint": (!hint.is_empty()).then_some(hint),
        "reference": fault.reference,
    })
}

fn compact<T: Serialize + ?Sized>(item: &T) -> String {
    serde_json::to_string(item).unwrap_or_default()
}
