//! What stands at a place of a text that is being typed. Such a text often cannot be read, so that the way to the place is found by
//! indentation and by looking at lines, and what cannot be told is left alone.

use yaml::Step;

use super::Lines;
use super::flow::{self, Flow};
use super::outline::begins;

/// What a place is for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum At {
    /// A key of the mapping at the path.
    Key {
        /// The keys that it has already, this one left out.
        siblings: Vec<String>,
    },
    /// The first thing of the value at the path: what sort of value it is decides.
    Open {
        /// Whether it must begin with a dash of its own.
        dash: bool,
    },
    /// The value at the path.
    Value {
        /// Whether a space must come first.
        gap: bool,
        /// Whether it stands in quotes.
        quoted: bool,
    },
}

/// A place in a document.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cursor {
    /// The way to the value, from the root of the document.
    pub(crate) path: Vec<Step>,
    /// What it is for.
    pub(crate) at: At,
    /// The bytes of the word there.
    pub(crate) word: std::ops::Range<usize>,
    /// The column of keys there, in characters from 0.
    pub(crate) column: usize,
    /// Whether a colon follows the word already.
    pub(crate) colon: bool,
    /// Whether it is within brackets.
    pub(crate) flow: bool,
    /// What the object around it says that it is, and how many steps of the path lead to that object.
    pub(crate) object: Identity,
}

/// What an object says that it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Identity {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) steps: usize,
}

/// A mapping or list that is open at a line.
#[derive(Debug, Clone)]
enum Level {
    Map {
        column: usize,
        /// The keys so far, with what stands after them on their line.
        entries: Vec<(String, String)>,
    },
    List {
        column: usize,
        nth: usize,
        /// Whether the item has something on the line of its dash, or below it.
        filled: bool,
    },
}

impl Level {
    fn column(&self) -> usize {
        match self {
            Self::Map { column, .. } | Self::List { column, .. } => *column,
        }
    }
}

/// A line in its parts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'t> {
    /// Where the content begins, in bytes of the line.
    pub(crate) begin: usize,
    /// Content up to a comment, without spaces around it.
    pub(crate) content: &'t str,
}

/// Where a comment begins in a line.
fn comment(line: &str) -> Option<usize> {
    let (mut single, mut double, mut before) = (false, false, ' ');
    for (at, c) in line.char_indices() {
        match c {
            '\'' if !double && (single || matches!(before, ' ' | '\t' | '[' | '{' | ',' | ':')) => single = !single,
            '"' if !single && before != '\\' && (double || matches!(before, ' ' | '\t' | '[' | '{' | ',' | ':')) => double = !double,
            '#' if !single && !double && matches!(before, ' ' | '\t') => return Some(at),
            _ => {}
        }
        before = c;
    }
    None
}

pub(crate) fn parts(line: &str, from: usize) -> Parts<'_> {
    let end = comment(line).unwrap_or(line.len()).max(from);
    let rest = &line[from..end];
    let begin = from + rest.len() - rest.trim_start_matches(' ').len();
    Parts { begin, content: line[begin.min(end)..end].trim_end() }
}

/// A key at the beginning of a text: its name, and where its colon is.
pub(crate) fn key(text: &str) -> Option<(String, usize)> {
    let ends = |at: usize| text[at + 1..].chars().next().is_none_or(|c| matches!(c, ' ' | '\t'));
    let first = text.chars().next()?;
    if matches!(first, '"' | '\'') {
        let end = text[1..].find(first)? + 1;
        let colon = end + 1 + text[end + 1..].find(|c: char| c != ' ')?;
        return (text[colon..].starts_with(':') && ends(colon)).then(|| (text[1..end].to_owned(), colon));
    }
    if matches!(first, '{' | '[' | '#' | '|' | '>' | '&' | '*' | '!' | '%' | '@' | '`' | '?' | ',' | ']' | '}') {
        return None;
    }
    let colon = text.char_indices().find(|(at, c)| *c == ':' && ends(*at)).map(|(at, _)| at)?;
    Some((text[..colon].trim_end().to_owned(), colon))
}

/// What is left of a value when its anchor and tag are taken away.
pub(crate) fn bare(mut value: &str) -> &str {
    loop {
        value = value.trim_start();
        if !value.starts_with(['&', '!']) {
            return value;
        }
        value = value.split_once([' ', '\t']).map_or("", |(_, rest)| rest);
    }
}

/// Whether a value is the head of a scalar on lines of its own.
pub(crate) fn heads_block(value: &str) -> bool {
    let mut chars = value.chars();
    matches!(chars.next(), Some('|' | '>')) && chars.all(|c| matches!(c, '+' | '-' | '1'..='9'))
}

fn unquoted(value: &str) -> String {
    let value = bare(value);
    let inner = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value).to_owned()
}

/// Brackets that reach over several lines.
#[derive(Debug, Clone)]
struct Brackets {
    /// Where they begin.
    at: usize,
    /// The path of their value.
    path: Vec<Step>,
    /// The column that they belong to.
    column: usize,
    /// Whether their end is typed.
    closed: bool,
}

/// Reads lines from the beginning of a document to the cursor.
struct Scan<'l, 't> {
    lines: &'l Lines<'t>,
    levels: Vec<Level>,
    /// Of the lines that come, those are no structure: a scalar's or brackets' own.
    opaque_to: usize,
    /// Lines deeper than this column are a scalar's, until one is not.
    block: Option<usize>,
    brackets: Option<Brackets>,
    end: usize,
}

/// The place at a byte of the text; none where nothing can be said.
pub(crate) fn cursor(lines: &Lines<'_>, byte: usize) -> Option<Cursor> {
    let nth = (lines.place(byte).0 as usize).saturating_sub(1);
    let mut begun = 0;
    let mut ended = lines.count();
    for other in 0..lines.count() {
        let line = lines.line(other).unwrap_or_default();
        let ends = line.trim_end() == "...";
        if begins(line) || ends {
            if other <= nth {
                begun = if ends { other + 1 } else { other };
            } else {
                ended = other;
                break;
            }
        }
    }
    if begun > nth {
        return None;
    }
    let mut scan = Scan { lines, levels: Vec::new(), opaque_to: 0, block: None, brackets: None, end: ended };
    for before in begun..nth {
        scan.line(before);
    }
    scan.last(nth, byte)
}

impl Scan<'_, '_> {
    fn path(&self, levels: usize) -> Vec<Step> {
        let steps = self.levels.iter().take(levels).filter_map(|level| match level {
            Level::Map { entries, .. } => entries.last().map(|(key, _)| Step::Key(key.clone())),
            Level::List { nth, .. } => Some(Step::Index(*nth)),
        });
        steps.collect()
    }

    /// Whether a line belongs to a scalar that is open.
    fn within_scalar(&mut self, nth: usize, column: usize, blank: bool) -> bool {
        if self.lines.start(nth) < self.opaque_to {
            return true;
        }
        match self.block {
            Some(parent) if blank || column > parent => true,
            Some(_) => {
                self.block = None;
                false
            }
            None => false,
        }
    }

    /// Takes a whole line in.
    fn line(&mut self, nth: usize) {
        let line = self.lines.line(nth).unwrap_or_default();
        let from = if begins(line) { 3 } else { 0 };
        let parts = parts(line, from);
        let blank = line.trim().is_empty();
        if self.within_scalar(nth, parts.begin, blank) || parts.content.is_empty() {
            return;
        }
        self.brackets = None;
        let (column, content) = self.dashes(parts.begin, parts.content);
        if content.is_empty() {
            return;
        }
        match key(content).filter(|_| from == 0) {
            Some((name, colon)) => {
                let value = bare(content[colon + 1..].trim());
                self.enter(column, name, value);
                self.value(nth, line, value, column);
            }
            None => {
                if let Some(Level::List { filled, .. }) = self.levels.last_mut() {
                    *filled = true;
                }
                let value = bare(content);
                let parent = self.levels.last().map_or(0, Level::column);
                self.value(nth, line, value, parent);
            }
        }
    }

    /// Leaves what a column is outside of, and takes dashes in. Answers where the content begins that comes after them.
    fn dashes<'t>(&mut self, mut column: usize, mut content: &'t str) -> (usize, &'t str) {
        while content == "-" || content.starts_with("- ") {
            self.levels.retain(|level| level.column() <= column);
            match self.levels.last_mut() {
                Some(Level::List { column: own, nth, filled }) if *own == column => {
                    *nth += 1;
                    *filled = false;
                }
                _ => self.levels.push(Level::List { column, nth: 0, filled: false }),
            }
            let rest = content[1..].trim_start_matches(' ');
            column += content.len() - rest.len();
            content = rest;
        }
        (column, content)
    }

    /// Takes a key in.
    fn enter(&mut self, column: usize, name: String, value: &str) {
        self.leave(column);
        let entry = (name, value.to_owned());
        match self.levels.last_mut() {
            Some(Level::Map { column: own, entries }) if *own == column => entries.push(entry),
            last => {
                if let Some(Level::List { filled, .. }) = last {
                    *filled = true;
                }
                self.levels.push(Level::Map { column, entries: vec![entry] });
            }
        }
    }

    /// Leaves what keys at a column are outside of: a list whose dashes stand there, too.
    fn leave(&mut self, column: usize) {
        while self
            .levels
            .last()
            .is_some_and(|level| level.column() > column || matches!(level, Level::List { column: own, .. } if *own == column))
        {
            self.levels.pop();
        }
    }

    /// Looks at how a value goes on below its line.
    fn value(&mut self, nth: usize, line: &str, value: &str, column: usize) {
        let start = self.lines.start(nth);
        if heads_block(value) {
            self.block = Some(column);
        } else if value.starts_with(['{', '[']) {
            let at = start + line.find(value).unwrap_or_default();
            let path = self.path(self.levels.len());
            let limit = self.lines.start(self.end);
            let (end, closed) = flow::end(self.lines.text, at, limit, column);
            self.opaque_to = end;
            self.brackets = Some(Brackets { at, path, column, closed });
        } else if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            let at = start + line.find(value).unwrap_or_default() + 1;
            let limit = self.lines.start(self.end).min(self.lines.text.len());
            let text = self.lines.text.get(at..limit).unwrap_or_default();
            let mut before = ' ';
            let close = text.char_indices().find(|(_, c)| {
                let closes = *c == quote && !(quote == '"' && before == '\\');
                before = *c;
                closes
            });
            // One that is not closed is being typed.
            if let Some((close, _)) = close {
                self.opaque_to = self.lines.start(self.lines.place(at + close).0 as usize).min(at + close + 1);
            }
        }
    }

    /// What the cursor's own line says.
    fn last(mut self, nth: usize, byte: usize) -> Option<Cursor> {
        let line = self.lines.line(nth).unwrap_or_default();
        let start = self.lines.start(nth);
        let here = (byte - start).min(line.len());
        let blank = line.trim().is_empty();
        let lead = line.len() - line.trim_start_matches(' ').len();
        let column = if blank { here } else { lead };
        if let Some(open) = self.brackets.take().filter(|_| start < self.opaque_to) {
            if open.closed || column > open.column {
                return self.flow(open.at, byte, open.path);
            }
            // They are being typed, and this is outside of them.
            self.opaque_to = 0;
        }
        if line[..lead.max(here.min(line.len() - line.trim_start().len()))].contains('\t') {
            return None;
        }
        if self.within_scalar(nth, column, blank && self.block.is_some_and(|parent| here > parent)) {
            return None;
        }
        if comment(line).is_some_and(|at| here > at) || line.trim_start().starts_with('#') {
            return None;
        }
        if begins(line) {
            let rest = line[3..].trim_start();
            let at = line.len() - rest.len();
            return (rest.starts_with(['{', '[']) && here > at).then(|| self.flow(start + at, byte, Vec::new())).flatten();
        }
        if blank {
            return self.open(here, byte..byte, false, true, nth);
        }
        if here < lead {
            return None;
        }
        let parts = parts(line, 0);
        let (column, content) = self.dashes(parts.begin, parts.content);
        let own = parts.begin + (parts.content.len() - content.len());
        if content.is_empty() {
            // After a dash, with nothing behind it.
            let space = line[..here].ends_with(' ');
            let dash_column = column + usize::from(!space);
            return space.then(|| self.open(here.max(dash_column), byte..byte, false, false, nth)).flatten();
        }
        if here < own {
            return None;
        }
        if content.starts_with(['{', '[']) {
            let path = self.place(own);
            return (here > own).then(|| self.flow(start + own, byte, path?)).flatten();
        }
        match key(content) {
            Some((name, colon)) if here <= own + colon => {
                let word = start + own..start + own + content[..colon].trim_end().len();
                let mut found = self.open(own, word, true, false, nth)?;
                if let At::Key { siblings } = &mut found.at {
                    siblings.retain(|other| *other != name);
                }
                Some(found)
            }
            Some((name, colon)) => {
                let value = &content[colon + 1..];
                let text = bare(value);
                self.enter(own, name, text);
                let path = self.path(self.levels.len());
                if text.is_empty() {
                    let gap = here == own + colon + 1;
                    let value = At::Value { gap, quoted: false };
                    return Some(self.cursor(path, value, byte..byte, own, false, nth));
                }
                let at = own + content.len() - text.len();
                if here < at || heads_block(text) {
                    return (here < at && !heads_block(text) && !text.starts_with(['{', '[']))
                        .then(|| self.cursor(path, At::Value { gap: false, quoted: false }, byte..byte, own, false, nth));
                }
                if text.starts_with(['{', '[']) {
                    return (here > at).then(|| self.flow(start + at, byte, path)).flatten();
                }
                let (word, quoted) = scalar(text, start + at);
                Some(self.cursor(path, At::Value { gap: false, quoted }, word, own, false, nth))
            }
            None => {
                // A word that may become a key, or an item of a list.
                let (word, quoted) = scalar(content, start + own);
                let mut found = self.open(own, word, false, false, nth)?;
                if quoted {
                    let At::Open { dash: false } = found.at else { return None };
                    found.at = At::Value { gap: false, quoted };
                }
                Some(found)
            }
        }
    }

    /// The path of what stands at a column, where that is neither a key nor the value of one on its line.
    fn place(&self, column: usize) -> Option<Vec<Step>> {
        match self.levels.last() {
            None => Some(Vec::new()),
            Some(Level::List { filled: false, column: own, .. }) if *own < column => Some(self.path(self.levels.len())),
            Some(Level::Map { entries, column: own }) if *own < column && entries.last().is_some_and(|(_, value)| value.is_empty()) => {
                Some(self.path(self.levels.len()))
            }
            _ => None,
        }
    }

    /// Something new at a column.
    fn open(mut self, column: usize, word: std::ops::Range<usize>, colon: bool, blank: bool, nth: usize) -> Option<Cursor> {
        let deeper = self.levels.iter().any(|level| level.column() > column);
        // A line that is empty may become a dash in the list whose dashes stand there.
        let list = self.levels.iter().rposition(|level| matches!(level, Level::List { column: own, .. } if *own == column));
        if let Some(at) = list.filter(|_| blank)
            && !self.levels[..at].iter().any(|level| level.column() == column)
        {
            self.levels.truncate(at + 1);
            let mut path = self.path(at);
            if let Some(Level::List { nth, .. }) = self.levels.last() {
                path.push(Step::Index(nth + 1));
            }
            return Some(self.cursor(path, At::Open { dash: true }, word, column, colon, nth));
        }
        self.leave(column);
        let depth = self.levels.len();
        match self.levels.last() {
            Some(Level::Map { column: own, entries }) if *own == column => {
                let mut siblings: Vec<String> = entries.iter().map(|(key, _)| key.clone()).collect();
                siblings.extend(self.after(nth, column).into_iter().map(|(key, _)| key));
                Some(self.cursor(self.path(depth - 1), At::Key { siblings }, word, column, colon, nth))
            }
            // Between the columns of what is there.
            _ if deeper => None,
            None => {
                let siblings = self.after(nth, column).into_iter().map(|(key, _)| key).collect();
                Some(self.cursor(Vec::new(), At::Key { siblings }, word, column, colon, nth))
            }
            Some(Level::Map { entries, .. }) if entries.last().is_some_and(|(_, value)| value.is_empty()) => {
                let path = self.path(depth);
                Some(self.begun(path, word, column, colon, nth))
            }
            Some(Level::List { filled: false, .. }) => {
                let path = self.path(depth);
                Some(self.begun(path, word, column, colon, nth))
            }
            _ => None,
        }
    }

    /// The first thing of a value: a key where a colon says so, or where keys follow.
    fn begun(self, path: Vec<Step>, word: std::ops::Range<usize>, column: usize, colon: bool, nth: usize) -> Cursor {
        let after = self.after(nth, column);
        let at = if colon || !after.is_empty() {
            At::Key { siblings: after.into_iter().map(|(key, _)| key).collect() }
        } else {
            At::Open { dash: false }
        };
        self.cursor(path, at, word, column, colon, nth)
    }

    /// The entries of a mapping that come after a line.
    fn after(&self, nth: usize, column: usize) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for later in nth + 1..self.end {
            let line = self.lines.line(later).unwrap_or_default();
            let parts = parts(line, 0);
            if parts.content.is_empty() || parts.begin > column {
                continue;
            }
            if parts.begin < column {
                break;
            }
            if let Some((name, colon)) = key(parts.content).filter(|_| !parts.content.starts_with("- ")) {
                found.push((name, bare(parts.content[colon + 1..].trim()).to_owned()));
            }
        }
        found
    }

    /// Within brackets.
    fn flow(self, at: usize, byte: usize, path: Vec<Step>) -> Option<Cursor> {
        let nth = (self.lines.place(byte).0 as usize).saturating_sub(1);
        let limit = self.lines.start(self.end).min(self.lines.text.len());
        let Flow { steps, at, word, colon, own } = flow::at(self.lines.text, at, byte, limit)?;
        let root = path.is_empty();
        let path: Vec<Step> = path.into_iter().chain(steps).collect();
        let mut found = self.cursor(path, at, word, 0, colon, nth);
        found.flow = true;
        if root {
            let text = |wanted: &str| own.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone()).unwrap_or_default();
            found.object = Identity { api_version: text("apiVersion"), kind: text("kind"), steps: 0 };
        }
        Some(found)
    }

    fn cursor(&self, path: Vec<Step>, at: At, word: std::ops::Range<usize>, column: usize, colon: bool, nth: usize) -> Cursor {
        let object = self.identity(&path, nth, column);
        Cursor { path, at, word, column, colon, flow: false, object }
    }

    /// What the object around the place says that it is: that in a list of objects, or the document.
    fn identity(&self, path: &[Step], nth: usize, column: usize) -> Identity {
        let of = |level: usize, steps: usize| {
            let (own, mut entries) = match self.levels.get(level) {
                Some(Level::Map { column, entries }) => (*column, entries.clone()),
                _ => (column, Vec::new()),
            };
            entries.extend(self.after(nth, own));
            let text = |wanted: &str| entries.iter().find(|(key, _)| key == wanted).map(|(_, value)| unquoted(value)).unwrap_or_default();
            Identity { api_version: text("apiVersion"), kind: text("kind"), steps }
        };
        let whole = of(0, 0);
        let within = matches!(path, [Step::Key(items), Step::Index(_), ..] if items == "items");
        if within && whole.kind == "List" { of(2, 2) } else { whole }
    }
}

/// The word of a scalar: within its quotes, where it has them.
fn scalar(text: &str, start: usize) -> (std::ops::Range<usize>, bool) {
    match text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => {
            let inner = &text[1..];
            (start + 1..start + 1 + inner.find(quote).unwrap_or(inner.len()), true)
        }
        None => (start..start + text.len(), false),
    }
}
