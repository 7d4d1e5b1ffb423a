//! Looks for secrets in every file below a folder.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The files in which one of the needles stands: as it is, in base64, in hex, or in UTF-16, as web views keep text.
pub(crate) fn holding(folder: &Path, needles: &[&str]) -> Vec<String> {
    let forms: Vec<(&str, Vec<u8>)> = needles.iter().flat_map(|needle| spellings(needle).into_iter().map(|form| (*needle, form))).collect();
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file() {
                let bytes = fs::read(entry.path()).unwrap_or_default();
                let held = forms.iter().filter(|(_, form)| bytes.windows(form.len()).any(|part| part == form));
                found.extend(held.map(|(needle, _)| format!("{} holds {}…", entry.path().display(), &needle[..12])));
            }
        }
    }
    found
}

/// Whether a needle stands in there in any spelling.
pub(crate) fn spells(bytes: &[u8], needle: &str) -> bool {
    spellings(needle).iter().any(|form| bytes.windows(form.len()).any(|part| part == form))
}

fn spellings(needle: &str) -> Vec<Vec<u8>> {
    let utf16 = needle.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let hex = needle.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
    // Whichever of the three places it begins at, the middle of its base64 is one of these.
    let shifted = (0..3).map(|shift| {
        let padded = [vec![b' '; shift], needle.as_bytes().to_vec()].concat();
        let text = STANDARD.encode(padded);
        text.as_bytes()[4..text.len() - 4].to_vec()
    });
    [needle.as_bytes().to_vec(), utf16, hex.into_bytes()].into_iter().chain(shifted).collect()
}

#[test]
fn a_needle_is_found_in_every_spelling() {
    let needle = "canary-of-this-test-itself";
    let inside = |text: Vec<u8>| {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/file"), text).unwrap();
        !holding(folder.path(), &[needle]).is_empty()
    };
    assert!(inside(needle.into()));
    assert!(inside(needle.encode_utf16().flat_map(u16::to_le_bytes).collect()));
    for before in ["", "a", "ab", "abc"] {
        assert!(inside(STANDARD.encode(format!("{before}{needle}!")).into_bytes()), "{before}");
    }
    assert!(!inside(b"canary-of-another".to_vec()));
}
