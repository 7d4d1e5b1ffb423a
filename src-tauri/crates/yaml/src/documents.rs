//! Manifests: every document of a text as `kubectl` reads it, with the place of every key and value.
//!
//! **Invariant:** the value and its places come out of one reading; nothing else reads the text again and sees something else.

use std::collections::HashSet;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::{Location, Spanned};

use crate::budget::{self, Profile};
use crate::fault::{Reason, YamlFault};
use crate::lint::{self, About, Lint};
use crate::place::{Inner, Place, Spot};

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it says, as JSON: what `kubectl` would send.
    pub value: Value,
    /// Where everything in it stands.
    pub spot: Spot,
    /// What is worth a word.
    pub lints: Vec<Lint>,
}

/// Reads all documents of a text. Empty ones are left out, as `kubectl` leaves them out.
pub fn documents(text: &str, profile: &Profile) -> Result<Vec<Document>, YamlFault> {
    budget::look_over(text, profile)?;
    // Whoever calls may stand on a small stack; each level that a document nests takes kilobytes of it.
    std::thread::scope(|scope| {
        let reading = std::thread::Builder::new().name("yaml".into()).stack_size(STACK).spawn_scoped(scope, || read(text, profile));
        let late = || YamlFault::at(0, 0, Reason::Late);
        reading.map_err(|_| late())?.join().map_err(|_| late())?
    })
}

/// Enough for the deepest document without optimisation.
const STACK: usize = 32 * 1024 * 1024;

fn read(text: &str, profile: &Profile) -> Result<Vec<Document>, YamlFault> {
    let read: Vec<Spanned<Bare>> =
        serde_saphyr::from_multiple_with_options(text, profile.options()).map_err(|fault| YamlFault::of(&fault))?;
    let mut lints = characters(text);
    let mut documents = Vec::with_capacity(read.len());
    let mut left = profile.scalar_bytes;
    for bare in read {
        let mut builder = Builder { text, lints: Vec::new(), left: &mut left, blocks: Vec::new() };
        let (value, spot) = builder.value(bare)?;
        let Builder { lints: found, blocks, .. } = builder;
        // A tab within a scalar that spans lines is content.
        lints.retain(|lint| lint.about != About::Tab || !blocks.iter().any(|block| block.contains(&lint.place.bytes.start)));
        documents.push(Document { value, spot, lints: found });
    }
    spread(lints, &mut documents);
    Ok(documents)
}

/// The same on a thread of its own, given up after the patience: for text that somebody pasted.
pub fn documents_within(text: Arc<str>, profile: Profile, patience: Duration) -> Result<Vec<Document>, YamlFault> {
    budget::size(&text, &profile)?;
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    let reading = std::thread::Builder::new().name("yaml".into()).spawn(move || {
        // Nobody may wait for it any more.
        let _ = send.send(documents(&text, &profile));
    });
    match reading {
        Ok(_) => receive.recv_timeout(patience).unwrap_or_else(|_| Err(YamlFault::at(0, 0, Reason::Late))),
        Err(_) => Err(YamlFault::at(0, 0, Reason::Late)),
    }
}

/// Lints of the whole text go to the document they stand in.
fn spread(lints: Vec<Lint>, documents: &mut [Document]) {
    for lint in lints {
        let nth = documents.iter().rposition(|document| document.spot.place.bytes.start <= lint.place.bytes.start).unwrap_or(0);
        if let Some(document) = documents.get_mut(nth) {
            document.lints.push(lint);
        }
    }
    for document in documents {
        document.lints.sort_by_key(|lint| (lint.place.line, lint.place.column));
    }
}

fn characters(text: &str) -> Vec<Lint> {
    let mut lints = Vec::new();
    let mut offset = 0;
    for (nth, line) in text.split_inclusive('\n').enumerate() {
        let mut indenting = true;
        let ascii = line.is_ascii();
        for (column, (at, c)) in line.char_indices().enumerate() {
            if indenting && c == '\t' && !line.trim().is_empty() || !ascii && lint::turns(c) {
                let about = if c == '\t' { About::Tab } else { About::Direction };
                let start = offset + at;
                let place = Place { line: number(nth + 1), column: number(column + 1), bytes: start..start + c.len_utf8() };
                lints.push(Lint { place, about });
            }
            indenting &= matches!(c, ' ' | '\t');
            if !indenting && ascii {
                break;
            }
        }
        offset += line.len();
    }
    lints
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A value as it was read, with the place of everything in it.
enum Bare {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Bare>>),
    Map(Vec<(Spanned<Key>, Spanned<Bare>)>),
}

struct Reading;

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reading)
    }
}

/// Go hands `encoding/json` a float, which writes it without a fraction when it has none.
fn float<E: serde::de::Error>(value: f64) -> Result<Number, E> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "it has no fraction and is within 2^53")]
    if value.fract() == 0.0 && value.abs() < EXACT {
        return Ok(Number::from(value as i64));
    }
    Number::from_f64(value).ok_or_else(|| E::invalid_type(serde::de::Unexpected::Float(value), &Reading))
}

impl<'de> Visitor<'de> for Reading {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that JSON has")
    }

    fn visit_unit<E>(self) -> Result<Bare, E> {
        Ok(Bare::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Bare, E> {
        Ok(Bare::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Bare, E> {
        Ok(Bare::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Bare, E> {
        Ok(Bare::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Bare, E> {
        float(value).map(Bare::Number)
    }

    fn visit_str<E>(self, value: &str) -> Result<Bare, E> {
        Ok(Bare::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Bare, E> {
        Ok(Bare::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Bare, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Bare::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Bare, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Bare::Map(entries))
    }
}

/// A key, as the text that JSON has for it.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Bare::deserialize(deserializer)? {
            Bare::Text(text) => Ok(Self(text)),
            Bare::Bool(value) => Ok(Self(value.to_string())),
            Bare::Number(number) => Ok(Self(number.to_string())),
            Bare::Null | Bare::List(_) | Bare::Map(_) => Err(D::Error::invalid_type(serde::de::Unexpected::Other("no text"), &"a key")),
        }
    }
}

struct Builder<'t> {
    text: &'t str,
    lints: Vec<Lint>,
    /// Bytes of text that may still be made out of this one, aliases included.
    left: &'t mut usize,
    /// Scalars of several lines.
    blocks: Vec<Range<usize>>,
}

impl Builder<'_> {
    fn place(location: Location) -> Place {
        let span = location.span();
        let start = span.byte_offset().unwrap_or_default() as usize;
        let end = start + span.byte_len().unwrap_or_default() as usize;
        Place { line: number(location.line() as usize), column: number(location.column() as usize), bytes: start..end }
    }

    fn value(&mut self, bare: Spanned<Bare>) -> Result<(Value, Spot), YamlFault> {
        let alias = bare.referenced != bare.defined;
        let place = Self::place(bare.referenced);
        let spot = |inner| Spot { place: place.clone(), alias, inner };
        Ok(match bare.value {
            Bare::List(list) => {
                let (mut values, mut spots) = (Vec::with_capacity(list.len()), Vec::with_capacity(list.len()));
                for item in list {
                    let (value, spot) = self.value(item)?;
                    values.push(value);
                    spots.push(spot);
                }
                (Value::Array(values), spot(Inner::List(spots)))
            }
            Bare::Map(map) => {
                let (mut values, mut spots) = (Map::with_capacity(map.len()), Vec::with_capacity(map.len()));
                let mut seen = HashSet::with_capacity(map.len());
                for (key, value) in map {
                    let at = Self::place(key.referenced);
                    let name = key.value.0;
                    self.spend(name.len(), &at)?;
                    if !seen.insert(name.clone()) {
                        return Err(YamlFault::at(at.line as usize, at.column as usize, Reason::DuplicateKey));
                    }
                    if key.referenced == key.defined {
                        self.remark(&at);
                    }
                    let (value, spot) = self.value(value)?;
                    values.insert(name.clone(), value);
                    spots.push((name, at, spot));
                }
                (Value::Object(values), spot(Inner::Map(spots)))
            }
            Bare::Text(text) => {
                self.spend(text.len(), &place)?;
                if !alias {
                    self.remark(&place);
                }
                (Value::String(text), spot(Inner::Scalar))
            }
            scalar => {
                if !alias {
                    self.remark(&place);
                }
                let value = match scalar {
                    Bare::Bool(value) => Value::Bool(value),
                    Bare::Number(number) => Value::Number(number),
                    _ => Value::Null,
                };
                (value, spot(Inner::Scalar))
            }
        })
    }

    fn spend(&mut self, bytes: usize, place: &Place) -> Result<(), YamlFault> {
        let left = self.left.checked_sub(bytes);
        *self.left = left.ok_or_else(|| YamlFault::at(place.line as usize, place.column as usize, Reason::TooMany { what: "bytes" }))?;
        Ok(())
    }

    /// Looks at how a scalar is written.
    fn remark(&mut self, place: &Place) {
        let Some(written) = self.text.get(place.bytes.clone()) else { return };
        if written.contains('\n') {
            self.blocks.push(place.bytes.clone());
            return;
        }
        if let Some(about) = lint::plain(written) {
            self.lints.push(Lint { place: place.clone(), about });
        }
    }
}
