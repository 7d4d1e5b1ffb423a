//! Replaces every live secret in a text, whatever form it takes.
//!
//! **Invariant:** `Debug` prints how many secrets there are and nothing of them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use domain::secret::{Redact, Secret};
use zeroize::Zeroizing;

use crate::forms;

/// What stands where a secret stood.
const INSTEAD: &str = "[secret]";

/// Knows every live secret. Costs nothing while there is none; reading takes a shared lock for as long as a pointer is copied.
#[derive(Default)]
pub struct Redactor {
    known: Mutex<Vec<Zeroizing<String>>>,
    /// How many are known, so that a text is passed through untouched while it is none.
    count: AtomicUsize,
    search: RwLock<Arc<Search>>,
}

/// The search for what was known when it was made. Nearly every place of nearly every text begins no secret: four bytes and one bit tell
/// that, several times faster than an automaton over all forms walks (see `docs/benchmarks.md`).
#[derive(Default)]
pub(crate) struct Search {
    /// For how many secrets it was made.
    count: usize,
    /// One bit for each hash that the first four bytes of some form have.
    starts: Vec<u64>,
    /// All forms, sorted.
    forms: Vec<Zeroizing<String>>,
    longest: usize,
}

/// The filter has so many bits, as a power of two: 256 KiB.
const FILTER: u32 = 21;

fn slot(start: [u8; forms::LEAST]) -> (usize, u64) {
    let hash = u32::from_le_bytes(start).wrapping_mul(0x9e37_79b1) >> (32 - FILTER);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

impl Search {
    fn of(known: &[Zeroizing<String>]) -> Self {
        let mut all: BTreeSet<String> = BTreeSet::new();
        for secret in known {
            all.extend(forms::of(secret));
        }
        let forms: Vec<Zeroizing<String>> = all.into_iter().map(Zeroizing::new).collect();
        let mut starts = vec![0; 1 << (FILTER - 6)];
        for form in &forms {
            if let Some(start) = form.as_bytes().first_chunk() {
                let (word, bit) = slot(*start);
                starts[word] |= bit;
            }
        }
        let longest = forms.iter().map(|form| form.len()).max().unwrap_or(0);
        Self { count: known.len(), starts, forms, longest }
    }

    /// The longest form that this text begins with.
    fn at_start(&self, text: &[u8]) -> Option<usize> {
        let start = text.first_chunk::<{ forms::LEAST }>()?;
        let from = self.forms.partition_point(|form| form.as_bytes() < start.as_slice());
        let alike = self.forms[from..].iter().take_while(|form| form.as_bytes().starts_with(start));
        alike.filter(|form| text.starts_with(form.as_bytes())).map(|form| form.len()).max()
    }

    /// Where secrets stand; what overlaps or touches is one place.
    pub(crate) fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        if self.starts.is_empty() {
            return places;
        }
        let bytes = text.as_bytes();
        for (at, start) in bytes.array_windows::<{ forms::LEAST }>().enumerate() {
            let (word, bit) = slot(*start);
            if self.starts[word] & bit == 0 {
                continue;
            }
            let Some(length) = self.at_start(&bytes[at..]) else { continue };
            match places.last_mut() {
                Some(last) if at <= last.end => last.end = last.end.max(at + length),
                _ => places.push(at..at + length),
            }
        }
        places
    }

    /// From where on the end of the text may be the beginning of a secret.
    pub(crate) fn may_go_on_from(&self, text: &str) -> usize {
        let earliest = text.len().saturating_sub(self.longest.saturating_sub(1));
        (earliest..text.len())
            .find(|&from| {
                text.is_char_boundary(from) && {
                    let end = &text[from..];
                    let at = self.forms.partition_point(|form| form.as_str() < end);
                    self.forms.get(at).is_some_and(|form| form.starts_with(end))
                }
            })
            .unwrap_or(text.len())
    }
}

impl Redactor {
    /// The search for everything that is known by now; `None` while that is nothing.
    pub(crate) fn search(&self) -> Option<Arc<Search>> {
        let count = self.count.load(Ordering::Acquire);
        if count == 0 {
            return None;
        }
        let search = Arc::clone(&self.search.read().unwrap_or_else(PoisonError::into_inner));
        if search.count == count {
            return Some(search);
        }
        // Made when somebody reads, not when somebody learns: a hundred secrets that are learnt in a row are searched for once.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut slot = self.search.write().unwrap_or_else(PoisonError::into_inner);
        if slot.count != known.len() {
            *slot = Arc::new(Search::of(&known));
        }
        Some(Arc::clone(&slot))
    }
}

/// The text with these places replaced.
pub(crate) fn replaced(text: &str, places: &[Range<usize>]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for place in places {
        out.push_str(&text[from..place.start]);
        out.push_str(INSTEAD);
        from = place.end;
    }
    out.push_str(&text[from..]);
    out
}

impl Redact for Redactor {
    fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(search) = self.search() else { return Cow::Borrowed(text) };
        let places = search.places(text);
        if places.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(replaced(text, &places)) }
    }

    fn learn(&self, secret: &Secret) {
        if secret.expose().len() < forms::LEAST {
            return;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.iter().any(|there| there.as_str() == secret.expose()) {
            known.push(Zeroizing::new(secret.expose().to_owned()));
            self.count.store(known.len(), Ordering::Release);
        }
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} secrets)", self.count.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    use super::*;

    fn knowing(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        for secret in secrets {
            redactor.learn(&Secret::new(*secret));
        }
        redactor
    }

    #[test]
    fn without_secrets_a_text_is_passed_through_and_short_ones_count_as_none() {
        let redactor = knowing(&["", "abc"]);
        assert!(matches!(redactor.redact("abc and more"), Cow::Borrowed("abc and more")));
        assert_eq!(format!("{redactor:?}"), "Redactor(0 secrets)");
    }

    #[test]
    fn a_secret_is_replaced_wherever_it_stands_and_the_rest_stays() {
        let redactor = knowing(&["hunter22", "密码密码"]);
        for (text, wanted) in [
            ("", ""),
            ("nothing here", "nothing here"),
            ("hunter22", "[secret]"),
            ("a hunter22, b hunter22 c", "a [secret], b [secret] c"),
            ("我的密码密码是", "我的[secret]是"),
            ("hunter2 hunter", "hunter2 hunter"),
        ] {
            assert_eq!(redactor.redact(text), wanted);
        }
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_of_each_other() {
        let redactor = knowing(&["abcdef", "defghi", "cdefg"]);
        assert_eq!(redactor.redact("xabcdefghix"), "x[secret]x");
    }

    #[test]
    fn basic_credentials_are_found_whoever_the_user_is() {
        let redactor = knowing(&["correct horse"]);
        for user in ["", "a", "ab", "abc", "admin"] {
            let header = format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:correct horse")));
            let redacted = redactor.redact(&header).into_owned();
            assert!(redacted.contains("[secret]"), "{user}: {redacted}");
        }
    }

    #[test]
    fn a_secret_learnt_later_is_found_from_then_on() {
        let redactor = knowing(&["first-secret"]);
        assert_eq!(redactor.redact("second-secret"), "second-secret");
        redactor.learn(&Secret::new("second-secret"));
        redactor.learn(&Secret::new("second-secret"));
        assert_eq!(redactor.redact("first-secret second-secret"), "[secret] [secret]");
    }

    /// What is left once the replacements are taken out, so that `[secret]` itself is not searched.
    fn left(redactor: &Redactor, text: &str) -> Vec<String> {
        redactor.redact(text).split(INSTEAD).map(str::to_owned).collect()
    }

    proptest! {
        #[test]
        fn no_learnt_secret_survives_in_any_form(
            secrets in proptest::collection::vec("\\PC{4,24}", 1..5),
            before in "\\PC{0,12}", between in "\\PC{0,3}", after in "\\PC{0,12}", pick in any::<prop::sample::Index>(),
        ) {
            let known: Vec<&str> = secrets.iter().map(String::as_str).collect();
            let redactor = knowing(&known);
            let secret = &secrets[pick.index(secrets.len())];
            let json = serde_json::to_string(secret).unwrap();
            let hex = domain::tool::hex(secret.as_bytes());
            for form in [
                secret.clone(),
                json[1..json.len() - 1].to_owned(),
                utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
                STANDARD.encode(secret),
                URL_SAFE_NO_PAD.encode(secret),
                hex.to_uppercase(),
                hex,
            ] {
                let text = format!("{before}{form}{between}{form}{after}");
                for rest in left(&redactor, &text) {
                    prop_assert!(!rest.contains(&form), "{form:?} survives in {rest:?}");
                }
            }
            // Inside something longer: all but the letters that the neighbours have a part in.
            let inside = STANDARD.encode(format!("{before}{secret}{after}"));
            prop_assert!(redactor.redact(&inside).contains(INSTEAD));
        }

        #[test]
        fn a_text_without_the_secret_is_not_touched(text in "[a-z ]{0,200}") {
            let redactor = knowing(&["0123456789"]);
            prop_assert!(matches!(redactor.redact(&text), Cow::Borrowed(_)));
        }
    }
}
