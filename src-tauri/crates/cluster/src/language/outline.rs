//! The documents of a text. Where it can be read they are told by what was read, else by what its lines look like.

use domain::manifest_language::OutlineItem;
use serde_json::Value;
use yaml::{Document, Profile};

use super::Lines;

/// The lines of a document, from 0, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The first line with content.
    pub(crate) first: usize,
    /// The last line with content.
    pub(crate) last: usize,
    /// The line after its `---`, or the text's first.
    pub(crate) begun: usize,
    /// The line before the next `---`, or the text's last.
    pub(crate) ended: usize,
}

/// Whether a line begins a document.
pub(crate) fn begins(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

fn says_nothing(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The documents that hold something.
pub(crate) fn pieces(lines: &Lines<'_>) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let mut open: Option<Piece> = None;
    let mut begun = 0;
    for nth in 0..lines.count() {
        let line = lines.line(nth).unwrap_or_default();
        let marker = begins(line);
        if marker {
            found.extend(open.take());
            begun = nth;
        }
        let ends = line.trim_end() == "...";
        let content = if marker { &line[3..] } else { line };
        let directive = open.is_none() && !marker && line.starts_with('%');
        if !says_nothing(content) && !ends && !directive {
            open.get_or_insert(Piece { first: nth, last: nth, begun, ended: nth }).last = nth;
        }
        if let Some(open) = &mut open {
            open.ended = nth;
        }
        if ends {
            found.extend(open.take());
            begun = nth + 1;
        }
    }
    found.extend(open);
    found
}

/// The documents, by what was read where it could be.
pub(crate) fn outline(lines: &Lines<'_>, read: Option<&[Document]>) -> Vec<OutlineItem> {
    let pieces = pieces(lines);
    let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    match read.filter(|read| read.len() == pieces.len()) {
        Some(read) => {
            let one = |(nth, (document, piece)): (usize, (&Document, &Piece))| {
                let text = |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
                OutlineItem {
                    document: nth + 1,
                    line: number(piece.first),
                    end_line: number(piece.last),
                    api_version: text("/apiVersion").unwrap_or_default(),
                    kind: text("/kind").unwrap_or_default(),
                    namespace: text("/metadata/namespace"),
                    name: text("/metadata/name"),
                }
            };
            read.iter().zip(&pieces).enumerate().map(one).collect()
        }
        None => pieces
            .iter()
            .enumerate()
            .map(|(nth, piece)| OutlineItem {
                document: nth + 1,
                line: number(piece.first),
                end_line: number(piece.last),
                ..guessed(lines, piece)
            })
            .collect(),
    }
}

/// Reads what can be read, document by document: one that is being typed takes nothing from its neighbours.
fn guessed(lines: &Lines<'_>, piece: &Piece) -> OutlineItem {
    let start = lines.start(piece.first);
    let end = lines.start(piece.last + 1);
    let own = &lines.text[start..end];
    let mut item =
        OutlineItem { document: 0, line: 0, end_line: 0, api_version: String::new(), kind: String::new(), namespace: None, name: None };
    if let Ok([document]) = yaml::documents(own, &Profile::manifest()).as_deref() {
        let text = |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        item.api_version = text("/apiVersion").unwrap_or_default();
        item.kind = text("/kind").unwrap_or_default();
        item.namespace = text("/metadata/namespace");
        item.name = text("/metadata/name");
        return item;
    }
    let mut within: Option<usize> = None;
    for nth in piece.first..=piece.last {
        let line = lines.line(nth).unwrap_or_default();
        if says_nothing(line) {
            continue;
        }
        let indent = line.len() - line.trim_start_matches(' ').len();
        let Some((key, value)) = line.trim().split_once(':') else { continue };
        let value = plain(value);
        if indent == 0 {
            within = (key == "metadata").then_some(0);
            match key {
                "apiVersion" => item.api_version = value,
                "kind" => item.kind = value,
                _ => {}
            }
        } else if let Some(level) = within {
            // The first line below `metadata` says how deep its fields stand.
            if level == 0 {
                within = Some(indent);
            }
            if level == 0 || indent == level {
                match key {
                    "name" if !value.is_empty() => item.name = Some(value),
                    "namespace" if !value.is_empty() => item.namespace = Some(value),
                    _ => {}
                }
            }
        }
    }
    item
}

/// A value on one line, without its comment and its quotes.
fn plain(value: &str) -> String {
    let value = value.split_once(" #").map_or(value, |(value, _)| value).trim();
    let bare = |quote: char| value.strip_prefix(quote).map(|rest| rest.strip_suffix(quote).unwrap_or(rest));
    bare('"').or_else(|| bare('\'')).unwrap_or(value).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        let read = yaml::documents(text, &Profile::manifest()).ok();
        let all = outline(&Lines::new(text), read.as_deref());
        all.iter()
            .map(|item| {
                let (name, namespace) = (item.name.as_deref().unwrap_or("-"), item.namespace.as_deref().unwrap_or("-"));
                format!("{} {}-{} {} {} {namespace}/{name}", item.document, item.line, item.end_line, item.api_version, item.kind)
            })
            .collect()
    }

    #[test]
    fn documents_are_told_with_their_place_and_name_also_where_one_cannot_be_read() {
        let good = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: x}\n";
        let twice = format!("# first\n{good}---\n# nothing\n---\n{good}");
        assert_eq!(told(&twice), ["1 2-4 v1 ConfigMap x/a", "2 8-10 v1 ConfigMap x/a"]);
        let typed = format!(
            "{good}---\napiVersion: apps/v1\nkind: Deployment # new\nmetadata:\n  labels:\n    name: no\n  name: \"web\"\n  na\nspec:\n  replicas: [\n"
        );
        assert_eq!(told(&typed), ["1 1-3 v1 ConfigMap x/a", "2 5-13 apps/v1 Deployment -/web"]);
        for (text, wanted) in [
            ("", &[][..]),
            ("---\n---\n# only words\n", &[]),
            ("kind: Pod\n...\nkind: Job\n", &["1 1-1  Pod -/-", "2 3-3  Job -/-"]),
            ("--- {kind: Pod, metadata: {name: p}}\n", &["1 1-1  Pod -/p"]),
            ("%YAML 1.2\n---\nkind: Pod\r\nmetadata:\r\n  name: p\r\n  x\r\n", &["1 3-6  Pod -/p"]),
            ("{\"kind\": \"Pod\", \"metadata\": {\"name\": \"p\"}}", &["1 1-1  Pod -/p"]),
            ("kind: Pod\nmetadata:\n    name: 'p'\n    labels: {\n", &["1 1-4  Pod -/p"]),
            ("kind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    kind: Other\n", &["1 1-5  ConfigMap -/a"]),
            ("42\n", &["1 1-1   -/-"]),
        ] {
            assert_eq!(told(text), wanted, "{text:?}");
        }
    }
}
