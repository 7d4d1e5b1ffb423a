//! `fs-read-file`.

use std::io::{Read, Seek, SeekFrom};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fault::{Doing, FsFault};
use super::roots::Roots;
use super::tool::FsTool;
use crate::apart::Watch;

/// The most of one answer: 4 MiB.
const MOST: u64 = 4 << 20;
const PIECE: usize = 64 << 10;

/// How bytes come back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) enum Encoding {
    /// As text; a file that is none is refused.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// As base64; every file can be read.
    #[serde(rename = "base64")]
    Base64,
}

/// The arguments.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Args {
    /// The file: beneath a root, or relative to the first root. 文件路径：位于某个根文件夹内，或相对于第一个根文件夹。
    #[schemars(length(min = 1, max = 4096))]
    path: String,
    /// Read at most so many bytes. 最多读取的字节数。
    #[serde(default = "mebibyte")]
    #[schemars(range(min = 1, max = 4_194_304))]
    max_bytes: u64,
    /// Start at this byte. 起始字节位置。
    #[serde(default)]
    offset: u64,
    /// `utf-8` for text, `base64` for anything. 文本用 `utf-8`，其他内容用 `base64`。
    #[serde(default)]
    encoding: Encoding,
}

fn mebibyte() -> u64 {
    1 << 20
}

/// What was read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Out {
    /// The file.
    path: String,
    /// The bytes, in the encoding that was asked for.
    content: String,
    /// That encoding.
    encoding: Encoding,
    /// Where they start.
    offset: u64,
    /// How many they are.
    bytes: u64,
    /// The size of the whole file.
    size: u64,
    /// Where to go on, when there is more.
    next_offset: Option<u64>,
}

/// The tool.
#[derive(Debug)]
pub(super) struct ReadFile;

impl FsTool for ReadFile {
    const NAME: &'static str = "fs-read-file";
    const TITLE: &'static str = "Read a file · 读取文件";
    const ABOUT: &'static str = "Reads a file, or a part of it, as text or as base64. 以文本或 base64 形式读取文件或其一部分。";
    const READS: bool = true;
    type Args = Args;
    type Out = Out;

    fn run(roots: &Roots, args: Args, watch: &mut Watch) -> Result<(Out, String), FsFault> {
        let io = |fault: std::io::Error| FsFault::io(&args.path, Doing::Reading, &fault);
        if args.max_bytes == 0 || args.max_bytes > MOST {
            return Err(FsFault::TooLarge { path: "max_bytes".into(), size: args.max_bytes, limit: MOST });
        }
        let (mut file, meta, shown) = roots.read(&args.path)?;
        let size = meta.len();
        file.seek(SeekFrom::Start(args.offset)).map_err(io)?;
        let bytes = take(&mut file, args.max_bytes, watch).map_err(|broke| broke.or_else(io))?;
        // A file may have grown since it was measured: believe what was read.
        let more = |read: u64| (args.offset + read < size).then_some(args.offset + read);
        let (content, read) = match args.encoding {
            Encoding::Base64 => (STANDARD.encode(&bytes), bytes.len() as u64),
            Encoding::Utf8 => {
                let read = bytes.len() as u64;
                text(bytes, read == args.max_bytes).map_err(|at| FsFault::NotText { path: args.path.clone(), offset: args.offset + at })?
            }
        };
        let text = content.clone();
        let next_offset = more(read).filter(|_| read > 0);
        Ok((
            Out {
                path: shown.display().to_string(),
                content,
                encoding: args.encoding,
                offset: args.offset,
                bytes: read,
                size,
                next_offset,
            },
            text,
        ))
    }
}

/// Why reading stopped: the caller's reason, or the system's.
enum Broke {
    Stopped(FsFault),
    System(std::io::Error),
}

impl Broke {
    fn or_else(self, io: impl FnOnce(std::io::Error) -> FsFault) -> FsFault {
        match self {
            Self::Stopped(fault) => fault,
            Self::System(fault) => io(fault),
        }
    }
}

fn take(file: &mut impl Read, most: u64, watch: &Watch) -> Result<Vec<u8>, Broke> {
    let mut bytes = Vec::new();
    let mut left = usize::try_from(most).unwrap_or(usize::MAX);
    while left > 0 {
        watch.tick().map_err(|fault| Broke::Stopped(fault.into()))?;
        let start = bytes.len();
        bytes.resize(start + left.min(PIECE), 0);
        match file.read(&mut bytes[start..]) {
            Ok(0) => {
                bytes.truncate(start);
                break;
            }
            Ok(read) => {
                bytes.truncate(start + read);
                left -= read;
            }
            Err(fault) if fault.kind() == std::io::ErrorKind::Interrupted => bytes.truncate(start),
            Err(fault) => return Err(Broke::System(fault)),
        }
    }
    Ok(bytes)
}

/// The bytes as text and how many of them it took. A character cut by the limit is left for the next part.
fn text(bytes: Vec<u8>, cut: bool) -> Result<(String, u64), u64> {
    match String::from_utf8(bytes) {
        Ok(text) => {
            let len = text.len() as u64;
            Ok((text, len))
        }
        Err(fault) => {
            let good = fault.utf8_error().valid_up_to();
            let only_cut = cut && fault.utf8_error().error_len().is_none() && good > 0;
            let mut bytes = fault.into_bytes();
            if !only_cut {
                return Err(good as u64);
            }
            bytes.truncate(good);
            String::from_utf8(bytes).map(|text| (text, good as u64)).map_err(|_| good as u64)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_on_the_edge_is_left_for_the_next_part_and_broken_text_is_not_text() {
        let snow = "a雪".as_bytes();
        assert_eq!(text(snow.to_vec(), false), Ok(("a雪".into(), 4)));
        assert_eq!(text(snow[..3].to_vec(), true), Ok(("a".into(), 1)));
        assert_eq!(text(snow[..3].to_vec(), false), Err(1), "the file ends inside a character");
        assert_eq!(text(vec![b'a', 0xff, b'b'], true), Err(1));
        assert_eq!(text(snow[1..2].to_vec(), true), Err(0), "one byte of three would never get further");
    }
}
