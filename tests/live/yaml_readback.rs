//! What we write is what others read: the real kubectl and PyYAML.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use domain::Json;
use serde_json::json;
use testkit::testcluster::kubectl;

use crate::peers::installed;

/// Texts that some reader takes for something else, or for the end of what it reads.
fn hostile() -> Vec<String> {
    let mut all: Vec<String> = [
        "no",
        "No",
        "NO",
        "yes",
        "Yes",
        "on",
        "off",
        "y",
        "Y",
        "n",
        "N",
        "true",
        "True",
        "false",
        "null",
        "Null",
        "~",
        "",
        " ",
        "  x",
        "x  ",
        "010",
        "0o10",
        "0b101",
        "0x1F",
        "08",
        "1_000",
        "22:22",
        "190:20:30",
        "1e3",
        "1.0",
        ".5",
        "5.",
        "-1",
        "+1",
        "1.20",
        ".inf",
        "-.inf",
        ".nan",
        "NaN",
        "12e4567",
        "9007199254740993",
        "18446744073709551616",
        "2001-01-01",
        "2001-12-14t21:59:43.10-05:00",
        "- a",
        "-",
        "--- a",
        "---",
        "...",
        "a: b",
        "a:",
        ":a",
        "# c",
        "a # c",
        "#",
        "*a",
        "&a",
        "!a",
        "!!str a",
        "%a",
        "@a",
        "`a",
        "|",
        ">",
        "? a",
        "?",
        "[a]",
        "{a: b}",
        "]",
        "}",
        ",",
        "\"",
        "'",
        "a\"b",
        "a'b",
        "\\n",
        "\\",
        "<<",
        "=",
        "a\nb",
        "a\nb\n",
        "\na",
        "\n",
        "a\n\n",
        " a\n b",
        "\ta",
        "a\tb",
        "a\r\nb",
        "é",
        "漢字",
        "\u{1f600}",
        "\u{a0}",
        "\u{2028}",
        "\u{2029}",
        "\u{85}",
        "\u{feff}a",
        "\u{7f}",
        "\u{202e}x",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("x".repeat(5_000));
    all.push("word ".repeat(60).trim_end().to_owned());
    all
}

fn piped(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    out
}

#[test]
fn y12_what_is_written_is_what_kubectl_and_pyyaml_read() {
    let data: serde_json::Map<String, Json> =
        hostile().into_iter().enumerate().map(|(nth, text)| (format!("k{nth}"), Json::String(text))).collect();
    let wanted = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "hostile" }, "data": data });
    let text = yaml::write(&wanted).unwrap();

    let mut local = Command::new(kubectl());
    local.args(["annotate", "--local", "-f", "-", "read=back", "-o", "json"]).env("KUBECONFIG", "/dev/null");
    let theirs: Json = serde_json::from_slice(&piped(&mut local, &text).stdout).unwrap();
    for (key, value) in &data {
        assert_eq!(&theirs["data"][key], value, "kubectl reads {key} as something else");
    }

    let mut python = Command::new(installed("venv/bin/python"));
    python.args(["-c", "import sys, json, yaml; json.dump(yaml.safe_load(sys.stdin.buffer.read()), sys.stdout)"]);
    let theirs: Json = serde_json::from_slice(&piped(&mut python, &text).stdout).unwrap();
    assert_eq!(theirs, wanted, "PyYAML reads something else");
}
