//! Redaction of a text that comes in pieces: a secret that is cut by the edge of a piece is found too.

use std::sync::Arc;

use crate::redact::{Redactor, replaced};

/// Redacts a stream. What may be the beginning of a secret is held back until it is known.
#[derive(Debug)]
pub struct RedactStream {
    redactor: Arc<Redactor>,
    held: String,
}

impl RedactStream {
    /// A stream from its beginning.
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self { redactor, held: String::new() }
    }

    /// Takes a piece and gives what can be shown by now.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let Some(search) = self.redactor.search() else { return std::mem::take(&mut self.held) };
        let mut until = search.may_go_on_from(&self.held);
        let mut places = search.places(&self.held);
        // A secret that ends behind the edge, or at it and may go on as a longer one, waits with what it began.
        while let Some(last) = places.last()
            && last.end > until
        {
            until = until.min(last.start);
            places.pop();
        }
        let shown = replaced(&self.held[..until], &places);
        self.held.drain(..until);
        shown
    }

    /// Gives what is left at the end.
    pub fn finish(mut self) -> String {
        let Some(search) = self.redactor.search() else { return std::mem::take(&mut self.held) };
        let places = search.places(&self.held);
        replaced(&self.held, &places)
    }
}

#[cfg(test)]
mod tests {
    use domain::secret::{Redact, Secret};
    use proptest::prelude::*;

    use super::*;

    fn knowing(secrets: &[&str]) -> Arc<Redactor> {
        let redactor = Redactor::default();
        for secret in secrets {
            redactor.learn(&Secret::new(*secret));
        }
        Arc::new(redactor)
    }

    #[test]
    fn a_secret_cut_into_pieces_is_found_and_nothing_else_is_held_back() {
        let mut stream = RedactStream::new(knowing(&["hunter22"]));
        assert_eq!(stream.push("hello "), "hello ", "no secret begins like that");
        assert_eq!(stream.push("hun"), "");
        assert_eq!(stream.push("ter"), "");
        assert_eq!(stream.push("22 and hunt"), "[secret] and ");
        assert_eq!(stream.push("ing"), "hunting");
        assert_eq!(stream.finish(), "");
    }

    #[test]
    fn the_end_is_shown_even_if_it_might_have_gone_on() {
        let mut stream = RedactStream::new(knowing(&["hunter22"]));
        assert_eq!(stream.push("xhunter2"), "x");
        assert_eq!(stream.finish(), "hunter2");
    }

    proptest! {
        #[test]
        fn however_it_is_cut_the_secrets_are_gone_and_the_rest_is_whole(
            words in proptest::collection::vec(prop_oneof!["[a-c密]{0,6}", Just("abcabcabd".to_owned()), Just("cab密cab".to_owned()), Just("bda".to_owned())], 0..12),
            cuts in proptest::collection::vec(0_usize..5, 1..60),
        ) {
            let redactor = knowing(&["abcabcabd", "cab密cab", "abcabcabdabcab"]);
            let text = words.concat();
            let mut stream = RedactStream::new(Arc::clone(&redactor));
            let mut out = String::new();
            let mut letters = text.chars();
            for cut in cuts.iter().cycle() {
                let piece: String = letters.by_ref().take(cut + 1).collect();
                if piece.is_empty() {
                    break;
                }
                out.push_str(&stream.push(&piece));
            }
            out.push_str(&stream.finish());
            prop_assert!(!out.contains("abcabcabd") && !out.contains("cab密cab"), "{out}");
            // Touching secrets are one place in a whole text and may be two in a stream.
            let squeeze = |text: &str| { let mut text = text.to_owned(); while text.contains("[secret][secret]") { text = text.replace("[secret][secret]", "[secret]"); } text };
            prop_assert_eq!(squeeze(&out), squeeze(&redactor.redact(&text)));
        }
    }
}
