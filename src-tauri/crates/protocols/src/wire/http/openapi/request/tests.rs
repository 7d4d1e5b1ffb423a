//! Requests as operations describe them, hostile values included.

use super::*;
use net::Method;
use serde_json::json;

fn operation(template: &str, params: &[(&str, Place, Spread)], body: Option<&str>) -> Operation {
    Operation {
        method: Method::POST,
        template: template.into(),
        params: params
            .iter()
            .map(|&(name, place, spread)| Param { key: name.into(), name: name.into(), place, spread, required: place == Place::Path })
            .collect(),
        body: body.map(|media| Body { key: "body".into(), media: media.into(), required: false }),
    }
}

fn built(operation: &Operation, args: Json) -> Result<Request, ServerFault> {
    let Json::Object(args) = args else { panic!("arguments are an object") };
    build(operation, &Url::parse("https://h.example/base/?key=1").unwrap(), &args)
}

#[test]
fn a_value_in_the_path_stays_in_its_segment() {
    let op = operation("/pets/{id}/toys", &[("id", Place::Path, Spread::Joined(','))], None);
    for (value, expected) in [
        (json!("7"), "/base/pets/7/toys?key=1"),
        (json!(7), "/base/pets/7/toys?key=1"),
        (json!("a/b"), "/base/pets/a%2Fb/toys?key=1"),
        (json!("?x=1"), "/base/pets/%3Fx%3D1/toys?key=1"),
        (json!("#top"), "/base/pets/%23top/toys?key=1"),
        (json!("%2e%2e"), "/base/pets/%252e%252e/toys?key=1"),
        (json!("读"), "/base/pets/%E8%AF%BB/toys?key=1"),
        (json!(["a", "b"]), "/base/pets/a%2Cb/toys?key=1"),
    ] {
        let request = built(&op, json!({ "id": value })).unwrap();
        assert_eq!(request.url.as_str(), format!("https://h.example{expected}"));
    }
    for value in [
        json!("../admin"),
        json!(".."),
        json!("."),
        json!("a/../b"),
        json!("..\\x"),
        json!("a\r\nb"),
        json!("a\0"),
        json!(""),
        json!(null),
        json!("x".repeat(2_000_000)),
        json!([["x"]]),
    ] {
        let found = built(&op, json!({ "id": value }));
        assert!(matches!(&found, Err(ServerFault::SchemaInvalid { path, .. }) if path == "id"), "{found:?}");
    }
    let half = operation("/x/{a}{b}/y", &[("a", Place::Path, Spread::Joined(',')), ("b", Place::Path, Spread::Joined(','))], None);
    assert!(built(&half, json!({ "a": "p", "b": "q" })).is_ok());
    let dotted = operation("/x/.{a}/y", &[("a", Place::Path, Spread::Joined(','))], None);
    assert!(matches!(built(&dotted, json!({ "a": "." })), Err(ServerFault::SchemaInvalid { .. })), "two halves of a step upwards");
}

#[test]
fn query_headers_and_cookies_carry_values_only() {
    let op = operation(
        "/q",
        &[
            ("apart", Place::Query, Spread::Apart),
            ("joined", Place::Query, Spread::Joined('|')),
            ("deep", Place::Query, Spread::Deep),
            ("json", Place::Query, Spread::Json),
            ("X-Trace", Place::Header, Spread::Joined(',')),
            ("sid", Place::Cookie, Spread::Apart),
        ],
        None,
    );
    let request = built(
        &op,
        json!({ "apart": ["1", "2&x=3"], "joined": ["a", "b"], "deep": { "k": "v" }, "json": { "a": [1] }, "X-Trace": ["p", "q"], "sid": "a; admin=1" }),
    )
    .unwrap();
    let pairs: Vec<_> = request.url.query_pairs().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(pairs, ["key=1", "apart=1", "apart=2&x=3", "joined=a|b", "deep[k]=v", r#"json={"a":[1]}"#]);
    assert_eq!(request.headers["x-trace"], "p,q");
    assert_eq!(request.headers["cookie"], "sid=a%3B%20admin%3D1");
    for value in ["a\r\nX-Evil: 1", "a\tb", "é\u{7f}"] {
        assert!(matches!(built(&op, json!({ "X-Trace": value })), Err(ServerFault::SchemaInvalid { .. })), "{value:?}");
    }
    assert!(matches!(built(&op, json!({ "apart": [["x"]] })), Err(ServerFault::SchemaInvalid { .. })));
    assert!(matches!(built(&op, json!({ "apart": "x".repeat(100_000) })), Err(ServerFault::SchemaInvalid { .. })));
    assert!(matches!(built(&op, json!({ "other": 1 })), Err(ServerFault::SchemaInvalid { path, .. }) if path == "other"));
}

#[test]
fn the_body_is_written_as_its_media_type_wants() {
    let sent = |media: &str, value: Json| {
        let request = built(&operation("/b", &[], Some(media)), json!({ "body": value }))?;
        Ok::<_, ServerFault>((
            request.headers["content-type"].to_str().unwrap().to_owned(),
            String::from_utf8(request.body.unwrap().to_vec()).unwrap(),
        ))
    };
    assert_eq!(sent("application/json", json!({ "a": 1 })).unwrap(), ("application/json".into(), r#"{"a":1}"#.into()));
    assert_eq!(sent("application/merge-patch+json", json!([1])).unwrap().1, "[1]");
    assert_eq!(sent("application/x-www-form-urlencoded", json!({ "a": "1&2", "b": [1, 2], "c": null })).unwrap().1, "a=1%262&b=1&b=2");
    assert_eq!(sent("text/plain", json!("words")).unwrap().1, "words");
    assert_eq!(sent("application/octet-stream", json!("aGk=")).unwrap().1, "hi");
    let (media, form) = sent("multipart/form-data", json!({ "a\"\r\nX: y": "v" })).unwrap();
    let boundary = media.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert_eq!(form, format!("--{boundary}\r\nContent-Disposition: form-data; name=\"a%22  X: y\"\r\n\r\nv\r\n--{boundary}--\r\n"));
    for (media, value) in [("text/plain", json!(7)), ("application/x-www-form-urlencoded", json!("a=b")), ("application/pdf", json!("***"))]
    {
        assert!(matches!(sent(media, value), Err(ServerFault::SchemaInvalid { .. })), "{media}");
    }
    assert!(
        built(&operation("/b", &[], Some("application/json")), json!({})).unwrap().body.is_none(),
        "a body that is not required may be left out"
    );
}
