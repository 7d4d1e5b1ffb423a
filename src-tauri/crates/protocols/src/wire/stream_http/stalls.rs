//! Replies that wait for an acknowledgement (trap 8).
//!
//! A server without `TCP_NODELAY` that writes a reply's head and body one after the other holds the body back until the head is
//! acknowledged, and on a connection that has been in use for a while the system takes about 40 ms over that. A new connection is
//! acknowledged at once. So where such stalls are seen on this machine, each request gets a connection of its own; where that does not
//! help, the time is the server's, and connections are kept again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use net::Url;

/// Acknowledgements are held back for so long at least, and seldom longer than [`MOST`].
const LEAST: Duration = Duration::from_millis(36);
const MOST: Duration = Duration::from_millis(250);
/// So many in a row are no accident.
const IN_A_ROW: u32 = 4;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ways {
    /// Connections are kept.
    Kept,
    /// Each request has its own.
    Fresh,
    /// Connections are kept, and nothing else is tried any more.
    Settled,
}

/// What was seen of one server.
#[derive(Debug)]
pub(crate) struct Stalls {
    /// Whether it is spoken to in the clear on this machine: elsewhere a connection costs more than a stall.
    near: bool,
    seen: Mutex<(Ways, u32)>,
}

impl Stalls {
    pub(crate) fn of(url: &Url) -> Self {
        Self { near: url.scheme() == "http" && net::is_loopback(url), seen: Mutex::new((Ways::Kept, 0)) }
    }

    /// Whether the next request gets a connection of its own.
    pub(crate) fn fresh(&self) -> bool {
        self.near && self.seen.lock().unwrap_or_else(PoisonError::into_inner).0 == Ways::Fresh
    }

    /// A reply's body ended so long after its head; `fresh` as it was for its request.
    pub(crate) fn took(&self, fresh: bool, gap: Duration) {
        if !self.near {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (ways, row) = &mut *seen;
        let next = match (*ways, fresh) {
            (Ways::Kept, false) => Ways::Fresh,
            (Ways::Fresh, true) => Ways::Settled,
            // It was under way while the ways changed.
            _ => return,
        };
        *row = if (LEAST..MOST).contains(&gap) { *row + 1 } else { 0 };
        if *row == IN_A_ROW {
            seen.0 = next;
            seen.1 = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stalls(url: &str, gaps: &[(bool, u64)]) -> Stalls {
        let stalls = Stalls::of(&Url::parse(url).unwrap());
        for (fresh, gap) in gaps {
            stalls.took(*fresh, Duration::from_millis(*gap));
        }
        stalls
    }

    #[test]
    fn stalls_in_a_row_on_this_machine_make_connections_fresh_and_nothing_else_does() {
        const HERE: &str = "http://127.0.0.1:9/mcp";
        let four = [(false, 40), (false, 44), (false, 41), (false, 90)];
        for (url, gaps, fresh) in [
            (HERE, &four[..], true),
            ("http://localhost:9/mcp", &four[..], true),
            ("https://127.0.0.1:9/mcp", &four[..], false),
            ("http://10.0.0.1/mcp", &four[..], false),
            (HERE, &four[..3], false),
            (HERE, &[(false, 40), (false, 40), (false, 1), (false, 40), (false, 40)][..], false),
            (HERE, &[(false, 900); 8][..], false),
            (HERE, &[(false, 10); 8][..], false),
        ] {
            assert_eq!(stalls(url, gaps).fresh(), fresh, "{url} {gaps:?}");
        }
    }

    #[test]
    fn where_fresh_connections_do_not_help_they_are_given_up_for_good() {
        let mut gaps = vec![(false, 40); 4];
        gaps.extend([(false, 40), (true, 1), (true, 40), (true, 40), (true, 40)]);
        let settled = stalls("http://127.0.0.1:9/", &gaps);
        assert!(settled.fresh(), "they help at least now and then");
        settled.took(true, Duration::from_millis(40));
        assert!(!settled.fresh());
        for _ in 0..8 {
            settled.took(false, Duration::from_millis(40));
        }
        assert!(!settled.fresh(), "it is not tried again");
    }
}
