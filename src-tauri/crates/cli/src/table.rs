//! Tables for people: columns as wide as they need to be, also where characters take two cells.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::words::tame_line;

/// A table that grows row by row.
#[derive(Debug)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With these headings.
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.iter().map(|word| (*word).to_owned()).collect(), rows: Vec::new() }
    }

    /// With headings that somebody else chose.
    pub(crate) fn of(head: Vec<String>) -> Self {
        Self { head: head.iter().map(|word| tame_line(word)).collect(), rows: Vec::new() }
    }

    /// One more row, as long as the head.
    pub(crate) fn cells(&mut self, mut cells: Vec<String>) {
        cells.resize(self.head.len(), String::new());
        self.rows.push(cells.iter().map(|cell| tame_line(cell)).collect());
    }

    /// One more row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.iter().map(|cell| tame_line(cell)).collect());
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// As lines. With a limit, the last column is cut so that lines fit.
    pub(crate) fn lines(&self, limit: Option<usize>) -> Vec<String> {
        let columns = self.head.len();
        let mut widths: Vec<usize> = self.head.iter().map(|word| word.width()).collect();
        for row in &self.rows {
            for (nth, cell) in row.iter().enumerate() {
                widths[nth] = widths[nth].max(cell.width());
            }
        }
        if let (Some(limit), Some(last)) = (limit, widths.last().copied()) {
            let before: usize = widths.iter().take(columns - 1).map(|width| width + 2).sum();
            let room = limit.saturating_sub(before).max(16);
            if let Some(width) = widths.last_mut() {
                *width = last.min(room);
            }
        }
        std::iter::once(&self.head)
            .chain(&self.rows)
            .map(|row| {
                let mut line = String::new();
                for (nth, cell) in row.iter().enumerate() {
                    let last = nth + 1 == columns;
                    let cell = if last && limit.is_some() { cut(cell, widths[nth]) } else { cell.clone() };
                    let gap = if last { 0 } else { widths[nth] + 2 - cell.width() };
                    line.push_str(&cell);
                    line.extend(std::iter::repeat_n(' ', gap));
                }
                line.trim_end().to_owned()
            })
            .collect()
    }
}

/// A table whose rows come one after the other: columns keep their width, and grow where a cell needs it.
#[derive(Debug, Default)]
pub(crate) struct Growing {
    widths: Vec<usize>,
}

impl Growing {
    /// These rows as lines.
    pub(crate) fn lines(&mut self, rows: &[Vec<String>]) -> Vec<String> {
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| tame_line(cell)).collect()).collect();
        for row in &rows {
            self.widths.resize(self.widths.len().max(row.len()), 0);
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        let line = |row: &Vec<String>| {
            let cells = row.iter().zip(&self.widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        rows.iter().map(line).collect()
    }
}

/// The beginning of a text that fits into so many cells, with `…` when something is left out.
pub(crate) fn cut(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = c.width().unwrap_or(0);
        if used + wide + 1 > cells {
            break;
        }
        used += wide;
        out.push(c);
    }
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_where_characters_take_two_cells() {
        let mut table = Table::new(["NAME", "TYPE"]);
        table.row(["文件系统".into(), "local".into()]);
        table.row(["k8s".into(), "sse".into()]);
        assert_eq!(table.lines(None), ["NAME      TYPE", "文件系统  local", "k8s       sse"]);
    }

    #[test]
    fn rows_that_come_later_keep_the_columns() {
        let mut growing = Growing::default();
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
        assert_eq!(growing.lines(&[row(&["NAME", "AGE"]), row(&["web-1", "3s"])]), ["NAME   AGE", "web-1  3s"]);
        assert_eq!(growing.lines(&[row(&["db", "4s"])]), ["db     4s"]);
        assert_eq!(growing.lines(&[row(&["文件系统"])]), ["文件系统"]);
        assert_eq!(growing.lines(&[row(&["db", "4s"])]), ["db        4s"]);
    }

    #[test]
    fn the_last_column_is_cut_to_fit() {
        let mut table = Table::new(["A", "WHAT"]);
        table.row(["x".into(), "很长的说明文字一二三四五六七八九十".into()]);
        let lines = table.lines(Some(24));
        assert!(lines[1].width() <= 24 && lines[1].ends_with('…'), "{lines:?}");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
    }
}
