//! The cases: one row each.

use serde_json::json;

use super::End::{Either, Fault, Fine, Listed, NoConnect, NoList};
use super::Transport::{Http, Rest, Sse, Stdio, Ws};
use super::When::{Accept, Call, Handshake, List};
use super::messages::{changed, noise, response, result, say, socket_frame, structured, text_bytes, with_tools};
use super::{Case, Deed, SECRET, Transport, good};

const ALL: &[Transport] = &[Stdio, Http, Sse, Ws, Rest];
const RPC: &[Transport] = &[Stdio, Http, Sse, Ws];
const NOT_WS: &[Transport] = &[Stdio, Http, Sse, Rest];
const LINES: &[Transport] = &[Stdio, Sse, Ws];
const WEB: &[Transport] = &[Http, Sse, Rest];
const NET: &[Transport] = &[Http, Sse, Ws, Rest];

/// What a peer that talks nonsense is reported as.
const NONSENSE: &[&str] = &[
    "invalid_utf8",
    "invalid_json",
    "protocol_violation",
    "server_exited",
    "connection_lost",
    "result_lost",
    "unreachable",
    "message_too_large",
    "http_status",
];
/// What a peer that breaks a rule inside a well-formed message is reported as.
const BROKEN: &[&str] = &["protocol_violation"];
const TOO_LARGE: &[&str] = &["message_too_large", "decompression_limit"];

/// What the end of a program during a call is reported as: the request was read, so it may have been carried out.
const ENDED: &[&str] = &["server_exited", "result_lost"];

const LATE: &[&str] = &["timeout"];

macro_rules! case {
    ($id:literal, $about:literal, $when:expr, $over:expr, $end:expr, $survives:expr, $deed:expr) => {
        Case { id: $id, about: $about, when: $when, over: $over, deed: $deed, end: $end, survives: $survives }
    };
}

/// The case of that id.
pub fn find(id: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.id == id)
}

/// Every case.
pub const CASES: &[Case] = &[
    // Framing and JSON-RPC
    case!("C-01", "random bytes without a line end, then the end", Call, ALL, Fault(NONSENSE), false, |_| vec![
        Deed::Wire(noise(1 << 20)),
        Deed::End(0)
    ]),
    case!("C-02", "a message over the limit", Call, NOT_WS, Fault(TOO_LARGE), true, |asked| vec![say(text_bytes(
        asked,
        &vec![b'x'; 17 << 20]
    ))]),
    case!(
        "C-02c",
        "a message over the limit, where such a message ends the connection",
        Call,
        &[Ws],
        Fault(TOO_LARGE),
        false,
        |asked| vec![say(text_bytes(asked, &vec![b'x'; 17 << 20]))]
    ),
    case!("C-02b", "a line over the limit that never ends", Call, &[Stdio], Fault(TOO_LARGE), true, |_| vec![
        Deed::Flood(vec![b'x'; 1 << 20], 20),
        Deed::Pause(200),
        Deed::Wire(b"\n".to_vec()),
    ]),
    case!("C-03", "noise between messages", Call, &[Stdio], Fine, true, |_| vec![
        Deed::Wire(b"\xef\xbb\xbf\x1b[31mStarting up\x1b[0m\r\n\nnpm warn deprecated\n".to_vec()),
        Deed::Many(1500, |nth| format!("noise {nth}")),
        Deed::Answer,
    ]),
    case!("C-03b", "comments, unknown events and blank lines in a stream", Call, &[Http, Sse], Fine, true, |_| vec![
        Deed::Stream,
        Deed::Wire(b": hello\n\n\n\nevent: nobody-knows\ndata: {}\n\nid: 7\n\n:\n".to_vec()),
        Deed::Answer,
    ]),
    case!("C-04", "invalid UTF-8 inside a string", Call, NOT_WS, Fault(&["invalid_utf8"]), true, |asked| vec![say(text_bytes(
        asked,
        b"a\xff\xfeb"
    ))]),
    case!("C-04c", "invalid UTF-8, where a text must not hold it", Call, &[Ws], Fault(&["invalid_utf8"]), false, |asked| vec![say(
        text_bytes(asked, b"a\xff\xfeb")
    )]),
    case!("C-04b", "a lone surrogate", Call, ALL, Fault(&["invalid_json"]), true, |asked| vec![say(text_bytes(asked, br"a\ud800b"))]),
    case!("C-05", "JSON that is 100 000 deep", Call, ALL, Fault(&["invalid_json"]), true, |asked| vec![say(structured(
        asked,
        &format!("{}{}", "[".repeat(100_000), "]".repeat(100_000))
    ))]),
    case!("C-05b", "an array of a million", Call, ALL, Either(&["resource_limit", "message_too_large"]), true, |asked| vec![say(
        structured(asked, &format!("{{\"a\":[{}1]}}", "1,".repeat(1_000_000)))
    )]),
    case!("C-05c", "a number beyond every range", Call, ALL, Fault(&["invalid_json"]), true, |asked| vec![say(structured(
        asked,
        r#"{"n":1e999999}"#
    ))]),
    case!("C-05d", "a number of ten million digits", Call, ALL, Fault(&["invalid_json", "resource_limit"]), true, |asked| vec![say(
        structured(asked, &format!("{{\"n\":{}}}", "9".repeat(10_000_000)))
    )]),
    case!("C-05e", "an object of a hundred thousand keys", Call, ALL, Either(&["resource_limit"]), true, |asked| vec![say(structured(
        asked,
        &format!("{{{}}}", (0..100_000).map(|nth| format!("\"k{nth}\":0")).collect::<Vec<_>>().join(","))
    ))]),
    case!("C-06", "the id twice", Call, RPC, Fault(BROKEN), true, |asked| vec![say(changed(
        asked,
        "\"jsonrpc\"",
        "\"id\":424242,\"jsonrpc\""
    ))]),
    case!("C-06b", "keys in the wrong case only", Call, RPC, Fault(BROKEN), true, |asked| vec![say(changed(
        asked,
        "\"result\"",
        "\"Result\""
    ))]),
    case!("C-07", "both a result and an error", Call, RPC, Fault(BROKEN), true, |asked| vec![say(changed(
        asked,
        "\"result\"",
        "\"error\":{\"code\":1,\"message\":\"both\"},\"result\""
    ))]),
    case!("C-07b", "neither a result nor an error", Call, RPC, Fault(BROKEN), true, |asked| vec![say(
        json!({ "jsonrpc": "2.0", "id": asked.id }).to_string()
    )]),
    case!("C-07c", "JSON-RPC 1.0", Call, RPC, Fault(BROKEN), true, |asked| vec![say(changed(asked, "\"2.0\"", "\"1.0\""))]),
    case!("C-07d", "an error that is a string", Call, RPC, Fault(BROKEN), true, |asked| vec![say(
        json!({ "jsonrpc": "2.0", "id": asked.id, "error": "no" }).to_string()
    )]),
    case!("C-07e", "an error whose code is a string", Call, RPC, Fault(BROKEN), true, |asked| vec![say(
        json!({ "jsonrpc": "2.0", "id": asked.id, "error": { "code": "x", "message": "m" } }).to_string()
    )]),
    // Odd, and still a result: it is shown as what it is.
    case!("C-07f", "a result that is a number", Call, RPC, Fine, true, |asked| vec![result(asked, &json!(7))]),
    case!("C-08", "answers to ids that were never used", Call, LINES, Fault(LATE), true, |asked| vec![
        say(changed(asked, &format!("\"id\":{}", asked.id), "\"id\":1.5")),
        say(changed(asked, &format!("\"id\":{}", asked.id), "\"id\":{}")),
        say(changed(asked, &format!("\"id\":{}", asked.id), "\"id\":9223372036854775808")),
        say(changed(asked, &format!("\"id\":{}", asked.id), "\"id\":null")),
    ]),
    case!("C-09", "a reply to an unknown id first, then the right one twice", Call, LINES, Fine, true, |asked| vec![
        say(changed(asked, &format!("\"id\":{}", asked.id), "\"id\":777777")),
        Deed::Answer,
        say(changed(asked, "bitten", "bitten twice")),
    ]),
    case!("C-09b", "two thousand replies that nobody asked for", Call, LINES, Either(LOST_OR_BROKEN), false, |_| vec![
        Deed::Many(2000, |nth| json!({ "jsonrpc": "2.0", "id": 1_000_000 + nth, "result": {} }).to_string()),
        Deed::Answer,
    ]),
    case!("C-10", "the answer inside a batch", Call, RPC, Fault(BROKEN), true, |asked| vec![say(format!(
        "[{}]",
        good(asked).unwrap_or_default()
    ))]),
    case!("C-11", "requests that were never offered, two thousand of them", Call, LINES, Fine, true, |_| vec![
        Deed::Many(2000, |nth| {
            let method = ["sampling/createMessage", "roots/list", "elicitation/create", "made/up"][nth as usize % 4];
            json!({ "jsonrpc": "2.0", "id": format!("s{nth}"), "method": method, "params": {} }).to_string()
        }),
        Deed::Answer,
    ]),
    case!("C-12", "twenty thousand notifications", Call, &[Stdio, Http, Sse, Ws], Fine, true, |_| vec![
        Deed::Many(20_000, |nth| match nth % 3 {
            0 => json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" }).to_string(),
            1 =>
                json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": { "level": "info", "data": format!("line {nth}") } })
                    .to_string(),
            _ => json!({ "jsonrpc": "2.0", "method": "notifications/made/up", "params": {} }).to_string(),
        }),
        Deed::Answer,
    ]),
    case!("C-13", "progress that never rises", Call, RPC, Fault(LATE), true, |asked| {
        let token = asked.params["_meta"]["progressToken"].clone();
        let mut deeds = Vec::new();
        for progress in [5, 5, 4, 3] {
            let params = json!({ "progressToken": token, "progress": progress, "total": 10 });
            deeds.push(say(json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params }).to_string()));
            deeds.push(Deed::Pause(400));
        }
        deeds.push(say(
            json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": { "progressToken": "made up", "progress": 99 } })
                .to_string(),
        ));
        if asked.transport == Http {
            deeds.push(Deed::Silence);
        }
        deeds
    }),
    case!("C-14", "a text frame that is no UTF-8", Call, &[Ws], Fault(NONSENSE), false, |_| vec![Deed::Wire(socket_frame(
        0x81,
        b"\xff\xfe\xfd",
        false
    ))]),
    case!("C-14b", "continuation frames without an end", Call, &[Ws], Fault(TOO_LARGE), false, |_| vec![
        Deed::Wire(socket_frame(0x01, b"{", false)),
        Deed::Flood(socket_frame(0x00, &vec![b' '; 1 << 20], false), 20),
        Deed::Silence,
    ]),
    case!("C-14c", "a masked frame from a server", Call, &[Ws], Fault(&["protocol_violation"]), false, |asked| vec![Deed::Wire(
        socket_frame(0x81, good(asked).unwrap_or_default().as_bytes(), true)
    )]),
    case!("C-14d", "a close frame with a code that does not exist", Call, &[Ws], Fault(NONSENSE), false, |_| vec![
        Deed::Wire(socket_frame(0x88, &[0, 1], false)),
        Deed::End(0)
    ]),
    case!("C-14e", "a hundred thousand pings", Call, &[Ws], Fine, true, |_| vec![
        Deed::Flood(socket_frame(0x89, b"p", false), 100_000),
        Deed::Answer
    ]),
    case!("C-14f", "reserved bits set", Call, &[Ws], Fault(NONSENSE), false, |_| vec![Deed::Wire(socket_frame(0xf1, b"{}", false))]),
    case!("C-14g", "a control frame of 200 bytes", Call, &[Ws], Fault(NONSENSE), false, |_| vec![Deed::Wire(socket_frame(
        0x89,
        &[b'p'; 200],
        false
    ))]),
    case!("C-15", "accepts, and never says a word", Accept, ALL, NoConnect(LATE), false, |_| vec![Deed::Silence]),
    case!("C-15b", "shakes no hand", Handshake, RPC, NoConnect(LATE), false, |_| vec![Deed::Silence]),
    case!("C-15c", "hangs up at the handshake", Handshake, RPC, NoConnect(NONSENSE), false, |_| vec![Deed::End(0)]),
    case!("C-16", "a cursor that leads back to itself", List, RPC, Listed, true, |asked| vec![result(
        asked,
        &json!({ "tools": super::tools(), "nextCursor": "again" })
    )]),
    case!("C-16b", "pages that never end", List, RPC, Listed, true, |asked| {
        let page = asked.params["cursor"].as_str().and_then(|cursor| cursor.parse::<u64>().ok()).unwrap_or(0);
        let mine = json!({ "name": format!("page-{page}"), "inputSchema": { "type": "object" } });
        let tools = if page == 0 { super::tools() } else { json!([mine]) };
        vec![result(asked, &json!({ "tools": tools, "nextCursor": (page + 1).to_string() }))]
    }),
    case!("C-16c", "five thousand tools", List, ALL, Listed, true, |asked| vec![with_tools_behind(asked, 5000)]),
    // Processes
    case!("C-18", "ends at once with 1", Accept, &[Stdio], NoConnect(&["server_exited", "spawn_failed"]), false, |_| vec![
        Deed::Stderr(b"the licence file is missing\n".to_vec(), 1),
        Deed::End(1)
    ]),
    case!("C-18b", "ends at once with 0", Accept, &[Stdio], NoConnect(&["server_exited", "spawn_failed"]), false, |_| vec![Deed::End(0)]),
    case!("C-18c", "ends by a signal during a call", Call, &[Stdio], Fault(ENDED), false, |_| vec![Deed::Abort]),
    case!("C-18d", "ends in the middle of a message", Call, &[Stdio], Fault(ENDED), false, |asked| {
        let text = good(asked).unwrap_or_default();
        vec![Deed::Wire(text.as_bytes()[..text.len() / 2].to_vec()), Deed::End(3)]
    }),
    case!("C-20", "64 MB on stderr", Call, &[Stdio], Fine, true, |_| vec![
        Deed::Stderr(b"a line of complaint, one of many\n".repeat(1 << 15), 64),
        Deed::Answer
    ]),
    case!("C-20b", "8 MB on stderr without a line end", Call, &[Stdio], Fine, true, |_| vec![
        Deed::Stderr(vec![b'e'; 1 << 20], 8),
        Deed::Answer
    ]),
    case!("C-21", "children that want to outlive it", Call, &[Stdio], Fine, true, |_| vec![Deed::Breed, Deed::Answer]),
    case!("C-24", "stops itself", Call, &[Stdio], Fault(LATE), false, |_| vec![Deed::Stop]),
    case!("C-24b", "one byte at a time", Call, &[Stdio], Fault(LATE), false, |asked| {
        good(asked)
            .unwrap_or_default()
            .bytes()
            .take(10)
            .flat_map(|byte| [Deed::Wire(vec![byte]), Deed::Pause(300)])
            .chain([Deed::Wire(b"\n".to_vec())])
            .collect()
    }),
    // HTTP, SSE, streaming
    case!("C-25", "headers one byte at a time", Call, &[Http, Rest], Fault(LATE), true, |_| {
        b"HTTP/1.1 200 OK\r\n".iter().flat_map(|byte| [Deed::Wire(vec![*byte]), Deed::Pause(300)]).chain([Deed::Silence]).collect()
    }),
    case!("C-25b", "a header block of a megabyte", Call, &[Http, Rest], Fault(NONSENSE_OR_LIMIT), true, |_| vec![
        Deed::Wire(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Deed::Flood(format!("x-filler: {}\r\n", "y".repeat(1000)).into_bytes(), 1000),
        Deed::End(0),
    ]),
    case!("C-25c", "ten thousand headers", Call, &[Http, Rest], Fault(NONSENSE_OR_LIMIT), true, |_| vec![
        Deed::Wire(b"HTTP/1.1 200 OK\r\n".to_vec()),
        Deed::Flood(b"x: y\r\n".to_vec(), 10_000),
        Deed::Wire(b"content-length: 0\r\n\r\n".to_vec()),
        Deed::Pause(200),
        Deed::End(0),
    ]),
    case!("C-25d", "a body that stops in the middle", Call, &[Http, Rest], Fault(LATE), true, |_| vec![
        Deed::Wire(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{".to_vec()),
        Deed::Silence,
    ]),
    case!(
        "C-27",
        "a stream line without an end",
        Call,
        &[Http, Sse],
        Fault(&["message_too_large", "connection_lost", "result_lost"]),
        false,
        |_| vec![Deed::Stream, Deed::Wire(b"data: ".to_vec()), Deed::Flood(vec![b'x'; 1 << 20], 20), Deed::Silence,]
    ),
    case!(
        "C-27b",
        "data lines without a blank one",
        Call,
        &[Http, Sse],
        Fault(&["message_too_large", "connection_lost", "result_lost"]),
        false,
        |_| vec![Deed::Stream, Deed::Flood(format!("data: {}\n", "x".repeat(1 << 16)).into_bytes(), 320), Deed::Silence,]
    ),
    case!("C-27c", "comments for ever", Call, &[Http], Fault(LATE), true, |_| {
        std::iter::once(Deed::Stream)
            .chain((0..20).flat_map(|_| [Deed::Wire(b": still here\n\n".to_vec()), Deed::Pause(150)]))
            .chain([Deed::Silence])
            .collect()
    }),
    case!("C-27d", "odd retry values, NUL in an id, CR line ends", Call, &[Http, Sse], Fine, true, |_| vec![
        Deed::Stream,
        Deed::Wire(b"retry: 0\n\nretry: 1000000000000\n\nretry: soon\n\nid: a\0b\n\nevent: ping\rdata: {}\r\r".to_vec()),
        Deed::Answer,
    ]),
    case!("C-28", "ends the stream right after the handshake, each time", Accept, &[Sse], NoConnect(NONSENSE_OR_LATE), false, |_| vec![
        Deed::Stream,
        Deed::Wire(b"event: endpoint\ndata: /messages\n\n".to_vec()),
        Deed::End(0)
    ]),
    case!("C-29", "an endpoint at another origin", Accept, &[Sse], NoConnect(REFUSED), false, |asked| vec![
        Deed::Stream,
        Deed::Wire(format!("event: endpoint\ndata: {}\n\n", asked.canary).into_bytes()),
        Deed::Silence,
    ]),
    case!("C-29b", "an endpoint that is a script", Accept, &[Sse], NoConnect(REFUSED), false, |_| vec![
        Deed::Stream,
        Deed::Wire(b"event: endpoint\ndata: javascript:alert(1)\n\n".to_vec()),
        Deed::Silence
    ]),
    case!("C-29c", "an endpoint that only looks like a path", Accept, &[Sse], NoConnect(REFUSED), false, |_| vec![
        Deed::Stream,
        Deed::Wire(b"event: endpoint\ndata: //evil.test/messages\n\n".to_vec()),
        Deed::Silence
    ]),
    case!("C-31", "a login page", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![Deed::Wire(response(
        "200 OK",
        &[("content-type", "text/html")],
        b"<html><body><form>Please sign in</form></body></html>"
    ))]),
    case!("C-31b", "an empty 200", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![Deed::Wire(response(
        "200 OK",
        &[("content-type", "application/json")],
        b""
    ))]),
    case!("C-31c", "204", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![Deed::Wire(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec())]),
    case!("C-31d", "206 with a piece", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![Deed::Wire(response(
        "206 Partial Content",
        &[("content-type", "application/json"), ("content-range", "bytes 0-1/100")],
        b"{\""
    ))]),
    case!("C-31e", "chunks that are garbage", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![
        Deed::Wire(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\nnot a size\r\n".to_vec()),
        Deed::End(0),
    ]),
    case!("C-31f", "a length that is too long", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![
        Deed::Wire(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{}".to_vec()),
        Deed::End(0),
    ]),
    case!("C-31g", "a length that is too short", Call, &[Http, Rest], Fault(NONSENSE), true, |asked| {
        let body = good(asked).unwrap_or_default();
        let text = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: 10\r\n\r\n{body}");
        vec![Deed::Wire(text.into_bytes()), Deed::End(0)]
    }),
    case!("C-31h", "an answer that is no HTTP", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![
        Deed::Wire(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()),
        Deed::End(0)
    ]),
    case!("C-32", "schemas that point outside, loop, or never match", List, ALL, Listed, true, |asked| {
        let tool = |name: &str, schema: serde_json::Value| json!({ "name": name, "description": "", "inputSchema": schema });
        let any: Vec<_> = (0..10_000).map(|nth| json!({ "const": nth })).collect();
        vec![with_tools(
            asked,
            json!([
                tool("ref-http", json!({ "type": "object", "properties": { "a": { "$ref": asked.canary } } })),
                tool("ref-metadata", json!({ "type": "object", "properties": { "a": { "$ref": "http://169.254.169.254/latest" } } })),
                tool("ref-file", json!({ "type": "object", "properties": { "a": { "$ref": "file:///etc/passwd" } } })),
                tool("ref-loop", json!({ "type": "object", "properties": { "a": { "$ref": "#/properties/a" } } })),
                tool("any-of", json!({ "type": "object", "anyOf": any })),
                tool("redos", json!({ "type": "object", "properties": { "a": { "type": "string", "pattern": "^(a+)+$" } } })),
                tool("no-object", json!("a string")),
            ]),
        )]
    }),
    case!("C-33", "structured content that is not what was promised", Call, RPC, Either(&["result_invalid"]), true, |asked| vec![say(
        structured(asked, r#"{"count":"many"}"#)
    )]),
    case!("C-35", "a compressed body that swells", Call, &[Http, Rest], Fault(TOO_LARGE), true, |_| vec![Deed::Wire(response(
        "200 OK",
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
        &super::tcp::gzip_bomb(1 << 30)
    ))]),
    case!("C-35b", "a truncated gzip", Call, &[Http, Rest], Fault(NONSENSE), true, |_| vec![Deed::Wire(response(
        "200 OK",
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
        &super::tcp::gzip_bomb(1 << 16)[..40]
    ))]),
    case!("C-35c", "a body labelled with an encoding that it does not have", Call, &[Http, Rest], Fault(NONSENSE), true, |asked| vec![
        Deed::Wire(response(
            "200 OK",
            &[("content-type", "application/json"), ("content-encoding", "br")],
            good(asked).unwrap_or_default().as_bytes()
        ))
    ]),
    case!("C-36", "401 at every request", Accept, NET, NoConnect(&["auth_required", "auth_failed"]), false, |_| vec![Deed::Wire(
        response("401 Unauthorized", &[("www-authenticate", "Bearer realm=\"evil-canary-7c1f0b9a2d4e\"")], SECRET.as_bytes())
    )]),
    case!("C-36b", "403 at every request", Accept, NET, NoConnect(&["auth_failed", "auth_required"]), false, |_| vec![Deed::Wire(
        response("403 Forbidden", &[], SECRET.as_bytes())
    )]),
    case!(
        "C-36c",
        "a challenge of a megabyte",
        Accept,
        &[Http],
        NoConnect(&["auth_required", "auth_failed", "protocol_violation", "unreachable", "resource_limit"]),
        false,
        |_| vec![Deed::Wire(response("401 Unauthorized", &[("www-authenticate", &"x".repeat(1 << 20))], b"no"))]
    ),
    case!("C-36g", "a challenge of a megabyte, where there is no handshake", Accept, &[Rest], NoList, false, |_| vec![Deed::Wire(
        response("401 Unauthorized", &[("www-authenticate", &"x".repeat(1 << 20))], b"no")
    )]),
    case!("C-36d", "429 with an hour of centuries", Call, &[Http, Rest], Fault(&["rate_limited"]), true, |_| vec![Deed::Wire(response(
        "429 Too Many Requests",
        &[("retry-after", "1000000000")],
        b"slow down"
    ))]),
    case!("C-36e", "429 with a date long past", Call, &[Http, Rest], Fault(&["rate_limited"]), true, |_| vec![Deed::Wire(response(
        "429 Too Many Requests",
        &[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")],
        b"slow down"
    ))]),
    case!("C-36f", "says the credentials back, wherever it can", Call, ALL, Fault(&["rpc_error", "http_status"]), true, |asked| {
        let words = format!("who sent me {SECRET}, and Bearer {SECRET}?");
        if asked.transport == Rest {
            return vec![Deed::Wire(response("500 Internal Server Error", &[("content-type", "text/plain")], words.as_bytes()))];
        }
        let log = json!({ "level": "error", "logger": words, "data": { "said": words } });
        vec![
            Deed::Stderr(format!("{words}\n").into_bytes(), 1),
            say(json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": log }).to_string()),
            say(json!({ "jsonrpc": "2.0", "id": asked.id, "error": { "code": -32000, "message": words, "data": words } }).to_string()),
        ]
    }),
    case!("C-37", "cookies", Call, &[Http, Rest], Fine, true, |asked| {
        let body = if asked.transport == Rest { good_rest() } else { good(asked).unwrap_or_default() };
        vec![Deed::Wire(response(
            "200 OK",
            &[("content-type", "application/json"), ("set-cookie", "track=me; path=/"), ("strict-transport-security", "max-age=99999999")],
            body.as_bytes(),
        ))]
    }),
    case!("C-40", "a redirect to another origin", Call, &[Http, Rest], Fault(REFUSED), true, |asked| vec![Deed::Wire(response(
        "307 Temporary Redirect",
        &[("location", &asked.canary)],
        b""
    ))]),
    case!("C-40b", "a redirect to a file", Call, &[Http, Rest], Fault(REFUSED), true, |_| vec![Deed::Wire(response(
        "302 Found",
        &[("location", "file:///etc/passwd")],
        b""
    ))]),
    case!("C-40c", "a redirect to itself, for ever", Call, &[Http, Rest], Fault(REFUSED), true, |asked| vec![Deed::Wire(response(
        "307 Temporary Redirect",
        &[(
            "location",
            &if asked.transport == Rest { format!("{}/tools/bite/call", asked.origin) } else { format!("{}/mcp", asked.origin) }
        )],
        b""
    ))]),
    case!("C-40d", "a redirect to another origin at the first request", Accept, WEB, NoConnect(REFUSED), false, |asked| vec![Deed::Wire(
        response("302 Found", &[("location", &asked.canary)], b"")
    )]),
    // Content, results, trust
    case!(
        "C-49",
        "pictures that swell, scripts in pictures, pages, and signs that move the cursor or turn the text",
        Call,
        RPC,
        Fine,
        true,
        |asked| {
            // A picture of 50 000 by 50 000 points, of which only the head is there.
            let png = "iVBORw0KGgoAAAANSUhEUgAAw1AAAMNQCAYAAAD0Jk3iAAAADElEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==";
            let svg = "PHN2ZyBvbmxvYWQ9ImFsZXJ0KDEpIi8+";
            vec![result(
                asked,
                &json!({ "content": [
                { "type": "text", "text": "bitten \u{1b}]0;title\u{7}\u{1b}[2J\u{202e}txt.exe\u{200b}<script>alert(1)</script>" },
                { "type": "text", "text": "a line\n".repeat(200_000) },
                { "type": "image", "mimeType": "image/png", "data": png },
                { "type": "image", "mimeType": "image/svg+xml", "data": svg },
                { "type": "image", "mimeType": "text/html", "data": "not base64 at all" },
                { "type": "audio", "mimeType": "", "data": "" },
                { "type": "hologram", "data": { "deep": [[[]]] } } ] }),
            )]
        }
    ),
    case!("C-50", "links to files, scripts and pages", Call, RPC, Fine, true, |asked| vec![result(
        asked,
        &json!({ "content": [
            { "type": "text", "text": "bitten" },
            { "type": "resource_link", "uri": "file:///etc/passwd", "name": "a" },
            { "type": "resource_link", "uri": "javascript:alert(1)", "name": "b" },
            { "type": "resource_link", "uri": asked.canary, "name": "c", "icons": [{ "src": asked.canary }] } ] })
    )]),
    case!("C-51", "names that are no names, and the same one twice", List, ALL, Listed, true, |asked| vec![with_tools(
        asked,
        json!([
            { "name": "", "description": "", "inputSchema": { "type": "object" } },
            { "name": "n".repeat(10_000), "description": "", "inputSchema": { "type": "object" } },
            { "name": 7, "description": "", "inputSchema": { "type": "object" } },
            { "name": "twice", "description": "one", "inputSchema": { "type": "object" } },
            { "name": "twice", "description": "two", "inputSchema": { "type": "object" } },
            { "description": "without a name", "inputSchema": { "type": "object" } },
            "not even an object",
            null,
        ])
    )]),
    case!(
        "C-54",
        "a revision that nobody knows",
        Handshake,
        RPC,
        NoConnect(&["unsupported_version", "protocol_violation"]),
        false,
        |asked| vec![result(
            asked,
            &json!({ "protocolVersion": "1999-01-01", "capabilities": {}, "serverInfo": { "name": "evil", "version": "1" } })
        )]
    ),
    case!("C-55", "a list that may be kept for ever, by everybody, and is another one each time", List, RPC, Fine, true, |asked| {
        static LISTS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        let nth = LISTS.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut all = super::tools().as_array().cloned().unwrap_or_default();
        all.push(json!({ "name": format!("list-{nth}"), "inputSchema": { "type": "object" } }));
        let ttl = if nth.is_multiple_of(2) { 1e300 } else { -1e300 };
        vec![result(asked, &json!({ "tools": all, "ttlMs": ttl, "cacheScope": "public" }))]
    }),
    case!("C-56", "cancels our own request, then answers it", Call, LINES, Fine, true, |asked| vec![
        say(json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": asked.id } }).to_string()),
        Deed::Answer,
    ]),
    case!("C-57", "a list that is a page", List, &[Rest], NoList, true, |_| vec![Deed::Wire(response(
        "200 OK",
        &[("content-type", "text/html")],
        b"<html>hello</html>"
    ))]),
    case!("C-57b", "a list that is a number", List, &[Rest], NoList, true, |_| vec![say(&b"7"[..])]),
    case!("C-57c", "a list of ten megabytes of depth", List, &[Rest], NoList, true, |_| vec![say(format!(
        "{}{}",
        "[".repeat(5_000_000),
        "]".repeat(5_000_000)
    ))]),
];

const NONSENSE_OR_LATE: &[&str] = &[
    "invalid_utf8",
    "invalid_json",
    "protocol_violation",
    "server_exited",
    "connection_lost",
    "result_lost",
    "unreachable",
    "message_too_large",
    "http_status",
    "timeout",
    "resource_limit",
    "rpc_error",
];
const NONSENSE_OR_LIMIT: &[&str] =
    &["protocol_violation", "connection_lost", "result_lost", "unreachable", "message_too_large", "resource_limit"];
const LOST_OR_BROKEN: &[&str] = &["server_exited", "connection_lost", "result_lost", "unreachable", "protocol_violation", "resource_limit"];
const REFUSED: &[&str] = &["redirect_refused", "address_refused"];

fn good_rest() -> String {
    json!({ "content": [{ "type": "text", "text": "bitten" }], "isError": false }).to_string()
}

fn with_tools_behind(asked: &super::Asked, many: usize) -> Deed {
    let mut all = super::tools().as_array().cloned().unwrap_or_default();
    all.extend(
        (0..many).map(|nth| json!({ "name": format!("tool-{nth}"), "description": "One of many.", "inputSchema": { "type": "object" } })),
    );
    if asked.transport == Rest {
        return Deed::Message(serde_json::Value::Array(all).to_string().into_bytes());
    }
    result(asked, &json!({ "tools": all }))
}
