//! Bytes become text: UTF-8 or UTF-16 with a mark, and a byte's place when they are neither.

use crate::budget::Profile;
use crate::fault::{Reason, YamlFault};

/// Reads bytes as text. The size is looked at first; a mark at the beginning is left out.
pub fn decode(bytes: &[u8], profile: &Profile) -> Result<String, YamlFault> {
    // UTF-16 takes up to twice as much as the text that it holds.
    let wide = matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
    if bytes.len() > profile.bytes * if wide { 2 } else { 1 } {
        return Err(YamlFault::at(0, 0, Reason::TooLarge { limit: profile.bytes }));
    }
    match bytes {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Err(YamlFault::at(0, 0, Reason::Encoding { offset: 0 })),
        [0xff, 0xfe, rest @ ..] => utf_16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf_16(rest, u16::from_be_bytes),
        _ => {
            let (rest, skipped) = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).map_or((bytes, 0), |rest| (rest, 3));
            match std::str::from_utf8(rest) {
                Ok(text) => Ok(text.to_owned()),
                Err(fault) => {
                    let good = &rest[..fault.valid_up_to()];
                    let line = good.split(|byte| *byte == b'\n').count();
                    let begun = good.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
                    let column = String::from_utf8_lossy(&good[begun..]).chars().count() + 1;
                    Err(YamlFault::at(line, column, Reason::Encoding { offset: fault.valid_up_to() + skipped }))
                }
            }
        }
    }
}

fn utf_16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<String, YamlFault> {
    let wrong = |offset| YamlFault::at(0, 0, Reason::Encoding { offset });
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong(bytes.len() + 1));
    }
    let mut text = String::with_capacity(bytes.len());
    let mut at = 2;
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let c = c.map_err(|_| wrong(at))?;
        at += c.len_utf16() * 2;
        text.push(c);
    }
    Ok(text)
}
