//! Mappings and lists in brackets, as far as they are typed.

use std::ops::Range;

use yaml::Step;

use super::cursor::At;

/// A place within brackets.
#[derive(Debug)]
pub(crate) struct Flow {
    /// The way to it from the outermost bracket.
    pub(crate) steps: Vec<Step>,
    pub(crate) at: At,
    pub(crate) word: Range<usize>,
    pub(crate) colon: bool,
    /// What the outermost mapping says, value by value where those are scalars.
    pub(crate) own: Vec<(String, String)>,
}

#[derive(Debug)]
enum Level {
    Map { key: Option<String>, keys: Vec<String> },
    List { nth: usize },
}

/// One thing within brackets.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token {
    Open(char),
    Close,
    Comma,
    Colon,
    /// A scalar; whether it stands in quotes.
    Word(bool),
}

/// Takes a text apart from a bracket on.
fn tokens(text: &str, from: usize, limit: usize) -> Vec<(Token, Range<usize>)> {
    let mut found: Vec<(Token, Range<usize>)> = Vec::new();
    let bytes = text.as_bytes();
    let limit = limit.min(bytes.len());
    let mut at = from;
    let mut depth = 0_usize;
    while at < limit {
        let next = bytes.get(at + 1).copied().unwrap_or(b' ');
        match bytes[at] {
            open @ (b'{' | b'[') => {
                depth += 1;
                found.push((Token::Open(char::from(open)), at..at + 1));
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                found.push((Token::Close, at..at + 1));
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            b',' => {
                found.push((Token::Comma, at..at + 1));
                at += 1;
            }
            b':' if matches!(next, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'}' | b']' | b'{' | b'[')
                || matches!(found.last(), Some((Token::Word(true), _))) =>
            {
                found.push((Token::Colon, at..at + 1));
                at += 1;
            }
            b' ' | b'\t' | b'\r' | b'\n' => at += 1,
            b'#' if at > 0 && matches!(bytes[at - 1], b' ' | b'\t' | b'\n') => {
                while at < limit && bytes[at] != b'\n' {
                    at += 1;
                }
            }
            quote @ (b'"' | b'\'') => {
                let start = at;
                at += 1;
                while at < limit && bytes[at] != quote && bytes[at] != b'\n' {
                    at += if quote == b'"' && bytes[at] == b'\\' { 2 } else { 1 };
                }
                at = (at + usize::from(at < limit && bytes[at] == quote)).min(limit);
                found.push((Token::Word(true), start..at));
            }
            _ => {
                let start = at;
                while at < limit {
                    let after = bytes.get(at + 1).copied().unwrap_or(b' ');
                    let ends = match bytes[at] {
                        b',' | b'{' | b'}' | b'[' | b']' | b'\n' | b'\r' => true,
                        b':' => matches!(after, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'}' | b']'),
                        b'#' => matches!(bytes[at - 1], b' ' | b'\t'),
                        _ => false,
                    };
                    if ends {
                        break;
                    }
                    at += 1;
                }
                let end = start + text[start..at].trim_end().len();
                found.push((Token::Word(false), start..end));
            }
        }
    }
    found
}

/// Where brackets end: at their partner, or before the line that goes on outside of them because the partner is not typed yet; and whether
/// it is typed.
pub(crate) fn end(text: &str, from: usize, limit: usize, column: usize) -> (usize, bool) {
    let limit = limit.min(text.len());
    let mut depth = 0_usize;
    for (token, at) in tokens(text, from, limit) {
        match token {
            Token::Open(_) => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ => {
                let line = text[..at.start].rfind('\n').map_or(0, |end| end + 1);
                let indent = text[line..].len() - text[line..].trim_start_matches(' ').len();
                let outside = line > from && indent <= column && at.start == line + indent;
                // JSON stands at any column; its keys are in quotes.
                if outside && token == Token::Word(false) {
                    return (line, false);
                }
            }
        }
        if depth == 0 {
            return (at.end, true);
        }
    }
    (limit, false)
}

fn word(text: &str, at: &Range<usize>) -> String {
    text[at.clone()].trim_matches(['"', '\'']).to_owned()
}

/// The place at a byte; none outside, in comments, and where nothing can be said.
pub(crate) fn at(text: &str, from: usize, byte: usize, limit: usize) -> Option<Flow> {
    let line = text[from..byte].rsplit('\n').next().unwrap_or_default();
    if line.contains(" #") && !line.contains(['"', '\'']) {
        return None;
    }
    let all = tokens(text, from, limit);
    let mut levels: Vec<Level> = Vec::new();
    let mut here: Option<(Range<usize>, bool)> = None;
    let mut pending: Option<Range<usize>> = None;
    let mut passed = all.len();
    for (nth, (token, at)) in all.iter().enumerate() {
        let touches = matches!(token, Token::Word(_)) && at.start <= byte && byte <= at.end;
        if touches {
            here = Some((at.clone(), *token == Token::Word(true)));
            passed = nth + 1;
            break;
        }
        if at.start >= byte {
            passed = nth;
            break;
        }
        match token {
            Token::Open('{') => levels.push(Level::Map { key: None, keys: Vec::new() }),
            Token::Open(_) => levels.push(Level::List { nth: 0 }),
            Token::Close => {
                levels.pop();
            }
            Token::Comma => match levels.last_mut() {
                Some(Level::Map { key, .. }) => *key = None,
                Some(Level::List { nth }) => *nth += 1,
                None => {}
            },
            Token::Colon => {
                if let (Some(Level::Map { key, keys }), Some(at)) = (levels.last_mut(), &pending) {
                    let name = word(text, at);
                    keys.push(name.clone());
                    *key = Some(name);
                }
            }
            Token::Word(_) => {}
        }
        pending = matches!(token, Token::Word(_)).then(|| at.clone());
    }
    let (last, above) = levels.split_last()?;
    let step = |level: &Level| match level {
        Level::Map { key, .. } => key.clone().map(Step::Key),
        Level::List { nth } => Some(Step::Index(*nth)),
    };
    let mut steps: Vec<Step> = above.iter().map(step).collect::<Option<_>>()?;
    let own = outermost(text, &all);
    let (at, quoted) = here.map_or((byte..byte, false), |(at, quoted)| (at, quoted));
    let colon = matches!(all.get(passed), Some((Token::Colon, _)));
    let inner = if quoted && at.len() > 1 {
        at.start + 1..at.end - usize::from(text[at.clone()].len() > 1 && text[..at.end].ends_with(['"', '\'']))
    } else {
        at.clone()
    };
    match last {
        Level::Map { key: None, keys } => {
            let mut siblings = keys.clone();
            siblings.extend(following(text, &all, passed));
            Some(Flow { steps, at: At::Key { siblings }, word: if quoted && colon { inner } else { at }, colon, own })
        }
        level => {
            steps.extend(step(level));
            Some(Flow {
                steps,
                at: At::Value { gap: text[..byte].ends_with(':'), quoted },
                word: if quoted { inner } else { at },
                colon,
                own,
            })
        }
    }
}

/// The keys of the same mapping that come later.
fn following(text: &str, all: &[(Token, Range<usize>)], from: usize) -> Vec<String> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for pair in all.get(from..).unwrap_or_default().windows(2) {
        match pair[0].0 {
            Token::Open(_) => depth += 1,
            Token::Close if depth == 0 => break,
            Token::Close => depth -= 1,
            Token::Word(_) if depth == 0 && pair[1].0 == Token::Colon => found.push(word(text, &pair[0].1)),
            _ => {}
        }
    }
    found
}

/// What the outermost mapping says with scalars.
fn outermost(text: &str, all: &[(Token, Range<usize>)]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut depth = 0_usize;
    for three in all.windows(3) {
        match three[0].0 {
            Token::Open(_) => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            Token::Word(_) if depth == 1 && three[1].0 == Token::Colon && matches!(three[2].0, Token::Word(_)) => {
                found.push((word(text, &three[0].1), word(text, &three[2].1)));
            }
            _ => {}
        }
    }
    found
}
