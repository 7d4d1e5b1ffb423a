//! A document as a tree that knows where each value stands in the text, for whoever changes single values and nothing else.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use serde_saphyr::granit_parser::{self, Event, Options, Parser, ScalarStyle, StrInput, StructureStyle};
use zeroize::Zeroizing;

use crate::budget::Profile;
use crate::fault::{Reason, YamlFault};

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it stands.
    Plain,
    /// In quotes.
    Quoted,
    /// On lines of its own, after `|` or `>`.
    Block,
}

/// What a value is.
#[derive(Clone)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// Any single value, as the text that it stands for.
    Scalar(Zeroizing<String>, Style),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the text.
    Map(Vec<Entry>),
}

/// A value and its place.
#[derive(Clone)]
pub struct Node {
    /// What it is.
    pub kind: Kind,
    /// The bytes that it takes in the text; for an alias those of the alias. Of a mapping or list in block style: from its first child to
    /// the end of its last. Of a scalar on lines of its own: those lines, without `|` or `>`, from the first one's content on.
    pub span: Range<usize>,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// Whether it is a collection in brackets.
    pub flow: bool,
    /// Whether it stands for a value that is written elsewhere.
    pub alias: bool,
    /// Whether others may stand for it.
    pub anchor: bool,
}

/// A key and its value.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}

impl fmt::Debug for Node {
    /// Its sort and place, never its content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sort = match &self.kind {
            Kind::Null => "null",
            Kind::Scalar(..) => "scalar",
            Kind::List(_) => "list",
            Kind::Map(_) => "map",
        };
        write!(f, "{sort}@{}", self.line)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.key, self.value)
    }
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none of anything else.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => &[],
        }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key.text() == Some(key))
    }

    /// Whether there is no value.
    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// Whether it, or anything in it, is an anchor or an alias.
    pub fn shares(&self) -> bool {
        self.alias
            || self.anchor
            || self.items().iter().any(Self::shares)
            || self.entries().iter().any(|entry| entry.key.shares() || entry.value.shares())
    }
}

/// Reads one document as a tree. What [`crate::value`] refuses is refused here too: the text is read strictly first.
pub fn tree(text: &str, profile: &Profile) -> Result<Node, YamlFault> {
    // The strict reading finds double keys, bombs and second documents, with their places.
    crate::value(text, profile)?;
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.flow_nesting_limit = profile.depth;
    options.block_nesting_limit = profile.depth;
    let mut builder = Builder {
        text,
        parser: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        nodes_left: profile.nodes,
        depth_left: profile.depth,
        end: 0,
    };
    builder.document()
}

struct Builder<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    nodes_left: usize,
    depth_left: usize,
    /// Where the last value ended.
    end: usize,
}

type Step<'t> = (Event<'t>, granit_parser::Span);

fn syntax(span: &granit_parser::Span) -> YamlFault {
    YamlFault::at(span.start.line(), span.start.col() + 1, Reason::Syntax)
}

impl<'t> Builder<'t> {
    fn next(&mut self) -> Result<Step<'t>, YamlFault> {
        match self.parser.next_event() {
            Some(Ok(step)) => Ok(step),
            Some(Err(fault)) => Err(YamlFault::at(fault.marker().line(), fault.marker().col() + 1, Reason::Syntax)),
            None => Err(YamlFault::at(0, 0, Reason::Syntax)),
        }
    }

    fn document(&mut self) -> Result<Node, YamlFault> {
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) => {}
                Event::StreamEnd | Event::DocumentEnd => {
                    return Ok(Node { kind: Kind::Null, span: 0..0, line: 1, flow: false, alias: false, anchor: false });
                }
                event => return self.node(event, &span),
            }
        }
    }

    fn spend(&mut self, span: &granit_parser::Span) -> Result<(), YamlFault> {
        match self.nodes_left.checked_sub(1) {
            Some(left) => {
                self.nodes_left = left;
                Ok(())
            }
            None => Err(YamlFault::at(span.start.line(), span.start.col() + 1, Reason::TooMany { what: "values" })),
        }
    }

    fn node(&mut self, event: Event<'t>, span: &granit_parser::Span) -> Result<Node, YamlFault> {
        self.spend(span)?;
        let bytes = span.byte_range().ok_or_else(|| syntax(span))?;
        let line = span.start.line();
        let anchor = event.anchor_id();
        let node = match event {
            Event::Alias(id) => {
                let target = self.anchors.get(&id).cloned();
                let target = target.ok_or_else(|| YamlFault::at(line, span.start.col() + 1, Reason::UnknownAlias))?;
                self.end = bytes.end;
                return Ok(Node { span: bytes, line, alias: true, anchor: false, ..target });
            }
            Event::Scalar(value, style, _, tag) => {
                let span = self.scalar_span(bytes, style);
                self.end = self.end.max(span.end);
                let plain = matches!(style, ScalarStyle::Plain) && tag.is_none();
                let null = plain && matches!(value.as_ref(), "" | "~" | "null" | "Null" | "NULL");
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                    _ => Style::Quoted,
                };
                let kind = if null { Kind::Null } else { Kind::Scalar(Zeroizing::new(value.into_owned()), style) };
                Node { kind, span, line, flow: false, alias: false, anchor: anchor.is_some() }
            }
            Event::SequenceStart(style, ..) => {
                self.deeper(span)?;
                let flow = style == StructureStyle::Flow;
                self.end = self.end.max(bytes.start);
                let mut items = Vec::new();
                let ended = loop {
                    match self.next()? {
                        (Event::SequenceEnd, end) => break end,
                        (event, at) => items.push(self.node(event, &at)?),
                    }
                };
                self.collection(Kind::List(items), bytes, &ended, line, flow, anchor.is_some())
            }
            Event::MappingStart(style, ..) => {
                self.deeper(span)?;
                let flow = style == StructureStyle::Flow;
                self.end = self.end.max(bytes.start);
                let mut entries = Vec::new();
                let ended = loop {
                    match self.next()? {
                        (Event::MappingEnd, end) => break end,
                        (event, at) => {
                            let key = self.node(event, &at)?;
                            let (event, at) = self.next()?;
                            let value = self.node(event, &at)?;
                            entries.push(Entry { key, value });
                        }
                    }
                };
                self.collection(Kind::Map(entries), bytes, &ended, line, flow, anchor.is_some())
            }
            _ => return Err(syntax(span)),
        };
        if let Some(id) = anchor {
            self.anchors.insert(id, node.clone());
        }
        Ok(node)
    }

    fn deeper(&mut self, span: &granit_parser::Span) -> Result<(), YamlFault> {
        let too_deep = || YamlFault::at(span.start.line(), span.start.col() + 1, Reason::TooMany { what: "levels" });
        self.depth_left = self.depth_left.checked_sub(1).ok_or_else(too_deep)?;
        Ok(())
    }

    fn collection(&mut self, kind: Kind, begun: Range<usize>, ended: &granit_parser::Span, line: usize, flow: bool, anchor: bool) -> Node {
        self.depth_left += 1;
        if flow && let Some(bytes) = ended.byte_range() {
            self.end = self.end.max(bytes.end);
        }
        let first = match &kind {
            Kind::Map(entries) => entries.first().map(|entry| entry.key.span.start),
            Kind::List(items) => items.first().map(|item| item.span.start),
            _ => None,
        };
        let start = if flow { begun.start } else { first.unwrap_or(begun.start) };
        Node { kind, span: start..self.end.max(start), line, flow, alias: false, anchor }
    }

    /// A block scalar's span reaches to where the next token was looked for; its bytes end with its last line.
    fn scalar_span(&self, bytes: Range<usize>, style: ScalarStyle) -> Range<usize> {
        if !matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            return bytes;
        }
        let written = self.text.get(bytes.clone()).unwrap_or_default();
        bytes.start..bytes.start + written.trim_end().len()
    }
}
