//! Words to the person at the terminal, in their language and without what could play tricks on the terminal.

use std::borrow::Cow;

use domain::text::Text;

use crate::args::Lang;

/// The language's side of a text.
pub(crate) fn pick(text: &Text, lang: Lang) -> &str {
    match lang {
        Lang::Zh if !text.zh.is_empty() => &text.zh,
        Lang::En | Lang::Zh => &text.en,
    }
}

/// Text of a server as it may be shown on a terminal: escape sequences and characters that turn or hide text are made visible. Line breaks
/// and tabs stay.
pub(crate) fn tame(text: &str) -> Cow<'_, str> {
    let wild = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
    };
    if !text.contains(wild) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        // Windows' line ends are no trick.
        if c == '\r' {
            return out;
        }
        if wild(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
        out
    }))
}

/// The same on one line.
pub(crate) fn tame_line(text: &str) -> String {
    tame(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible_and_plain_text_stays() {
        assert_eq!(tame("a\u{1b}[31mred\u{7}"), "a\\u{1b}[31mred\\u{7}");
        assert_eq!(tame("中文\n\tok\r\n"), "中文\n\tok\n");
        assert_eq!(tame_line("a\n  b\u{202e}c"), "a b\\u{202e}c");
    }
}
