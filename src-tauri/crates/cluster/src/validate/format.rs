//! What a piece of text must look like: names, labels, quantities, moments.

/// Lower-case letters, digits and `-`, at most 63, beginning and ending with a letter or digit.
pub(crate) fn label_name(text: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| inside(*byte) || *byte == b'-')
        && inside(bytes[0])
        && bytes.last().is_some_and(|byte| inside(*byte))
}

/// Such names with dots between them, at most 253.
pub(crate) fn subdomain(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(|part| !part.is_empty() && part.len() <= 253 && loose_label(part))
}

fn loose_label(part: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    bytes.iter().all(|byte| inside(*byte) || *byte == b'-') && inside(bytes[0]) && bytes.last().is_some_and(|byte| inside(*byte))
}

/// The name of a piece of a path.
pub(crate) fn path_segment(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && !text.contains(['/', '%'])
}

/// Letters, digits, `-`, `_` and `.`, at most 63, beginning and ending with a letter or digit.
fn word(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && bytes[0].is_ascii_alphanumeric()
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
}

/// A key of a label or an annotation: a word, with a domain in front of it or without.
pub(crate) fn qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => !prefix.is_empty() && subdomain(prefix) && word(name),
        None => word(text),
    }
}

/// The value of a label.
pub(crate) fn label_value(text: &str) -> bool {
    text.is_empty() || word(text)
}

/// A port's name: lower-case letters, digits and single `-`, at most 15, with a letter in it.
pub(crate) fn port_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    (1..=15).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && bytes.iter().any(u8::is_ascii_lowercase)
        && !text.contains("--")
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// A key in a ConfigMap or Secret.
pub(crate) fn config_key(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && text != "."
        && !text.starts_with("..")
}

/// A moment as RFC 3339 writes it.
pub(crate) fn moment(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes()[10] == b'T' && text.parse::<jiff::Timestamp>().is_ok()
}

/// A range of addresses.
pub(crate) fn cidr(text: &str) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        let most = match address.parse::<std::net::IpAddr>() {
            Ok(std::net::IpAddr::V4(_)) => 32,
            Ok(std::net::IpAddr::V6(_)) => 128,
            Err(_) => return false,
        };
        bits.parse::<u8>().is_ok_and(|bits| bits <= most)
    })
}

/// What each field of a schedule may hold: from, to, names.
const RANGES: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Five fields, or a name such as `@daily`.
pub(crate) fn schedule(text: &str) -> bool {
    if let Some(name) = text.strip_prefix('@') {
        return matches!(name, "yearly" | "annually" | "monthly" | "weekly" | "daily" | "midnight" | "hourly")
            || name.starts_with("every ");
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    fields.len() == 5
        && fields.iter().zip(RANGES).all(|(field, (least, most, names))| {
            field.split(',').all(|part| {
                let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
                let value = |text: &str| {
                    text.parse::<u32>().ok().filter(|value| (least..=most).contains(value)).or_else(|| {
                        names
                            .iter()
                            .position(|name| text.eq_ignore_ascii_case(name))
                            .and_then(|at| u32::try_from(at).ok())
                            .map(|at| at + least)
                    })
                };
                let range = match range.split_once('-') {
                    _ if matches!(range, "*" | "?") => true,
                    Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| from <= to),
                    None => value(range).is_some(),
                };
                range && step.is_none_or(|step| step.parse::<u32>().is_ok_and(|step| step > 0))
            })
        })
}

/// How many single changes make one text out of the other, when they are few.
pub(crate) fn near(a: &str, b: &str) -> Option<usize> {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let swapped = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = swapped.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    let distance = row[b.len()];
    (distance * 3 <= a.len().max(b.len())).then_some(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_must_look_like_or_not() {
        for (check, good, bad) in [
            (label_name as fn(&str) -> bool, &["a", "a-1", "1a"][..], &["", "A", "-a", "a-", "a.b", "a_b"][..]),
            (subdomain, &["a.b", "a-1.b"], &["a..b", ".a", "a.", "A", "a_b", "-a.b"]),
            (qualified, &["a", "A_b.c-d", "example.com/Name"], &["", "/a", "a/", "a/b/c", "-a", "a b", "UP.com/a"]),
            (label_value, &["", "a", "A.b"], &["-", "a b", "é"]),
            (port_name, &["http", "a-1"], &["", "1", "a--b", "-a", "HTTP", "sixteen-letters-"]),
            (config_key, &["a.b", "A_b"], &["", ".", "..", "...", "a/b", "a b"]),
            (cidr, &["10.0.0.0/8", "2001:db8::/64"], &["10.0.0.0", "10.0.0.0/33", "a/8"]),
            (moment, &["2024-01-01T00:00:00Z", "2024-01-01T00:00:00.5+02:00"], &["2024-01-01", "now", "2024-13-01T00:00:00Z"]),
            (
                schedule,
                &["*/5 * * * *", "0 0 1,15 * mon-fri", "@daily"],
                &["* * * *", "60 * * * *", "a * * * *", "* * * * * *", "*/0 * * * *", "@never"],
            ),
        ] {
            for text in good {
                assert!(check(text), "{text} is right");
            }
            for text in bad {
                assert!(!check(text), "{text} is wrong");
            }
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_near_and_another_word_is_not() {
        assert_eq!(near("replica", "replicas"), Some(1));
        assert_eq!(near("imagepullpolicy", "imagePullPolicy"), Some(0));
        assert_eq!(near("foo", "replicas"), None);
    }
}
