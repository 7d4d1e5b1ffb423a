//! The same manifest with even indentation: every line keeps its words and its comment, and moves sideways.
//!
//! **Invariant:** what comes out was read again and says the same; else nothing comes out.

use domain::fault::{Fault, FaultKind};
use domain::text::Text;
use serde_json::{Value, json};
use yaml::{Profile, YamlFault};

use super::Lines;
use super::cursor::{bare, heads_block, key, parts};
use super::flow;
use super::outline::begins;

/// The text, indented by two.
pub(crate) fn format(text: &str) -> Result<String, Fault> {
    let lines = Lines::new(text);
    let before = values(lines.text).map_err(|fault| unreadable(&fault))?;
    let made = Layout::new(&lines).text();
    if values(&made).ok().as_ref() != Some(&before) {
        return Err(Fault::new(
            FaultKind::Config,
            "format_unsafe",
            Text::new("the text was not formatted: moving its lines would change what it says", "未格式化：移动行会改变其含义"),
            Text::new("Indent it by hand.", "请手动调整缩进。"),
        ));
    }
    Ok(made)
}

fn values(text: &str) -> Result<Vec<Value>, YamlFault> {
    Ok(yaml::documents(text, &Profile::manifest())?.into_iter().map(|document| document.value).collect())
}

fn unreadable(fault: &YamlFault) -> Fault {
    let (line, column) = (fault.line, fault.column);
    Fault::new(
        FaultKind::Config,
        "manifest_invalid",
        Text::new(
            format!("the text was not formatted: {} (line {line}, column {column})", fault.reason),
            format!("未格式化：{}（第 {line} 行，第 {column} 列）", fault.reason.zh()),
        ),
        Text::new("Correct it and try again.", "请更正后重试。"),
    )
    .with_params(json!({ "line": line, "column": column }))
}

/// A mapping or list: where it stood, and where it stands now.
#[derive(Debug, Clone, Copy)]
struct Level {
    old: usize,
    new: usize,
    list: bool,
}

struct Layout<'l, 't> {
    lines: &'l Lines<'t>,
    levels: Vec<Level>,
    out: Vec<String>,
    /// Comments that go with the next line, and where they stood.
    comments: Vec<(usize, String)>,
    /// Whether dashes stand below the key that their list belongs to, not deeper.
    flush: bool,
}

impl<'l, 't> Layout<'l, 't> {
    fn new(lines: &'l Lines<'t>) -> Self {
        Self { lines, levels: Vec::new(), out: Vec::new(), comments: Vec::new(), flush: mostly_flush(lines) }
    }

    fn text(mut self) -> String {
        let mut nth = 0;
        while nth < self.lines.count() {
            nth = self.line(nth);
        }
        self.last_comments();
        while self.out.last().is_some_and(String::is_empty) {
            self.out.pop();
        }
        let end = if self.lines.text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut text = self.out.join(end);
        if !text.is_empty() {
            text.push_str(end);
        }
        text
    }

    fn comment_lines(&mut self, column: usize) {
        for (_, comment) in std::mem::take(&mut self.comments) {
            self.out.push(if comment.is_empty() { comment } else { format!("{}{comment}", " ".repeat(column)) });
        }
    }

    /// Comments after which the document ends: each with what stood in its column.
    fn last_comments(&mut self) {
        for (old, comment) in std::mem::take(&mut self.comments) {
            let column = self.levels.iter().rev().find(|level| level.old <= old).map_or(0, |level| level.new);
            self.out.push(if comment.is_empty() { comment } else { format!("{}{comment}", " ".repeat(column)) });
        }
    }

    /// Takes a line, and what belongs to its value below it. Answers which comes next.
    fn line(&mut self, nth: usize) -> usize {
        let line = self.lines.line(nth).unwrap_or_default();
        let words = line.trim();
        if words.is_empty() || words.starts_with('#') {
            self.comments.push((line.len() - line.trim_start_matches(' ').len(), words.to_owned()));
            return nth + 1;
        }
        if begins(line) || words == "..." || line.starts_with('%') {
            self.last_comments();
            self.levels.clear();
            self.out.push(line.trim_end().to_owned());
            let rest = line.strip_prefix("---").unwrap_or_default().trim_start();
            return self.below(nth, line.len() - rest.len(), bare(parts(rest, 0).content), 0, 0, 0);
        }
        let whole = parts(line, 0);
        let (mut column, mut content) = (whole.begin, whole.content);
        let tail = line[whole.begin + content.len()..].trim_end();
        let mut written = String::new();
        let mut first = None;
        // The level that a value of several lines has to be deeper than.
        let mut owner = None;
        loop {
            let dash = content == "-" || content.starts_with("- ");
            let named = key(content);
            if !dash && named.is_none() {
                break;
            }
            while self.levels.last().is_some_and(|level| level.old > column || level.old == column && level.list && !dash) {
                self.levels.pop();
            }
            let new = match self.levels.last() {
                Some(level) if level.old == column && level.list == dash => level.new,
                parent => {
                    let new = match parent {
                        None => 0,
                        Some(parent) if dash && !parent.list && self.flush => parent.new,
                        Some(parent) => parent.new + 2,
                    };
                    self.levels.push(Level { old: column, new, list: dash });
                    new
                }
            };
            first.get_or_insert(new);
            owner = Some((column, new));
            if !dash {
                break;
            }
            let rest = content[1..].trim_start_matches(' ');
            column += content.len() - rest.len();
            content = rest;
            written.push('-');
            if content.is_empty() {
                break;
            }
            written.push(' ');
        }
        // A scalar that goes on: deeper than what it belongs to.
        let alone = first.is_none();
        let indent = first.unwrap_or_else(|| self.levels.last().map_or(0, |level| level.new + 2));
        if alone && whole.begin == 0 && self.levels.is_empty() {
            self.comment_lines(0);
        } else {
            self.comment_lines(indent);
        }
        written.push_str(content);
        self.out.push(format!("{}{written}{tail}", " ".repeat(indent)).trim_end().to_owned());
        let (old_parent, new_parent) = owner.or_else(|| self.levels.last().map(|level| (level.old, level.new))).unwrap_or((0, 0));
        let value = bare(key(content).map_or(content, |(_, colon)| content[colon + 1..].trim()));
        let at = whole.begin + whole.content.len() - value.len();
        self.below(nth, at, value, old_parent, new_parent, whole.begin)
    }

    /// The lines of a value below its first.
    fn below(&mut self, nth: usize, at: usize, value: &str, old_parent: usize, new_parent: usize, begun: usize) -> usize {
        let start = self.lines.start(nth) + at;
        let all = self.lines.text.len();
        if heads_block(value) {
            return self.block(nth + 1, value, old_parent, new_parent);
        }
        let end = if value.starts_with(['{', '[']) {
            flow::end(self.lines.text, start, all, old_parent).0
        } else if let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) {
            closed(self.lines.text, start, quote)
        } else {
            return nth + 1;
        };
        let moved = self.out.last().map_or(0, |line| line.len() - line.trim_start().len());
        let mut next = nth + 1;
        while next < self.lines.count() && self.lines.start(next) < end {
            let line = self.lines.line(next).unwrap_or_default();
            let lead = line.len() - line.trim_start_matches(' ').len();
            let closes = line.trim_start().starts_with([']', '}']);
            let least = if lead == 0 && begun == 0 { 0 } else { new_parent + usize::from(!closes) };
            let indent = (lead + moved).saturating_sub(begun).max(least);
            self.out.push(if line.trim().is_empty() { String::new() } else { format!("{}{}", " ".repeat(indent), line.trim()) });
            next += 1;
        }
        next
    }

    /// A scalar on lines of its own: all of them move alike.
    fn block(&mut self, mut nth: usize, head: &str, old_parent: usize, new_parent: usize) -> usize {
        let lead = |line: &str| line.len() - line.trim_start_matches(' ').len();
        let begun = nth;
        let root = self.levels.is_empty();
        while nth < self.lines.count() {
            let line = self.lines.line(nth).unwrap_or_default();
            if begins(line) || !line.trim().is_empty() && lead(line) <= old_parent && !root {
                break;
            }
            nth += 1;
        }
        let own: Vec<&str> = (begun..nth).filter_map(|nth| self.lines.line(nth)).collect();
        let given = head.chars().find(char::is_ascii_digit).and_then(|digit| digit.to_digit(10));
        let old = match given {
            Some(digit) => old_parent + digit as usize,
            None => own.iter().find(|line| !line.trim().is_empty()).map_or(0, |line| lead(line)),
        };
        let new = match given {
            Some(digit) => new_parent + digit as usize,
            None => new_parent + 2,
        };
        for line in own {
            self.out.push(match line.get(old..) {
                Some(rest) if lead(line) >= old => format!("{}{rest}", if rest.is_empty() { String::new() } else { " ".repeat(new) }),
                // A line that is empty may be shorter than the others.
                _ => String::new(),
            });
        }
        nth
    }
}

/// Where a quoted scalar ends.
fn closed(text: &str, start: usize, quote: char) -> usize {
    let mut before = ' ';
    let inner = text.get(start + 1..).unwrap_or_default();
    let close = inner.char_indices().find(|(_, c)| {
        let closes = *c == quote && !(quote == '"' && before == '\\');
        before = if before == '\\' && *c == '\\' { ' ' } else { *c };
        closes
    });
    close.map_or(start, |(at, _)| start + 1 + at)
}

/// Whether most lists stand in the column of their keys.
fn mostly_flush(lines: &Lines<'_>) -> bool {
    let (mut flush, mut deeper) = (0_usize, 0_usize);
    let mut open: Option<usize> = None;
    for nth in 0..lines.count() {
        let parts = parts(lines.line(nth).unwrap_or_default(), 0);
        if parts.content.is_empty() {
            continue;
        }
        if let Some(column) = open.take().filter(|_| parts.content.starts_with('-')) {
            if parts.begin == column {
                flush += 1;
            } else if parts.begin > column {
                deeper += 1;
            }
        }
        let inner = parts.content.trim_start_matches("- ");
        let column = parts.begin + parts.content.len() - inner.len();
        open = key(inner).filter(|(_, colon)| inner[colon + 1..].trim().is_empty()).map(|_| column);
    }
    flush > deeper
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_move_and_nothing_else_changes() {
        for (text, wanted) in [
            ("a:\n    b:\n        c: 1\n", "a:\n  b:\n    c: 1\n"),
            ("a:\n    -   b: 1\n        c: 2 # two\n", "a:\n  - b: 1\n    c: 2 # two\n"),
            ("a:\n- b: 1\n  c:\n  - 1\n", "a:\n- b: 1\n  c:\n  - 1\n"),
            ("a:\n- b: 1\n-    b: 2\n", "a:\n- b: 1\n- b: 2\n"),
            (
                "# head\na:\n      # of b\n    b: 1\n\n\n    # of c\n    c: 1\n# end\n",
                "# head\na:\n  # of b\n  b: 1\n\n\n  # of c\n  c: 1\n# end\n",
            ),
            ("a: |\n        x\n          y\n\n        z\nb: 1\n", "a: |\n  x\n    y\n\n  z\nb: 1\n"),
            ("a:\n    b: |2\n          x\n    c: 1\n", "a:\n  b: |2\n        x\n  c: 1\n"),
            ("a:\n    b: >-\n     x\n     y\n    c: 1\n", "a:\n  b: >-\n    x\n    y\n  c: 1\n"),
            ("a:\n    b: {c: 1,\n        d: 2}\n    e: [\n      1,\n    ]\n", "a:\n  b: {c: 1,\n      d: 2}\n  e: [\n    1,\n  ]\n"),
            ("a:\n    b: \"x\n      y\"\n    c: 'p\n\n      q'\n", "a:\n  b: \"x\n    y\"\n  c: 'p\n\n    q'\n"),
            ("a:\n    b: x\n      y\n    c: 1\n", "a:\n  b: x\n    y\n  c: 1\n"),
            ("a:   \n   b: 1   \n", "a:\n  b: 1\n"),
            ("a: 1\n---\n  b:\n      c: 1\n...\n", "a: 1\n---\nb:\n  c: 1\n...\n"),
            ("a:\r\n    b: 1\r\n", "a:\r\n  b: 1\r\n"),
            ("- - 1\n  -   2\n-   a: 1\n    b: 2\n", "- - 1\n  - 2\n- a: 1\n  b: 2\n"),
            ("{\n  \"a\": [\n    1\n  ]\n}\n", "{\n  \"a\": [\n    1\n  ]\n}\n"),
            ("é:\n    \"中 文\":   1\n", "é:\n  \"中 文\":   1\n"),
            ("a: &x\n    b: 1\nc: *x\n", "a: &x\n  b: 1\nc: *x\n"),
            ("", ""),
        ] {
            let made = format(text).unwrap();
            assert_eq!(made, wanted, "{text:?}");
            assert_eq!(format(&made).unwrap(), made, "a second time changes nothing: {text:?}");
        }
    }

    #[test]
    fn every_manifest_of_the_corpus_keeps_its_values_and_its_comments() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/manifests");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let Ok(before) = values(&text) else { continue };
            let wide = text.split_inclusive('\n').fold(String::new(), |mut wide, line| {
                let lead = line.len() - line.trim_start_matches(' ').len();
                wide.push_str(&" ".repeat(lead));
                wide.push_str(line);
                wide
            });
            for text in [text, wide] {
                let Ok(wanted) = values(&text) else { continue };
                let made = format(&text).unwrap_or_else(|fault| panic!("{:?}: {}", entry.path(), fault.message.en));
                assert_eq!(values(&made).unwrap(), wanted);
                assert_eq!(made.matches('#').count(), text.matches('#').count());
                assert_eq!(format(&made).unwrap(), made, "{:?}", entry.path());
            }
            seen += usize::from(!before.is_empty());
        }
        assert!(seen > 80);
    }

    #[test]
    fn what_cannot_be_read_is_left_alone() {
        for text in ["a: [", "a: 1\n\tb: 2\n", "a: 1\na: 2\n", "a: *x\n"] {
            let fault = format(text).unwrap_err();
            assert_eq!(fault.code, "manifest_invalid", "{text:?}");
        }
    }
}
