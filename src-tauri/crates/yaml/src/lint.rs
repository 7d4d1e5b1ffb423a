//! What is allowed and still worth a word: text that readers of YAML understand differently, or that does not look like what it is.

use crate::place::Place;

/// A remark about a piece of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// Where.
    pub place: Place,
    /// What about.
    pub about: About,
}

/// What a remark is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum About {
    /// `no`, `on`, `y`: a truth value for kubectl, a text for YAML 1.2.
    Boolean,
    /// `010`: eight for kubectl, ten or a text elsewhere.
    Octal,
    /// `1_000`: a number for kubectl, a text elsewhere.
    Underscore,
    /// `22:22`: a text for kubectl, a number of base 60 elsewhere.
    Sexagesimal,
    /// `08`, `1e3`: a number although it may not look like one.
    Number,
    /// A number that loses digits where numbers are floating.
    LargeInteger,
    /// Characters that change the direction of what is shown.
    Direction,
    /// A tab where only spaces line up.
    Tab,
}

impl About {
    /// A stable name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Boolean => "yaml-ambiguous-boolean",
            Self::Octal => "yaml-octal",
            Self::Underscore => "yaml-underscore",
            Self::Sexagesimal => "yaml-sexagesimal",
            Self::Number => "yaml-ambiguous-number",
            Self::LargeInteger => "yaml-large-integer",
            Self::Direction => "yaml-bidi",
            Self::Tab => "yaml-tab",
        }
    }

    /// All there are.
    pub const ALL: [Self; 8] =
        [Self::Boolean, Self::Octal, Self::Underscore, Self::Sexagesimal, Self::Number, Self::LargeInteger, Self::Direction, Self::Tab];

    /// What to say, in English and Chinese.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Boolean => (
                "read as true or false by kubectl, as text by others: write true or false, or quote it",
                "kubectl 将其读作布尔值，其他解析器读作文本：请写 true/false 或加引号",
            ),
            Self::Octal => (
                "read as an octal number by kubectl, differently by others: write it in decimal, or quote it",
                "kubectl 将其读作八进制数，其他解析器不同：请用十进制书写或加引号",
            ),
            Self::Underscore => (
                "read as a number by kubectl, as text by others: leave the underscores out, or quote it",
                "kubectl 将其读作数字，其他解析器读作文本：请去掉下划线或加引号",
            ),
            Self::Sexagesimal => (
                "read as text by kubectl, as a number of base 60 by others: quote it",
                "kubectl 将其读作文本，其他解析器读作六十进制数：请加引号",
            ),
            Self::Number => ("read as a number by kubectl; quote it if it is text", "kubectl 将其读作数字；若为文本请加引号"),
            Self::LargeInteger => (
                "too large to survive readers that use floating point: quote it if it may be text",
                "数值过大，浮点解析器会丢失精度：若可为文本请加引号",
            ),
            Self::Direction => (
                "a character here changes the direction of what is shown: it may not look like what it is",
                "此处的字符会改变文字显示方向：所见可能与实际不同",
            ),
            Self::Tab => ("a tab stands where spaces are meant", "此处应使用空格而不是制表符"),
        }
    }
}

/// What there is to say about a plain scalar, by its text.
pub(crate) fn plain(text: &str) -> Option<About> {
    let lower = text.to_ascii_lowercase();
    if matches!(lower.as_str(), "y" | "n" | "yes" | "no" | "on" | "off") {
        return Some(About::Boolean);
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let first = unsigned.bytes().next()?;
    if !(first.is_ascii_digit() || first == b'.') {
        return None;
    }
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if unsigned.contains('_') && digits(&unsigned.replace(['_', '.'], "")) {
        return Some(About::Underscore);
    }
    if unsigned.contains(':') {
        let mut parts = unsigned.split(':');
        let head = parts.next().is_some_and(digits);
        let base_60 = head && parts.all(|part| part.len() <= 2 && digits(part) && part.parse::<u8>().is_ok_and(|part| part < 60));
        return base_60.then_some(About::Sexagesimal);
    }
    if digits(unsigned) {
        if unsigned.len() > 1 && first == b'0' {
            return Some(if unsigned.bytes().all(|byte| byte < b'8') { About::Octal } else { About::Number });
        }
        let small = unsigned.parse::<u64>().is_ok_and(|number| number <= 1 << 53);
        return (!small).then_some(About::LargeInteger);
    }
    if let Some(octal) = unsigned.strip_prefix("0o") {
        return digits(octal).then_some(About::Octal);
    }
    let exponent = lower.contains('e') && !lower.starts_with("0x") && text.parse::<f64>().is_ok_and(f64::is_finite);
    exponent.then_some(About::Number)
}

/// Whether a character changes the direction of what is shown.
pub(crate) fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
