//! Frames that peers send, good and hostile, on a clock that tests stop.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::advance;

use super::*;

/// Our side of a link, and the peer's bytes.
async fn link() -> (Speaker, Listener, DuplexStream) {
    let (ours, theirs) = duplex(64 * 1024 * 1024);
    let (speaker, listener) = halves(Box::new(ours), Bytes::new()).await;
    (speaker, listener, theirs)
}

/// The next frame that we sent: opcode and payload, unmasked.
async fn sent(peer: &mut DuplexStream) -> (u8, Vec<u8>) {
    let mut head = [0; 2];
    peer.read_exact(&mut head).await.unwrap();
    assert_ne!(head[1] & 0x80, 0, "a client masks");
    let length = match head[1] & 0x7f {
        126 => usize::from(peer.read_u16().await.unwrap()),
        127 => usize::try_from(peer.read_u64().await.unwrap()).unwrap(),
        short => usize::from(short),
    };
    let mut mask = [0; 4];
    peer.read_exact(&mut mask).await.unwrap();
    let mut payload = vec![0; length];
    peer.read_exact(&mut payload).await.unwrap();
    for (nth, byte) in payload.iter_mut().enumerate() {
        *byte ^= mask[nth % 4];
    }
    (head[0] & 0x0f, payload)
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(u8::try_from(short).unwrap()),
        middle @ 126..65_536 => {
            out.push(126);
            out.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out
}

#[tokio::test]
async fn messages_pass_in_both_directions_and_pings_are_answered() {
    let (mut speaker, mut listener, mut peer) = link().await;
    speaker.send(br#"{"id":1}"#).await.unwrap();
    assert_eq!(sent(&mut peer).await, (1, br#"{"id":1}"#.to_vec()));
    peer.write_all(&frame(0x89, b"are you there")).await.unwrap();
    peer.write_all(&frame(0x81, b"one")).await.unwrap();
    peer.write_all(&frame(0x82, b"two")).await.unwrap();
    peer.write_all(&[&frame(0x01, b"th")[..], &frame(0x80, b"ree")].concat()).await.unwrap();
    for expected in ["one", "two", "three"] {
        assert_eq!(listener.next().await.unwrap(), Piece::Text(Bytes::from(expected)));
    }
    assert_eq!(sent(&mut peer).await, (10, b"are you there".to_vec()), "a pong");
    speaker.close().await;
    assert_eq!(sent(&mut peer).await, (8, vec![0x03, 0xe8]), "a goodbye with 1000");
}

#[tokio::test]
async fn frames_that_break_the_rules_end_the_link_with_the_right_code() {
    let mut oversized = vec![0x81, 127];
    oversized.extend_from_slice(&(16 * 1024 * 1024 + 1_u64).to_be_bytes());
    oversized.extend_from_slice(&[b'x'; 1000]);
    let mebi = vec![b'x'; 1 << 20];
    let endless: Vec<u8> = std::iter::once(frame(0x01, &mebi)).chain(std::iter::repeat_n(frame(0x00, &mebi), 17)).flatten().collect();
    let mut masked = vec![0x81, 0x80 | 2, 1, 2, 3, 4];
    masked.extend_from_slice(&[b'h' ^ 1, b'i' ^ 2]);
    for (bytes, code, close) in [
        (oversized, "message_too_large", 1009_u16),
        (endless, "message_too_large", 1009),
        (frame(0x81, b"\xff\xfe"), "invalid_utf8", 1007),
        (masked, "protocol_violation", 1002),
        (frame(0xf1, b"reserved bits"), "protocol_violation", 1002),
        (frame(0x83, b"reserved opcode"), "protocol_violation", 1002),
        (frame(0x80, b"continues nothing"), "protocol_violation", 1002),
        (frame(0x09, b"a cut ping"), "protocol_violation", 1002),
        (frame(0x89, &[b'x'; 126]), "protocol_violation", 1002),
    ] {
        let (_speaker, mut listener, mut peer) = link().await;
        peer.write_all(&bytes).await.unwrap();
        let shown = &bytes[..bytes.len().min(12)];
        match listener.next().await {
            Ok(Piece::Broken { fault, .. }) => assert_eq!(fault.code(), code, "{shown:?}"),
            other => panic!("{shown:?} gave {other:?}"),
        }
        assert_eq!(listener.next().await.unwrap_err().code(), code, "{shown:?}: the link is over");
        let (opcode, payload) = sent(&mut peer).await;
        assert_eq!((opcode, payload), (8, close.to_be_bytes().to_vec()), "{shown:?}: the peer is told");
    }
}

#[tokio::test]
async fn the_end_is_told_in_the_peers_words() {
    for (bytes, part) in [
        (frame(0x88, &[&1001_u16.to_be_bytes()[..], b"going away"].concat()), "(1001): going away"),
        (frame(0x88, &1012_u16.to_be_bytes()), "(1012)"),
        (frame(0x88, b""), "closed"),
        (Vec::new(), "without a word"),
        (vec![0x81, 5, b'h'], "without a word"),
    ] {
        let (_speaker, mut listener, mut peer) = link().await;
        peer.write_all(&bytes).await.unwrap();
        drop(peer);
        let fault = listener.next().await.unwrap_err();
        assert!(matches!(fault, ServerFault::ConnectionLost { .. }) && fault.to_string().contains(part), "{bytes:?} gave {fault:?}");
    }
    let (_speaker, mut listener, mut peer) = link().await;
    peer.write_all(&frame(0x88, &[3])).await.unwrap();
    assert!(listener.next().await.is_ok_and(|piece| matches!(piece, Piece::Broken { .. })), "a close code of one byte is no close code");
}

#[tokio::test]
async fn a_flood_of_pings_does_not_keep_a_message_from_coming() {
    let (_speaker, mut listener, mut peer) = link().await;
    let flood: Vec<u8> = frame(0x89, b"").repeat(10_000);
    peer.write_all(&flood).await.unwrap();
    peer.write_all(&frame(0x81, b"after all")).await.unwrap();
    assert_eq!(listener.next().await.unwrap(), Piece::Text(Bytes::from_static(b"after all")));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_ping_is_gone_after_two() {
    let (_speaker, mut listener, mut peer) = link().await;
    let began = Instant::now();
    let fault = listener.next().await.unwrap_err();
    assert!(matches!(fault, ServerFault::ConnectionLost { .. }), "{fault:?}");
    assert_eq!(began.elapsed(), BEAT * 3);
    for _ in 0..2 {
        assert_eq!(sent(&mut peer).await.0, 9, "it was asked");
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_its_pings_stays() {
    let (_speaker, mut listener, mut peer) = link().await;
    let answering = async {
        for _ in 0..20 {
            assert_eq!(sent(&mut peer).await.0, 9);
            peer.write_all(&frame(0x8a, b"")).await.unwrap();
        }
        peer.write_all(&frame(0x81, b"still here")).await.unwrap();
    };
    let (message, ()) = tokio::join!(listener.next(), answering);
    assert_eq!(message.unwrap(), Piece::Text(Bytes::from_static(b"still here")));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_dropped_and_asked_again_loses_nothing() {
    let (_speaker, mut listener, mut peer) = link().await;
    for _ in 0..50 {
        let _ = tokio::time::timeout(Duration::from_millis(10), listener.next()).await;
    }
    peer.write_all(&frame(0x01, b"ha")).await.unwrap();
    let _ = tokio::time::timeout(Duration::from_millis(10), listener.next()).await;
    peer.write_all(&frame(0x80, b"lf")).await.unwrap();
    assert_eq!(listener.next().await.unwrap(), Piece::Text(Bytes::from_static(b"half")));
    advance(Duration::from_millis(1)).await;
}
