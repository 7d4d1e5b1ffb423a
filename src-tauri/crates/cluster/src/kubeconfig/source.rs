//! Reading files that nobody vouches for: regular files only, so many bytes and no more, and never one that makes us wait.
//!
//! **Invariant:** a pipe, a device or a folder is refused before it is opened for reading, and never blocks.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::fault::Fault;
use domain::kubeconfig::{KubeBytes, KubeFile, KubeSource};
use domain::tool::hex;
use domain::vault::SecretBytes;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::document::{self, Document};
use super::fault;

/// No kubeconfig is larger.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unread {
    /// There is none.
    Absent,
    /// It is no regular file.
    NoFile(&'static str, &'static str),
    /// It is larger than that.
    TooLarge(usize),
    /// The operating system said no.
    Io(std::io::ErrorKind),
}

impl Unread {
    /// In English.
    pub(super) fn en(&self) -> String {
        match self {
            Self::Absent => "there is no such file".into(),
            Self::NoFile(en, _) => format!("it is {en}, not a regular file"),
            Self::TooLarge(limit) => format!("it is larger than {} KiB", limit / 1024),
            Self::Io(kind) => kind.to_string(),
        }
    }

    /// In Chinese.
    pub(super) fn zh(&self) -> String {
        match self {
            Self::Absent => "没有该文件".into(),
            Self::NoFile(_, zh) => format!("它是{zh}，不是普通文件"),
            Self::TooLarge(limit) => format!("超过 {} KiB", limit / 1024),
            Self::Io(kind) => kind.to_string(),
        }
    }
}

fn io(fault: &std::io::Error) -> Unread {
    if fault.kind() == std::io::ErrorKind::NotFound { Unread::Absent } else { Unread::Io(fault.kind()) }
}

fn regular(meta: &std::fs::Metadata) -> Result<(), Unread> {
    if meta.is_file() {
        return Ok(());
    }
    if meta.is_dir() {
        return Err(Unread::NoFile("a folder", "目录"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let kind = meta.file_type();
        if kind.is_fifo() {
            return Err(Unread::NoFile("a pipe", "管道"));
        }
        if kind.is_socket() {
            return Err(Unread::NoFile("a socket", "套接字"));
        }
    }
    Err(Unread::NoFile("a device", "设备"))
}

fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true);
    // Between looking and opening it may have become a pipe: opening that must not wait for somebody to write.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    options.open(path)
}

/// The bytes of a regular file, links followed, at most so many.
pub(super) fn bytes(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Unread> {
    regular(&std::fs::metadata(path).map_err(|fault| io(&fault))?)?;
    let file = open(path).map_err(|fault| io(&fault))?;
    let meta = file.metadata().map_err(|fault| io(&fault))?;
    regular(&meta)?;
    if meta.len() > limit as u64 {
        return Err(Unread::TooLarge(limit));
    }
    // Room for all of it at once: a vector that grows leaves copies of the secret behind.
    let mut read = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(limit).min(limit) + 1));
    file.take(limit as u64 + 1).read_to_end(&mut read).map_err(|fault| io(&fault))?;
    if read.len() > limit { Err(Unread::TooLarge(limit)) } else { Ok(read) }
}

/// A kubeconfig's bytes.
pub(super) fn read(file: &Path) -> Result<KubeBytes, Fault> {
    let unread = |why: Unread| fault::unreadable(file, &why.en(), &why.zh());
    let bytes = bytes(file, LARGEST).map_err(unread)?;
    let path = file.canonicalize().map_err(|why| unread(io(&why)))?;
    let sha256 = hex(&Sha256::digest(bytes.as_slice()));
    Ok(KubeBytes { path, bytes: SecretBytes::new(bytes.as_slice()), sha256 })
}

/// How a text is put into bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Utf8,
    Utf8Marked,
    Utf16Le,
    Utf16Be,
}

/// The text of bytes: UTF-8, with or without a mark, or UTF-16 with one. Half a character is refused.
pub(super) fn decode(bytes: &[u8]) -> Result<(Zeroizing<String>, Encoding), (&'static str, &'static str)> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        if !rest.len().is_multiple_of(2) {
            return Err(("it is UTF-16 with half a character at its end", "它是 UTF-16 编码，末尾有半个字符"));
        }
        let units = rest.chunks_exact(2).map(|pair| unit([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
        char::decode_utf16(units)
            .collect::<Result<String, _>>()
            .map(Zeroizing::new)
            .map_err(|_| ("it is UTF-16 with a broken character", "它是 UTF-16 编码，包含损坏的字符"))
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => Ok((wide(rest, u16::from_le_bytes)?, Encoding::Utf16Le)),
        [0xfe, 0xff, rest @ ..] => Ok((wide(rest, u16::from_be_bytes)?, Encoding::Utf16Be)),
        _ => {
            let (rest, encoding) = match bytes {
                [0xef, 0xbb, 0xbf, rest @ ..] => (rest, Encoding::Utf8Marked),
                _ => (bytes, Encoding::Utf8),
            };
            let text = std::str::from_utf8(rest).map_err(|_| ("it is no UTF-8 text", "它不是 UTF-8 文本"))?;
            Ok((Zeroizing::new(text.to_owned()), encoding))
        }
    }
}

/// The bytes of a text, as [`decode`] reads them.
pub(super) fn encode(text: &str, encoding: Encoding) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() * 2 + 3));
    match encoding {
        Encoding::Utf8 => {}
        Encoding::Utf8Marked => bytes.extend([0xef, 0xbb, 0xbf]),
        Encoding::Utf16Le => {
            bytes.extend([0xff, 0xfe]);
            text.encode_utf16().for_each(|unit| bytes.extend(unit.to_le_bytes()));
            return bytes;
        }
        Encoding::Utf16Be => {
            bytes.extend([0xfe, 0xff]);
            text.encode_utf16().for_each(|unit| bytes.extend(unit.to_be_bytes()));
            return bytes;
        }
    }
    bytes.extend(text.as_bytes());
    bytes
}

/// Several kubeconfigs as one, in their order.
#[derive(Debug)]
pub(super) struct List {
    pub(super) documents: Vec<Document>,
    pub(super) files: Vec<KubeFile>,
    pub(super) digest: String,
}

impl List {
    /// The files in words.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.files.iter().map(|file| file.path.as_str()).collect();
        if names.is_empty() { "the kubeconfig".into() } else { names.join(", ") }
    }
}

/// Reads what a person named.
pub(super) fn load(source: &KubeSource) -> Result<List, Fault> {
    let (paths, may_be_absent) = match source {
        KubeSource::Files(paths) => (paths, false),
        KubeSource::Usual(paths) => (paths, true),
        KubeSource::Text(text) => return pasted(text),
    };
    let mut sum = Sha256::new();
    let mut list = List { documents: Vec::new(), files: Vec::new(), digest: String::new() };
    for path in paths {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if may_be_absent && std::fs::metadata(&path).is_err_and(|fault| fault.kind() == std::io::ErrorKind::NotFound) {
            continue;
        }
        let read = read(&path)?;
        sum.update((read.bytes.expose().len() as u64).to_be_bytes());
        sum.update(read.bytes.expose());
        list.files.push(KubeFile {
            path: path.display().to_string(),
            target: is_link(&path).then(|| read.path.display().to_string()),
            bytes: read.bytes.expose().len() as u64,
        });
        list.documents.push(document::of_file(&path, &read)?);
    }
    if list.documents.is_empty() {
        let looked = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        return Err(fault::unreadable(Path::new(&looked), "there is no such file", "没有该文件"));
    }
    list.digest = hex(&sum.finalize());
    Ok(list)
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink())
}

fn pasted(text: &SecretBytes) -> Result<List, Fault> {
    if text.expose().len() > LARGEST {
        return Err(fault::not_one("", 0, "it is larger than 4 MiB", "超过 4 MiB"));
    }
    let digest = hex(&Sha256::digest(text.expose()));
    Ok(List { documents: vec![document::of_text(text)?], files: Vec::new(), digest })
}

/// A path of a kubeconfig, from the folder that the file is in. None for a relative one in pasted text.
pub(super) fn resolve(named: &str, base: Option<&Path>) -> Option<PathBuf> {
    let path = Path::new(named);
    if path.is_absolute() { Some(path.to_owned()) } else { base.map(|base| base.join(path)) }
}
