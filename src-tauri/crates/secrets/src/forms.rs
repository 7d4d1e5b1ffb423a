//! The forms in which a secret may turn up in a text.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Shorter values are passed over: they would be found in every text.
pub(crate) const LEAST: usize = 4;

/// What RFC 3986 calls unreserved.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// JavaScript's `encodeURIComponent`.
const COMPONENT: &AsciiSet = &UNRESERVED.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// HTML forms; the space becomes a plus afterwards.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');
/// What parsers of URLs leave alone in a path, and in a query.
const PATH: &AsciiSet = &COMPONENT
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b';')
    .remove(b'%')
    .remove(b'[')
    .remove(b']')
    .remove(b'|')
    .remove(b'\\')
    .remove(b'^');
const QUERY: &AsciiSet = &PATH.remove(b'?').remove(b'`').remove(b'{').remove(b'}');
/// User and password in front of a host.
const USERINFO: &AsciiSet = &COMPONENT.remove(b'&').remove(b'+').remove(b'$').remove(b',').remove(b'%');

/// Every form of one secret that is worth looking for, the raw one included.
pub(crate) fn of(secret: &str) -> BTreeSet<String> {
    let mut forms = BTreeSet::new();
    for part in parts(secret) {
        add(&mut forms, part);
    }
    forms.retain(|form| form.len() >= LEAST);
    forms
}

/// The secret, and pieces of it that give it away by themselves.
fn parts(secret: &str) -> Vec<&str> {
    let mut parts = vec![secret];
    let trimmed = secret.trim();
    if trimmed != secret {
        parts.push(trimmed);
    }
    // `Bearer abc…`: the token without its scheme.
    if let Some((scheme, token)) = trimmed.split_once(' ')
        && token.len() >= 8
        && scheme.chars().all(|letter| letter.is_ascii_alphabetic())
    {
        parts.push(token);
    }
    // A key in PEM form is often printed line by line.
    if trimmed.contains('\n') {
        parts.extend(trimmed.lines().map(str::trim).filter(|line| line.len() >= 16 && !line.starts_with("-----")));
    }
    parts.retain(|part| part.len() >= LEAST);
    parts
}

fn add(forms: &mut BTreeSet<String>, text: &str) {
    forms.insert(text.to_owned());
    for set in [NON_ALPHANUMERIC, UNRESERVED, COMPONENT, PATH, QUERY, USERINFO] {
        percent(forms, &utf8_percent_encode(text, set).to_string());
    }
    percent(forms, &utf8_percent_encode(text, FORM).to_string().replace(' ', "+"));
    base64(forms, text.as_bytes());
    let hex = text.bytes().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    forms.insert(hex.to_ascii_uppercase());
    forms.insert(hex);
    for once in escaped(text) {
        // JSON within JSON: a tool's text that quotes a document.
        forms.extend(escaped(&once));
        forms.insert(once);
    }
    let debug = format!("{text:?}");
    forms.insert(debug.trim_matches('"').to_owned());
}

fn percent(forms: &mut BTreeSet<String>, encoded: &str) {
    let mut lower = String::with_capacity(encoded.len());
    let mut digits = 0;
    for letter in encoded.chars() {
        if digits > 0 {
            digits -= 1;
            lower.push(letter.to_ascii_lowercase());
        } else {
            if letter == '%' {
                digits = 2;
            }
            lower.push(letter);
        }
    }
    forms.insert(lower);
    forms.insert(encoded.to_owned());
}

/// Base64 of the secret by itself and somewhere inside something longer, as in `Basic user:password`: three ways to fall on the groups of
/// three bytes, each without the letters that its neighbours have a part in.
fn base64(forms: &mut BTreeSet<String>, bytes: &[u8]) {
    forms.insert(STANDARD.encode(bytes));
    for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
        forms.insert(engine.encode(bytes));
        for before in 0..3_usize {
            let mut shifted = vec![0; before];
            shifted.extend_from_slice(bytes);
            let letters = engine.encode(&shifted);
            let from = (before * 8).div_ceil(6);
            let until = shifted.len() * 8 / 6;
            if until > from {
                forms.insert(letters[from..until].to_owned());
            }
        }
    }
}

/// The text as it stands between the quotes of JSON, as different writers put it.
fn escaped(text: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(text).to_string();
    let plain = quoted[1..quoted.len() - 1].to_owned();
    let mut found = vec![plain.replace('/', "\\/")];
    if !plain.is_ascii() {
        for upper in [false, true] {
            let mut ascii = String::with_capacity(plain.len() * 2);
            for letter in plain.chars() {
                if letter.is_ascii() {
                    ascii.push(letter);
                    continue;
                }
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let _ = if upper { write!(ascii, "\\u{unit:04X}") } else { write!(ascii, "\\u{unit:04x}") };
                }
            }
            found.push(ascii);
        }
    }
    found.push(plain);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_secret_are_what_others_make_of_it() {
        let forms = of("p/ä ss+\"1");
        for form in [
            "p/ä ss+\"1",
            "p%2F%C3%A4%20ss%2B%221",
            "p%2f%c3%a4%20ss%2b%221",
            "p%2F%C3%A4+ss%2B%221",
            "cC/DpCBzcysiMQ==",
            "cC_DpCBzcysiMQ",
            "702fc3a42073732b2231",
            "702FC3A42073732B2231",
            "p/ä ss+\\\"1",
            "p\\/ä ss+\\\"1",
            "p/\\u00e4 ss+\\\"1",
            "p/\\u00E4 ss+\\\"1",
            "p/ä ss+\\\\\\\"1",
        ] {
            assert!(forms.contains(form), "{form} is missing among {forms:#?}");
        }
    }

    #[test]
    fn a_scheme_a_line_end_and_the_lines_of_a_key_do_not_hide_the_secret() {
        assert!(of("Bearer abcdefgh").contains("abcdefgh"));
        assert!(of("token12\n").contains("token12"));
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----\n";
        let forms = of(key);
        assert!(forms.contains("AQEFAASCBKcwggSjAgEAAoIB"));
        assert!(!forms.contains("-----END PRIVATE KEY-----"));
    }

    #[test]
    fn no_form_is_so_short_that_it_is_found_everywhere() {
        for secret in ["", "abc", "abcd", "a b "] {
            assert!(of(secret).iter().all(|form| form.len() >= LEAST), "{secret}");
        }
        assert!(of("abc").is_empty());
    }
}
