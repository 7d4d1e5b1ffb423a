//! Bytes of a text as lines and columns of an editor, and back.

use std::ops::Range;

use domain::manifest_check::Problem;
use domain::manifest_language::{Mark, TextEdit};

/// Where the lines of a text begin. A mark at the beginning of the text is one unit of the editor's and no byte of ours.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    /// Without the mark.
    pub(crate) text: &'t str,
    starts: Vec<usize>,
    mark: usize,
}

fn units(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().map(char::len_utf16).sum() }
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl<'t> Lines<'t> {
    /// Of a text.
    pub(crate) fn new(text: &'t str) -> Self {
        let bare = text.strip_prefix('\u{feff}').unwrap_or(text);
        let starts = std::iter::once(0).chain(bare.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1)).collect();
        Self { text: bare, starts, mark: usize::from(bare.len() < text.len()) }
    }

    /// The nth line, from 0, without its end.
    pub(crate) fn line(&self, nth: usize) -> Option<&'t str> {
        let start = *self.starts.get(nth)?;
        let end = self.starts.get(nth + 1).copied().unwrap_or(self.text.len());
        Some(self.text[start..end].trim_end_matches(['\n', '\r']))
    }

    /// How many lines there are.
    pub(crate) fn count(&self) -> usize {
        self.starts.len()
    }

    /// Where a line begins, from 0.
    pub(crate) fn start(&self, nth: usize) -> usize {
        self.starts.get(nth).copied().unwrap_or(self.text.len())
    }

    /// Line and column of a byte, from 1.
    pub(crate) fn place(&self, byte: usize) -> (u32, u32) {
        let byte = self.floor(byte);
        let nth = self.starts.partition_point(|start| *start <= byte).saturating_sub(1);
        let lead = if nth == 0 { self.mark } else { 0 };
        (number(nth + 1), number(units(&self.text[self.start(nth)..byte]) + lead + 1))
    }

    /// The byte of a line and column from 1; the end of the line when the column is beyond it, of the text when the line is.
    pub(crate) fn byte(&self, line: u32, column: u32) -> usize {
        let nth = (line as usize).saturating_sub(1);
        let Some(text) = self.line(nth) else { return self.text.len() };
        let lead = if nth == 0 { self.mark } else { 0 };
        let mut left = (column as usize).saturating_sub(1 + lead);
        let mut at = self.start(nth);
        for c in text.chars() {
            if left < c.len_utf16() {
                break;
            }
            left -= c.len_utf16();
            at += c.len_utf8();
        }
        at
    }

    /// A byte as units from the start of the text.
    pub(crate) fn offset(&self, byte: usize) -> usize {
        units(&self.text[..self.floor(byte)]) + self.mark
    }

    /// The change of some bytes.
    pub(crate) fn edit(&self, bytes: Range<usize>, insert: impl Into<String>) -> TextEdit {
        TextEdit { from: self.offset(bytes.start), to: self.offset(bytes.end), insert: insert.into() }
    }

    /// What turns this text into another one: the piece that differs.
    pub(crate) fn towards(&self, other: &str) -> Vec<TextEdit> {
        if self.text == other {
            return Vec::new();
        }
        let mut head = self.text.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
        while !self.text.is_char_boundary(head) || !other.is_char_boundary(head) {
            head -= 1;
        }
        let (mine, theirs) = (&self.text[head..], &other[head..]);
        let mut tail = mine.bytes().rev().zip(theirs.bytes().rev()).take_while(|(a, b)| a == b).count();
        while !mine.is_char_boundary(mine.len() - tail) || !theirs.is_char_boundary(theirs.len() - tail) {
            tail -= 1;
        }
        vec![self.edit(head..self.text.len() - tail, &theirs[..theirs.len() - tail])]
    }

    /// Where a problem is to be shown: its bytes; from where it begins to the end of the line when only that is known.
    pub(crate) fn mark(&self, problem: &Problem) -> Mark {
        let (mut from, mut to) = (problem.bytes.start, problem.bytes.end);
        if from >= to {
            if problem.line == 0 {
                return Mark { line: 1, column: 1, end_line: 1, end_column: 1 };
            }
            let nth = (problem.line as usize).saturating_sub(1).min(self.count().saturating_sub(1));
            let line = self.line(nth).unwrap_or_default();
            let begun = line.char_indices().nth((problem.column as usize).saturating_sub(1)).map_or(line.len(), |(at, _)| at);
            from = self.start(nth) + begun;
            to = self.start(nth) + line.trim_end().len().max(begun);
        }
        let written = self.text.get(from..to).unwrap_or_default();
        to = from + written.trim_end().len();
        let ((line, column), (end_line, end_column)) = (self.place(from), self.place(to));
        Mark { line, column, end_line, end_column }
    }

    fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_as_editors_count_and_lead_back_to_their_bytes() {
        for (text, byte, line, column) in [
            ("a: b\nc: d", 0, 1, 1),
            ("a: b\nc: d", 5, 2, 1),
            ("a: b\r\nc: d", 9, 2, 4),
            ("é: b\nc", 2, 1, 2),
            ("中: 文\nc", 5, 1, 4),
            ("😀: b", 4, 1, 3),
            ("\u{feff}a: b", 3, 1, 5),
            ("\u{feff}a\nb", 2, 2, 1),
            ("a", 1, 1, 2),
            ("a\n", 2, 2, 1),
        ] {
            let lines = Lines::new(text);
            assert_eq!(lines.place(byte), (line, column), "{text:?} at {byte}");
            assert_eq!(lines.byte(line, column), byte, "{text:?} {line}:{column}");
        }
        let lines = Lines::new("ab\ncd");
        assert_eq!((lines.byte(1, 99), lines.byte(9, 1), lines.byte(0, 0)), (2, 5, 0));
    }

    #[test]
    fn an_edit_is_the_piece_that_differs() {
        for (before, after) in [
            ("a: 1\nb: 2\n", "a: 1\nb: 3\n"),
            ("a: é\n", "a: è\n"),
            ("\u{feff}😀: 1\n", "\u{feff}😀: 12\n"),
            ("x", ""),
            ("", "x"),
            ("aa", "aaa"),
            ("same", "same"),
        ] {
            let lines = Lines::new(before);
            let mut units: Vec<u16> = before.encode_utf16().collect();
            for edit in lines.towards(after.strip_prefix('\u{feff}').unwrap_or(after)) {
                units.splice(edit.from..edit.to, edit.insert.encode_utf16());
            }
            assert_eq!(String::from_utf16(&units).unwrap(), after, "{before:?}");
        }
    }
}
