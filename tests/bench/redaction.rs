//! How fast secrets are taken out of text.

use std::time::Instant;

use domain::secret::{Redact as _, Secret};
use secrets::Redactor;

use crate::row::{Row, median};

/// Live secrets, and how many bytes of text.
const SECRETS: usize = 1_000;
const TEXT: usize = 16 << 20;
const TIMES: usize = 7;

/// Like a token: 40 characters that no other has.
fn secret(nth: usize) -> String {
    format!("tok_{:036x}", (nth as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835))
}

/// Lines as logs and answers have them; `every` so many lines one holds a secret.
fn text(every: Option<usize>) -> String {
    let mut text = String::with_capacity(TEXT + 256);
    let mut nth = 0;
    while text.len() < TEXT {
        let held = every.filter(|every| nth % every == 0).map_or_else(|| "none".to_owned(), |_| secret(nth % SECRETS));
        text.push_str(&format!(
            "2026-11-22T20:45:{:02}Z INFO answer{{server=s{nth}}} \"status\":200,\"authorization\":\"{held}\"\n",
            nth % 60
        ));
        nth += 1;
    }
    text
}

/// Over text without a secret, and with one every 4 KB or so.
pub fn redaction() -> Vec<Row> {
    let redactor = Redactor::default();
    (0..SECRETS).for_each(|nth| redactor.learn(&Secret::new(secret(nth))));
    [("without a secret in it", None), ("with a secret every 50 lines", Some(50))]
        .into_iter()
        .map(|(what, every)| {
            let text = text(every);
            let rates: Vec<f64> = (0..TIMES)
                .map(|_| {
                    let from = Instant::now();
                    let shown = redactor.redact(&text);
                    let rate = text.len() as f64 / 1e6 / from.elapsed().as_secs_f64();
                    assert!(!shown.contains("tok_"), "every one is hidden");
                    assert_eq!(*shown == *text, every.is_none(), "and nothing else is");
                    rate
                })
                .collect();
            let rate = median(rates.iter().copied());
            Row::told(format!("redaction of text {what}, {SECRETS} live secrets"), format!("{rate:.0} MB/s"), "")
                .no_less(rate, 200.0, " MB/s")
        })
        .collect()
}
