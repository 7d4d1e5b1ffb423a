//! The file tools against hostile folders: cases F-01 to F-13, C-59.

use std::collections::BTreeSet;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{fs, thread};

use domain::fault::ServerFault;
use domain::local::{LocalModule, LocalTools};
use domain::protocol::CallIo;
use domain::tool::ToolResult;
use domain::{Json, JsonMap};
use serde_json::json;
use toolbox::{Places, Toolbox};

struct Bench {
    _keep: tempfile::TempDir,
    top: PathBuf,
    root: PathBuf,
    outside: PathBuf,
    module: Arc<dyn LocalModule>,
}

const SECRET: &str = "the canary outside";

impl Bench {
    fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let top = keep.path().canonicalize().unwrap();
        let (root, outside) = (top.join("allowed"), top.join("outside"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("secret"), SECRET).unwrap();
        let private = root.join("pilothouse-data");
        let toolbox = Toolbox::new(Places { scratch: top.join("scratch"), home: None, private: vec![private] });
        let module = toolbox.open(&serde_json::from_value(json!({ "roots": [root] })).unwrap()).unwrap();
        Self { _keep: keep, top, root, outside, module }
    }

    async fn run(&self, tool: &str, args: Json) -> Result<ToolResult, ServerFault> {
        let Json::Object(args) = args else { panic!("arguments are an object") };
        self.module.call(&tool.into(), args, CallIo::quiet()).await
    }

    /// The structured result of a call that must succeed.
    async fn ok(&self, tool: &str, args: Json) -> Json {
        let result = self.run(tool, args.clone()).await.unwrap();
        assert!(!result.is_error, "{tool} {args}: {}", result.text());
        result.structured_content.unwrap()
    }

    /// The code of a call that must be refused.
    async fn refused(&self, tool: &str, args: Json) -> String {
        let result = self.run(tool, args.clone()).await.unwrap();
        assert!(result.is_error, "{tool} {args} was let through: {}", result.text());
        assert_eq!(result.content.len(), 2, "English and Chinese");
        assert!(!result.text().contains(SECRET));
        result.content[0].as_text().unwrap().split(':').next().unwrap().to_owned()
    }

    async fn read(&self, path: impl AsRef<Path>) -> String {
        self.ok("fs-read-file", json!({ "path": path.as_ref() })).await["content"].as_str().unwrap().to_owned()
    }

    async fn read_refused(&self, path: impl AsRef<Path>) -> String {
        self.refused("fs-read-file", json!({ "path": path.as_ref() })).await
    }

    fn outside_is_untouched(&self) {
        assert_eq!(fs::read_to_string(self.outside.join("secret")).unwrap(), SECRET);
        assert_eq!(fs::read_dir(&self.outside).unwrap().count(), 1, "nothing appeared outside");
    }
}

#[tokio::test]
async fn a_file_is_written_read_listed_and_found_again() {
    let bench = Bench::new();
    let written = bench.ok("fs-write-file", json!({ "path": "notes/a.txt", "content": "one\ntwo 雪\n", "create_dirs": true })).await;
    assert_eq!(written["replaced"], false);
    assert_eq!(bench.read("notes/a.txt").await, "one\ntwo 雪\n");
    assert_eq!(bench.read(bench.root.join("notes/a.txt")).await, "one\ntwo 雪\n", "a whole path beneath the root means the same");
    assert_eq!(bench.read("./notes//./a.txt").await, "one\ntwo 雪\n");

    let listed = bench.ok("fs-list-directory", json!({ "path": ".", "recursive": true })).await;
    let names: Vec<_> = listed["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| format!("{} {}", item["path"].as_str().unwrap(), item["kind"].as_str().unwrap()))
        .collect();
    assert_eq!(names, ["notes folder", "notes/a.txt file"]);
    assert_eq!(listed["entries"][1]["size"], 12);

    let found = bench.ok("fs-search-files", json!({ "root": ".", "pattern": "*.txt", "content": "t.o" })).await;
    assert_eq!(found["matches"], json!([{ "path": "notes/a.txt", "kind": "file", "size": 12, "line": 2, "text": "two 雪" }]));
    let found = bench.ok("fs-search-files", json!({ "root": ".", "pattern": "notes/*" })).await;
    assert_eq!(found["matches"][0]["path"], "notes/a.txt");
    assert_eq!(bench.ok("fs-search-files", json!({ "root": ".", "pattern": "x/*" })).await["matches"], json!([]));
}

#[tokio::test]
async fn a_file_is_read_in_parts_and_what_is_no_text_comes_as_base64() {
    let bench = Bench::new();
    fs::write(bench.root.join("t"), "雪abc").unwrap();
    let part = bench.ok("fs-read-file", json!({ "path": "t", "max_bytes": 4 })).await;
    assert_eq!((&part["content"], &part["nextOffset"], &part["size"]), (&json!("雪a"), &json!(4), &json!(6)));
    let part = bench.ok("fs-read-file", json!({ "path": "t", "max_bytes": 5, "offset": 4 })).await;
    assert_eq!((&part["content"], &part["nextOffset"]), (&json!("bc"), &Json::Null));
    let beyond = bench.ok("fs-read-file", json!({ "path": "t", "offset": 99 })).await;
    assert_eq!((&beyond["content"], &beyond["bytes"], &beyond["nextOffset"]), (&json!(""), &json!(0), &Json::Null));

    fs::write(bench.root.join("b"), [0xff, 0, 0xfe]).unwrap();
    assert_eq!(bench.read_refused("b").await, "not_text");
    let whole = bench.ok("fs-read-file", json!({ "path": "b", "encoding": "base64" })).await;
    assert_eq!(whole["content"], "/wD+");
}

#[tokio::test]
async fn wrong_arguments_and_unknown_tools_are_faults_that_name_them() {
    let bench = Bench::new();
    assert_eq!(bench.run("fs-move", json!({})).await, Err(ServerFault::NoSuch { what: "tool", name: "fs-move".into() }));
    for (args, path) in [
        (json!({ "path": 7 }), "path"),
        (json!({ "pth": "x" }), "pth"),
        (json!({}), "path"),
        (json!({ "path": "x", "encoding": "latin1" }), "encoding"),
    ] {
        match bench.run("fs-read-file", args.clone()).await {
            Err(ServerFault::SchemaInvalid { path: named, .. }) => assert_eq!(named, path, "{args}"),
            other => panic!("{args} gave {other:?}"),
        }
    }
    assert_eq!(bench.refused("fs-search-files", json!({ "root": ".", "pattern": "a[" })).await, "bad_pattern");
    assert_eq!(bench.refused("fs-search-files", json!({ "root": ".", "pattern": "*", "content": "(" })).await, "bad_pattern");
    assert_eq!(
        bench.refused("fs-search-files", json!({ "root": ".", "pattern": "*", "content": "(a{1000}){1000}" })).await,
        "bad_pattern",
        "a bomb is refused, not built"
    );
    assert_eq!(bench.refused("fs-list-directory", json!({ "path": ".", "max_entries": 10_001 })).await, "too_large");
}

#[tokio::test]
async fn f01_a_folder_whose_name_begins_like_the_root_is_outside() {
    let bench = Bench::new();
    let evil = bench.top.join("allowed-evil");
    fs::create_dir(&evil).unwrap();
    fs::write(evil.join("secret"), SECRET).unwrap();
    assert_eq!(bench.read_refused(evil.join("secret")).await, "outside_roots");
    assert_eq!(bench.refused("fs-list-directory", json!({ "path": evil })).await, "outside_roots");
    assert_eq!(bench.refused("fs-write-file", json!({ "path": evil.join("new"), "content": "x" })).await, "outside_roots");
    assert_eq!(bench.refused("fs-search-files", json!({ "root": bench.top, "pattern": "*" })).await, "outside_roots");
}

#[tokio::test]
async fn f02_links_that_lead_out_are_refused_and_links_that_stay_inside_are_followed() {
    let bench = Bench::new();
    symlink(bench.outside.join("secret"), bench.root.join("absolute")).unwrap();
    symlink("../outside/secret", bench.root.join("relative")).unwrap();
    symlink("../outside", bench.root.join("folder")).unwrap();
    symlink(&bench.outside, bench.root.join("absolute-folder")).unwrap();
    symlink("..", bench.root.join("up")).unwrap();
    symlink("relative", bench.root.join("link-to-link")).unwrap();
    symlink("loop", bench.root.join("loop")).unwrap();
    for path in ["absolute", "relative", "folder/secret", "absolute-folder/secret", "up/outside/secret", "link-to-link", "up"] {
        assert_eq!(bench.read_refused(path).await, "leads_outside", "{path}");
    }
    assert_eq!(bench.read_refused("loop").await, "leads_outside");
    for path in ["folder", "absolute-folder", "up"] {
        assert_eq!(bench.refused("fs-list-directory", json!({ "path": path })).await, "leads_outside", "{path}");
        assert_eq!(bench.refused("fs-search-files", json!({ "root": path, "pattern": "*" })).await, "leads_outside", "{path}");
    }
    let listed = bench.ok("fs-list-directory", json!({ "path": ".", "recursive": true })).await;
    assert!(!listed.to_string().contains("secret"), "a listing follows no link");
    let found = bench.ok("fs-search-files", json!({ "root": ".", "pattern": "*", "content": "canary" })).await;
    assert_eq!(found["matches"], json!([]), "a search follows no link");

    fs::create_dir_all(bench.root.join("real/sub")).unwrap();
    fs::write(bench.root.join("real/file"), "inside").unwrap();
    symlink("real", bench.root.join("inner")).unwrap();
    symlink("../file", bench.root.join("real/sub/back")).unwrap();
    symlink("real/sub/..", bench.root.join("dotted")).unwrap();
    assert_eq!(bench.read("inner/file").await, "inside");
    assert_eq!(bench.read("real/sub/back").await, "inside");
    assert_eq!(bench.ok("fs-list-directory", json!({ "path": "dotted" })).await["entries"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn f03_what_does_not_exist_yet_below_a_link_is_not_made_outside() {
    let bench = Bench::new();
    symlink("../outside", bench.root.join("link")).unwrap();
    symlink("../outside/new", bench.root.join("dangling")).unwrap();
    for path in ["link/new", "link/a/b/new"] {
        assert_eq!(
            bench.refused("fs-write-file", json!({ "path": path, "content": "x", "create_dirs": true })).await,
            "leads_outside",
            "{path}"
        );
    }
    for path in ["dangling", "link"] {
        assert_eq!(
            bench.refused("fs-write-file", json!({ "path": path, "content": "x", "overwrite": true })).await,
            "wrong_kind",
            "{path}: a link is not written through"
        );
    }
    bench.outside_is_untouched();
}

/// Exchanges `name` in the root with a link to `target`, over and over, until told to stop.
fn exchange(root: &Path, name: &str, target: &Path, rounds: u32, done: Arc<AtomicBool>) -> thread::JoinHandle<()> {
    let (real, aside, link) = (root.join(name), root.join(format!("{name}.aside")), root.join(format!("{name}.link")));
    let target = target.to_owned();
    thread::spawn(move || {
        for _ in 0..rounds {
            symlink(&target, &link).unwrap();
            fs::rename(&real, &aside).unwrap();
            fs::rename(&link, &real).unwrap();
            fs::remove_file(&real).unwrap();
            fs::rename(&aside, &real).unwrap();
        }
        done.store(true, Ordering::SeqCst);
    })
}

#[tokio::test]
async fn f04_a_folder_exchanged_for_a_link_while_writing_never_lets_a_write_out() {
    let bench = Bench::new();
    fs::create_dir(bench.root.join("d")).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let swapper = exchange(&bench.root, "d", &bench.outside, 1000, Arc::clone(&done));
    let mut seen = BTreeSet::new();
    while !done.load(Ordering::SeqCst) {
        let result = bench.run("fs-write-file", json!({ "path": "d/secret", "content": "overwritten", "overwrite": true })).await.unwrap();
        seen.insert(if result.is_error { result.text().split(':').next().unwrap().to_owned() } else { "ok".into() });
    }
    swapper.join().unwrap();
    bench.outside_is_untouched();
    assert!(seen.contains("ok"), "some writes went through: {seen:?}");
    assert_eq!(fs::read_to_string(bench.root.join("d/secret")).unwrap(), "overwritten");
    assert_eq!(fs::read_dir(bench.root.join("d")).unwrap().count(), 1, "no draft is left behind");
}

#[tokio::test]
async fn f07_a_file_or_a_folder_exchanged_for_a_link_while_reading_never_shows_what_is_outside() {
    let bench = Bench::new();
    fs::create_dir(bench.root.join("d")).unwrap();
    fs::write(bench.root.join("d/secret"), "inside").unwrap();
    fs::write(bench.root.join("f"), "inside").unwrap();
    for (name, target, path) in [("d", bench.outside.clone(), "d/secret"), ("f", bench.outside.join("secret"), "f")] {
        let done = Arc::new(AtomicBool::new(false));
        let swapper = exchange(&bench.root, name, &target, 1000, Arc::clone(&done));
        let mut reads = 0;
        while !done.load(Ordering::SeqCst) {
            let result = bench.run("fs-read-file", json!({ "path": path })).await.unwrap();
            assert!(!result.text().contains(SECRET), "{path} showed the canary");
            reads += u32::from(!result.is_error);
            let found = bench.run("fs-search-files", json!({ "root": ".", "pattern": "*", "content": "canary" })).await.unwrap();
            assert!(!found.text().contains(SECRET), "a search showed the canary");
        }
        swapper.join().unwrap();
        assert!(reads > 0, "some reads of {path} went through");
    }
}

#[tokio::test]
async fn f05_a_name_means_exactly_itself() {
    let bench = Bench::new();
    fs::write(bench.root.join("plain"), "plain").unwrap();
    for name in ["plain ", "plain\"", "'plain'", "plain.", "plain\n", " plain", "PLAIN"] {
        assert_eq!(bench.read_refused(name).await, "not_found", "{name:?} is not `plain`");
    }
    for name in ["x ", "x\"", "x.", "x\ny", "-x", "a\u{202e}b", "\\x"] {
        bench.ok("fs-write-file", json!({ "path": name, "content": name })).await;
        assert_eq!(bench.read(name).await, name);
        assert!(bench.root.join(name).is_file(), "{name:?} was written as itself");
    }
}

#[tokio::test]
async fn f09_pipes_sockets_and_devices_are_refused_at_once() {
    let bench = Bench::new();
    nix::unistd::mkfifo(&bench.root.join("pipe"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(bench.root.join("socket")).unwrap();
    symlink("pipe", bench.root.join("to-pipe")).unwrap();
    for path in ["pipe", "socket", "to-pipe"] {
        assert_eq!(bench.read_refused(path).await, "wrong_kind", "{path}");
    }
    for path in ["pipe", "socket"] {
        assert_eq!(
            bench.refused("fs-write-file", json!({ "path": path, "content": "x", "overwrite": true })).await,
            "wrong_kind",
            "{path}"
        );
        assert_eq!(bench.refused("fs-list-directory", json!({ "path": path })).await, "wrong_kind", "{path}");
        assert_ne!(bench.read_refused(format!("{path}/x")).await, "", "{path} as a folder");
    }
    bench.ok("fs-search-files", json!({ "root": ".", "pattern": "*", "content": "x" })).await;

    let toolbox = Toolbox::new(Places::default());
    let open = |root: &str| toolbox.open(&serde_json::from_value(json!({ "roots": [root] })).unwrap());
    assert!(matches!(open("/proc/self"), Err(ServerFault::Settings { field, .. }) if field == "roots"), "no root in the kernel's window");
    let whole = open("/").unwrap();
    for (path, code) in [
        ("/dev/zero", "wrong_kind"),
        ("/proc/self/mem", "not_storage"),
        ("/proc/self/environ", "not_storage"),
        ("/proc/self/root/etc/passwd", "leads_outside"),
        ("/sys/kernel/vmcoreinfo", "not_storage"),
    ] {
        let args = JsonMap::from_iter([("path".to_owned(), json!(path))]);
        let result = whole.call(&"fs-read-file".into(), args, CallIo::quiet()).await.unwrap();
        assert!(result.is_error && result.text().starts_with(code), "{path} gave {}", result.text());
    }
}

#[tokio::test]
async fn f11_paths_that_are_not_looked_up_are_refused_by_every_tool() {
    let bench = Bench::new();
    for path in ["", "..", "../outside/secret", "a/../../outside/secret", "a\0b", "~/x", "~"] {
        assert_eq!(bench.read_refused(path).await, "bad_path", "{path:?}");
        assert_eq!(bench.refused("fs-list-directory", json!({ "path": path })).await, "bad_path", "{path:?}");
        assert_eq!(bench.refused("fs-write-file", json!({ "path": path, "content": "x" })).await, "bad_path", "{path:?}");
        assert_eq!(bench.refused("fs-search-files", json!({ "root": path, "pattern": "*" })).await, "bad_path", "{path:?}");
    }
    assert_eq!(bench.read_refused("/etc/passwd").await, "outside_roots");
    assert_eq!(bench.read_refused(format!("{}/../outside/secret", bench.root.display())).await, "bad_path");
    assert_eq!(bench.read_refused(".").await, "wrong_kind");
    assert_eq!(bench.read_refused("nothing/here").await, "not_found");
}

#[tokio::test]
async fn f12_a_file_is_whole_or_untouched_and_replaced_only_when_told() {
    let bench = Bench::new();
    let path = bench.root.join("f");
    fs::write(&path, "before").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(bench.refused("fs-write-file", json!({ "path": "f", "content": "after" })).await, "exists");
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");

    let done = Arc::new(AtomicBool::new(false));
    let looker = {
        let (path, done) = (path.clone(), Arc::clone(&done));
        thread::spawn(move || {
            let mut seen = BTreeSet::new();
            while !done.load(Ordering::SeqCst) {
                let text = fs::read(&path).unwrap();
                assert!(text == b"before" || text.iter().all(|&byte| byte == text[0]), "a half-written file was seen");
                seen.insert(text.len());
            }
            seen
        })
    };
    for nth in 0..50_u8 {
        let content = char::from(b'a' + nth % 26).to_string().repeat(200_000);
        let out = bench.ok("fs-write-file", json!({ "path": "f", "content": content, "overwrite": true })).await;
        assert_eq!(out["replaced"], true);
    }
    done.store(true, Ordering::SeqCst);
    assert!(looker.join().unwrap().into_iter().all(|len| len == 6 || len == 200_000), "never empty in between");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640, "the mode is kept");

    fs::hard_link(&path, bench.outside.join("other-name")).unwrap();
    assert_eq!(bench.refused("fs-write-file", json!({ "path": "f", "content": "x", "overwrite": true })).await, "hard_linked");
    assert_eq!(bench.refused("fs-write-file", json!({ "path": ".", "content": "x", "overwrite": true })).await, "wrong_kind");
    assert_eq!(bench.refused("fs-write-file", json!({ "path": "f/x", "content": "x" })).await, "wrong_kind");
    assert_eq!(bench.refused("fs-write-file", json!({ "path": "no/such", "content": "x" })).await, "not_found");
    assert_eq!(bench.refused("fs-write-file", json!({ "path": "big", "content": "x".repeat((8 << 20) + 1) })).await, "too_large");
    assert_eq!(fs::read_dir(&bench.root).unwrap().count(), 1, "no draft is left behind");
}

#[tokio::test]
async fn of_two_writers_of_a_new_file_one_is_told_that_it_exists() {
    let bench = Bench::new();
    for nth in 0..20 {
        let path = format!("f{nth}");
        let write = |content: &'static str| bench.run("fs-write-file", json!({ "path": path, "content": content }));
        let (one, two) = tokio::join!(write("one"), write("two"));
        let errors = [one.unwrap(), two.unwrap()].iter().filter(|result| result.is_error).count();
        assert_eq!(errors, 1, "exactly one of them wrote {path}");
    }
}

#[tokio::test]
async fn f13_a_folder_of_twenty_thousand_gives_the_first_ones_by_name() {
    let bench = Bench::new();
    for nth in 0..20_000 {
        fs::File::create(bench.root.join(format!("{nth:05}"))).unwrap();
    }
    let listed = bench.ok("fs-list-directory", json!({ "path": "." })).await;
    let names = listed["entries"].as_array().unwrap();
    assert_eq!((names.len(), &listed["truncated"]), (1000, &json!(true)));
    assert_eq!((&names[0]["path"], &names[999]["path"]), (&json!("00000"), &json!("00999")));
    let listed = bench.ok("fs-list-directory", json!({ "path": ".", "max_entries": 10_000 })).await;
    assert_eq!(listed["entries"].as_array().unwrap().len(), 10_000);
    let found = bench.ok("fs-search-files", json!({ "root": ".", "pattern": "*99", "max_results": 5 })).await;
    assert_eq!((found["matches"].as_array().unwrap().len(), &found["truncated"]), (5, &json!(true)));
}

#[tokio::test]
async fn c59_a_file_of_four_gigabytes_is_read_in_parts_and_passed_over_by_a_search() {
    let bench = Bench::new();
    let file = fs::File::create(bench.root.join("huge")).unwrap();
    file.set_len(4 << 30).unwrap();
    let part = bench.ok("fs-read-file", json!({ "path": "huge", "offset": (4_u64 << 30) - 3, "encoding": "base64" })).await;
    assert_eq!((&part["bytes"], &part["size"], &part["nextOffset"]), (&json!(3), &json!(4_u64 << 30), &Json::Null));
    let part = bench.ok("fs-read-file", json!({ "path": "huge", "encoding": "base64" })).await;
    assert_eq!(part["nextOffset"], 1 << 20);
    let found = bench.ok("fs-search-files", json!({ "root": ".", "pattern": "*", "content": "x" })).await;
    assert_eq!(found["skipped"], 1);
    assert_eq!(bench.refused("fs-read-file", json!({ "path": "huge", "max_bytes": 5 << 20 })).await, "too_large");
}

#[tokio::test]
async fn c59_a_file_that_shrinks_and_grows_while_it_is_read_gives_what_was_there() {
    let bench = Bench::new();
    let path = bench.root.join("f");
    fs::write(&path, "x".repeat(300_000)).unwrap();
    let done = Arc::new(AtomicBool::new(false));
    let changer = {
        let (path, done) = (path.clone(), Arc::clone(&done));
        thread::spawn(move || {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            for nth in 0..2000_u64 {
                file.set_len(if nth % 2 == 0 { 10 } else { 300_000 }).unwrap();
            }
            done.store(true, Ordering::SeqCst);
        })
    };
    while !done.load(Ordering::SeqCst) {
        let read = bench.ok("fs-read-file", json!({ "path": "f" })).await;
        assert!(read["bytes"].as_u64().unwrap() <= 300_000);
    }
    changer.join().unwrap();
}

#[tokio::test]
async fn our_own_data_is_not_to_be_seen_even_inside_a_root() {
    let bench = Bench::new();
    let data = bench.root.join("pilothouse-data");
    fs::create_dir_all(data.join("sub")).unwrap();
    fs::write(data.join("sub/app.db"), SECRET).unwrap();
    fs::write(bench.root.join("mine"), "mine").unwrap();
    symlink("pilothouse-data", bench.root.join("alias")).unwrap();
    for path in ["pilothouse-data/sub/app.db", "alias/sub/app.db"] {
        assert_eq!(bench.read_refused(path).await, "private", "{path}");
        assert_eq!(bench.refused("fs-write-file", json!({ "path": path, "content": "x", "overwrite": true })).await, "private", "{path}");
    }
    assert_eq!(bench.refused("fs-list-directory", json!({ "path": "pilothouse-data" })).await, "private");
    assert_eq!(bench.refused("fs-list-directory", json!({ "path": "alias/sub" })).await, "private");
    assert_eq!(
        bench.refused("fs-write-file", json!({ "path": "pilothouse-data/new/x", "content": "x", "create_dirs": true })).await,
        "private"
    );
    let listed = bench.ok("fs-list-directory", json!({ "path": ".", "recursive": true })).await;
    let names: Vec<_> = listed["entries"].as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(names, ["alias", "mine"]);
    let found = bench.ok("fs-search-files", json!({ "root": ".", "pattern": "**", "content": "." })).await;
    assert_eq!(found["matches"].as_array().unwrap().len(), 1);
    assert_eq!(fs::read_to_string(data.join("sub/app.db")).unwrap(), SECRET);

    let toolbox = Toolbox::new(Places { scratch: data.join("scratch"), home: None, private: vec![data.clone()] });
    let open = |root: &Path| toolbox.open(&serde_json::from_value(json!({ "roots": [root] })).unwrap());
    assert!(open(&data).is_err() && open(&data.join("sub")).is_err(), "nobody can make it a root");
    assert!(toolbox.open(&serde_json::from_value(json!({})).unwrap()).is_ok(), "but the app may keep its scratch folder there");
}

#[tokio::test]
async fn the_scratch_folder_is_made_and_health_sees_a_root_that_went_away() {
    let keep = tempfile::tempdir().unwrap();
    let scratch = keep.path().join("deep/scratch");
    let toolbox = Toolbox::new(Places { scratch: scratch.clone(), home: None, private: vec![] });
    let module = toolbox.open(&serde_json::from_value(json!({})).unwrap()).unwrap();
    assert_eq!(module.health().await, Ok(()));
    fs::remove_dir(&scratch).unwrap();
    assert!(matches!(module.health().await, Err(ServerFault::Unreachable { peer, .. }) if peer == scratch.display().to_string()));
    fs::create_dir(&scratch).unwrap();
    match module.health().await {
        Err(ServerFault::Unreachable { reason, .. }) => assert!(reason.contains("another folder"), "{reason}"),
        // The file system may give the new folder the old one's number: then nothing can tell them apart.
        other => assert_eq!(other, Ok(())),
    }
}

#[tokio::test]
async fn a_call_that_was_cancelled_before_it_began_does_nothing() {
    let bench = Bench::new();
    for (tool, args) in [
        ("fs-write-file", json!({ "path": "x", "content": "x" })),
        ("fs-list-directory", json!({ "path": "." })),
        ("fs-search-files", json!({ "root": ".", "pattern": "*" })),
    ] {
        let io = CallIo::quiet();
        io.cancel.cancel();
        let Json::Object(args) = args else { unreachable!("written above") };
        assert_eq!(bench.module.call(&tool.into(), args, io).await, Err(ServerFault::Cancelled), "{tool}");
    }
    assert_eq!(fs::read_dir(&bench.root).unwrap().count(), 0);
}
