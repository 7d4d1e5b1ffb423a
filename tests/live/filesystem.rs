//! `@modelcontextprotocol/server-filesystem` over stdio.

use domain::protocol::CallIo;
use serde_json::json;

use crate::line::Line;
use crate::peers::{node, npm, path};

#[tokio::test(flavor = "multi_thread")]
async fn files_are_written_read_and_searched_through_somebody_elses_server() {
    let folder = tempfile::tempdir().unwrap();
    let shared = folder.path().canonicalize().unwrap();
    let index = npm("@modelcontextprotocol/server-filesystem/dist/index.js");
    let line =
        Line::to("subprocess", json!({ "command": node(), "args": [index, shared], "env": { "PATH": path() }, "max_address_space_mb": 0 }))
            .await;
    line.lists(&["read_text_file", "write_file", "list_directory", "search_files"]).await;
    let note = shared.join("note.txt");
    line.call("write_file", json!({ "path": note, "content": "first line\nsecond line: 中文\n" })).await;
    assert_eq!(std::fs::read_to_string(&note).unwrap(), "first line\nsecond line: 中文\n");
    assert!(line.call("read_text_file", json!({ "path": note, "tail": 2 })).await.text().contains("中文"));
    assert!(line.call("list_directory", json!({ "path": shared })).await.text().contains("note.txt"));
    assert!(line.call("search_files", json!({ "path": shared, "pattern": "*.txt" })).await.text().contains("note.txt"));
    let outside = line.try_call("read_text_file", json!({ "path": "/etc/passwd" }), CallIo::quiet()).await.unwrap();
    assert!(outside.is_error, "its refusal is a failed tool: {outside:?}");
    line.close().await;
}
