//! Where keys and values stand: paths as the API server writes them, and a tree of places beside a document's value.

use std::fmt;
use std::ops::Range;

use serde_json::Value;

/// A place in the text, lines and columns from 1.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The line.
    pub line: u32,
    /// The column, in characters.
    pub column: u32,
    /// The bytes of a scalar or an alias; of a collection only where it begins.
    pub bytes: Range<usize>,
}

/// One step from a value to one that it holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Under a key.
    Key(String),
    /// The nth of a list, from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Self::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The way to a value, written as the API server writes it: `spec.containers[0].image`, `metadata.labels[example.com/a]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// This path and one step more.
    #[must_use]
    pub fn then(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }

    /// The value there, if there is one.
    pub fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        })
    }

    /// Reads what [`fmt::Display`] writes. Digits in brackets are the place in a list, anything else in brackets is a key.
    pub fn parse(text: &str) -> Option<Self> {
        let mut steps = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (name, after) = inner.split_once(']')?;
                let index = name.bytes().all(|byte| byte.is_ascii_digit()).then(|| name.parse().ok()).flatten();
                steps.push(index.map_or_else(|| Step::from(name), Step::Index));
                rest = after;
            } else {
                let plain = if steps.is_empty() { rest } else { rest.strip_prefix('.')? };
                let end = plain.find(['.', '[']).unwrap_or(plain.len());
                if end == 0 {
                    return None;
                }
                steps.push(Step::from(&plain[..end]));
                rest = &plain[end..];
            }
        }
        Some(Self(steps))
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.is_empty() || key.contains(['.', '[', ']', '/']) => write!(f, "[{key}]")?,
                Step::Key(key) if nth == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// The place of a value and of everything in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spot {
    /// Where the value stands; for an alias, and what comes by one, where the alias stands.
    pub place: Place,
    /// Whether it is written elsewhere and only referred to here.
    pub alias: bool,
    pub(crate) inner: Inner,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Inner {
    #[default]
    Scalar,
    List(Vec<Spot>),
    Map(Vec<(String, Place, Spot)>),
}

impl Spot {
    /// The place of the key and of the value under it.
    pub fn entry(&self, key: &str) -> Option<(&Place, &Spot)> {
        match &self.inner {
            Inner::Map(entries) => entries.iter().find(|(name, ..)| name == key).map(|(_, place, spot)| (place, spot)),
            _ => None,
        }
    }

    /// The place of the nth entry of a mapping (in the order of the text, which is that of the value).
    pub fn nth_entry(&self, nth: usize) -> Option<(&Place, &Spot)> {
        match &self.inner {
            Inner::Map(entries) => entries.get(nth).map(|(_, place, spot)| (place, spot)),
            _ => None,
        }
    }

    /// The places of an item of a list.
    pub fn item(&self, nth: usize) -> Option<&Spot> {
        match &self.inner {
            Inner::List(items) => items.get(nth),
            _ => None,
        }
    }

    /// The place of the value at the path, or of the nearest value around it that is there.
    pub fn nearest(&self, path: &Path) -> &Place {
        let mut here = self;
        for step in &path.0 {
            let inner = match step {
                Step::Key(key) => here.entry(key).map(|(_, spot)| spot),
                Step::Index(index) => here.item(*index),
            };
            match inner {
                Some(spot) => here = spot,
                None => break,
            }
        }
        &here.place
    }

    /// The place of the last key on the path (of the item, when it ends in a list), or of the nearest value around it that is there.
    pub fn nearest_key(&self, path: &Path) -> &Place {
        let Some((Step::Key(last), before)) = path.0.split_last() else { return self.nearest(path) };
        let mut here = self;
        for step in before {
            let inner = match step {
                Step::Key(key) => here.entry(key).map(|(_, spot)| spot),
                Step::Index(index) => here.item(*index),
            };
            match inner {
                Some(spot) => here = spot,
                None => return &here.place,
            }
        }
        here.entry(last).map_or(&here.place, |(place, _)| place)
    }

    /// The path to the deepest key or value that stands at a byte of the text: what the cursor is on.
    pub fn path_at(&self, byte: usize) -> Path {
        let mut steps = Vec::new();
        let mut here = self;
        loop {
            let next = match &here.inner {
                Inner::Scalar => None,
                Inner::List(items) => items
                    .iter()
                    .enumerate()
                    .rev()
                    .find(|(_, spot)| spot.place.bytes.start <= byte)
                    .map(|(nth, spot)| (Step::Index(nth), spot)),
                Inner::Map(entries) => entries
                    .iter()
                    .rev()
                    .find(|(_, place, _)| place.bytes.start <= byte)
                    .map(|(key, _, spot)| (Step::Key(key.clone()), spot)),
            };
            let Some((step, spot)) = next else { return Path(steps) };
            steps.push(step);
            here = spot;
        }
    }
}
