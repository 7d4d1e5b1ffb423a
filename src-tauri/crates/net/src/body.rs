//! A body's bytes, decompressed and counted.
//!
//! **Invariant:** a limit counts what comes *out* of the decompressor, and a bomb is noticed by its ratio long before its end.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use bytes::{Bytes, BytesMut};
use domain::fault::ServerFault;
use futures::{Stream, StreamExt as _};
use tokio::io::AsyncRead;
use tokio_util::io::{ReaderStream, StreamReader};

/// Limit for one message, line, event or body: 16 MiB.
pub const MESSAGE_LIMIT: usize = 16 * 1024 * 1024;
/// From here on a body may not be larger than [`RATIO`] times what came over the wire.
const RATIO_FROM: u64 = 1024 * 1024;
const RATIO: u64 = 100;

/// The pieces of a body, decompressed.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, ServerFault>> + Send>>;

/// How a body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// Reads `Content-Encoding`. Two codings on top of one another have no honest use here.
    pub(crate) fn of(headers: &http::HeaderMap) -> Result<Self, ServerFault> {
        let mut found = Self::Identity;
        for value in headers.get_all(http::header::CONTENT_ENCODING) {
            for name in String::from_utf8_lossy(value.as_bytes()).split(',') {
                let coding = match name.trim().to_ascii_lowercase().as_str() {
                    "" | "identity" => continue,
                    "gzip" | "x-gzip" => Self::Gzip,
                    "deflate" => Self::Deflate,
                    "br" => Self::Brotli,
                    "zstd" => Self::Zstd,
                    other => {
                        let other: String = other.chars().filter(|c| !c.is_control()).take(40).collect();
                        return Err(ServerFault::ProtocolViolation {
                            rule: format!("the body is coded as {other}, which nobody asked for"),
                        });
                    }
                };
                if found != Self::Identity {
                    return Err(ServerFault::ProtocolViolation { rule: "the body is compressed twice".to_owned() });
                }
                found = coding;
            }
        }
        Ok(found)
    }
}

/// Decompresses a body as it comes and ends it with [`ServerFault::DecompressionLimit`] when it swells.
pub(crate) fn decoded(raw: BodyStream, coding: Coding) -> BodyStream {
    if coding == Coding::Identity {
        return raw;
    }
    let wire = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&wire);
    let reader = StreamReader::new(raw.map(move |piece| {
        let piece = piece.map_err(io::Error::other)?;
        counter.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Ok::<_, io::Error>(piece)
    }));
    let plain: Pin<Box<dyn AsyncRead + Send>> = match coding {
        Coding::Gzip => {
            let mut decoder = GzipDecoder::new(reader);
            decoder.multiple_members(true);
            Box::pin(decoder)
        }
        Coding::Deflate => Box::pin(ZlibDecoder::new(reader)),
        Coding::Brotli => Box::pin(BrotliDecoder::new(reader)),
        Coding::Zstd => Box::pin(ZstdDecoder::new(reader)),
        Coding::Identity => Box::pin(reader),
    };
    let mut out: u64 = 0;
    let pieces = ReaderStream::with_capacity(plain, 16 * 1024).map(move |piece| match piece {
        Ok(piece) => {
            out += piece.len() as u64;
            let allowed = wire.load(Ordering::Relaxed).saturating_mul(RATIO).max(RATIO_FROM);
            if out > allowed {
                return Err(ServerFault::DecompressionLimit { limit: usize::try_from(allowed).unwrap_or(usize::MAX) });
            }
            Ok(piece)
        }
        Err(fault) => Err(match fault.get_ref().and_then(|inner| inner.downcast_ref::<ServerFault>()) {
            Some(inner) => inner.clone(),
            None => ServerFault::ProtocolViolation { rule: format!("the body is not valid {coding:?} data: {fault}") },
        }),
    });
    // A fault ends the stream: what a broken decompressor says next means nothing.
    Box::pin(pieces.scan(false, |failed, piece| {
        let go_on = !*failed;
        *failed = piece.is_err();
        futures::future::ready(go_on.then_some(piece))
    }))
}

/// Collects a body up to `limit` bytes, decompressed. `compressed` decides which limit the fault names.
pub(crate) async fn collected(mut body: BodyStream, limit: usize, compressed: bool) -> Result<Bytes, ServerFault> {
    let over = || if compressed { ServerFault::DecompressionLimit { limit } } else { ServerFault::MessageTooLarge { limit } };
    // Most bodies come in one piece, which is then not copied.
    let first = body.next().await.transpose()?.unwrap_or_default();
    if first.len() > limit {
        return Err(over());
    }
    let Some(second) = body.next().await.transpose()? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut next = Some(second);
    while let Some(piece) = next {
        if whole.len() + piece.len() > limit {
            return Err(over());
        }
        whole.extend_from_slice(&piece);
        next = body.next().await.transpose()?;
    }
    Ok(whole.freeze())
}

/// At most `limit` bytes of a body; the rest is not read.
pub(crate) async fn beginning(mut body: BodyStream, limit: usize) -> Bytes {
    let mut whole = BytesMut::new();
    while let Some(Ok(piece)) = body.next().await {
        let room = limit.saturating_sub(whole.len());
        whole.extend_from_slice(piece.get(..room.min(piece.len())).unwrap_or_default());
        if whole.len() >= limit {
            break;
        }
    }
    whole.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_compression::tokio::bufread::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
    use tokio::io::AsyncReadExt as _;

    async fn packed(coding: Coding, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            Coding::Identity => out.extend_from_slice(plain),
            Coding::Gzip => drop(GzipEncoder::new(plain).read_to_end(&mut out).await.unwrap()),
            Coding::Deflate => drop(ZlibEncoder::new(plain).read_to_end(&mut out).await.unwrap()),
            Coding::Brotli => drop(BrotliEncoder::new(plain).read_to_end(&mut out).await.unwrap()),
            Coding::Zstd => drop(ZstdEncoder::new(plain).read_to_end(&mut out).await.unwrap()),
        }
        out
    }

    fn stream(bytes: &[u8]) -> BodyStream {
        let pieces: Vec<_> = bytes.chunks(700).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Box::pin(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn every_coding_comes_out_as_it_went_in() {
        let plain: Vec<u8> = (0..2_000u32).flat_map(u32::to_le_bytes).collect();
        for coding in [Coding::Identity, Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let body = decoded(stream(&packed(coding, &plain).await), coding);
            assert_eq!(collected(body, MESSAGE_LIMIT, true).await.unwrap(), plain, "{coding:?}");
        }
    }

    #[tokio::test]
    async fn a_bomb_is_noticed_by_its_ratio() {
        let plain = vec![0u8; 3 * 1024 * 1024];
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd] {
            let body = decoded(stream(&packed(coding, &plain).await), coding);
            match collected(body, MESSAGE_LIMIT, true).await {
                Err(ServerFault::DecompressionLimit { limit }) => {
                    assert!(limit < MESSAGE_LIMIT, "{coding:?} was stopped early, at {limit}");
                }
                other => panic!("{coding:?} gave {:?}", other.map(|bytes| bytes.len())),
            }
        }
    }

    #[tokio::test]
    async fn a_wrong_label_and_a_cut_body_are_violations() {
        let cut = {
            let mut bytes = packed(Coding::Gzip, b"hello hello hello hello").await;
            bytes.truncate(12);
            bytes
        };
        for bytes in [b"<html>plain</html>".to_vec(), cut] {
            let found = collected(decoded(stream(&bytes), Coding::Gzip), MESSAGE_LIMIT, true).await;
            assert!(matches!(found, Err(ServerFault::ProtocolViolation { .. })), "{found:?}");
        }
    }

    #[test]
    fn codings_that_nobody_asked_for_are_refused() {
        let of = |text: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("content-encoding", text.parse().unwrap());
            Coding::of(&headers)
        };
        assert_eq!(of("GZIP"), Ok(Coding::Gzip));
        assert_eq!(of("identity"), Ok(Coding::Identity));
        for bad in ["gzip, gzip", "br, gzip", "compress", "exi"] {
            assert!(matches!(of(bad), Err(ServerFault::ProtocolViolation { .. })), "{bad}");
        }
    }

    #[tokio::test]
    async fn limits_count_what_comes_out() {
        assert_eq!(collected(stream(&[1; 2000]), 1999, false).await, Err(ServerFault::MessageTooLarge { limit: 1999 }));
        assert_eq!(collected(stream(&[1; 2000]), 2000, false).await.unwrap().len(), 2000);
        assert_eq!(beginning(stream(&[1; 2000]), 10).await.len(), 10);
    }
}
