//! The real window, driven through WebDriver under Xvfb: what a person does in the first ten minutes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods, missing_docs, reason = "these are tests")]

mod clusters;
mod connect;
mod credential;
mod listening;
mod sweep;
mod trace;
mod vault;
mod window;
mod workbench;

use crate::window::{Window, target_dir};

#[tokio::test(flavor = "multi_thread")]
async fn a_person_adds_servers_runs_tools_cancels_one_and_finds_it_all_in_activity() {
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(home.path()).await;

    // The built-in server is there from the start.
    window.find_with("server-row", "filesystem").await;
    window.picture("servers-first-run").await;

    // From a template, tested before it is saved.
    window.click("add-server").await;
    window.find_with("template-card", "Files in a folder").await;
    window.picture("add-templates").await;
    window.click_with("template-card", "Files in a folder").await;
    let name = window.css("[data-testid=\"server-name\"]").await;
    name.clear().await.unwrap();
    name.send_keys("notes").await.unwrap();
    window.click("test-server").await;
    window.find_with("test-result", "fs-read-file").await;
    window.picture("add-form-tested").await;
    window.click("save-server").await;
    window.find_with("server-row", "notes").await;

    // By pasting what another program wrote. A program is accepted first, with its exact command line in view.
    let echo = target_dir().join("echo-server");
    assert!(echo.exists(), "{} is not built: run `make test-window`", echo.display());
    let config = serde_json::json!({ "mcpServers": { "echo": { "command": echo, "args": ["stdio"] } } });
    window.click("nav-servers").await;
    window.click("add-server").await;
    window.click("add-paste").await;
    window.type_into("[data-testid=\"paste-text\"] .cm-content", &config.to_string()).await;
    window.find_with("import-item", "echo").await;
    window.picture("add-paste").await;
    window.click("import-apply").await;
    window.click("nav-servers").await;
    window.click_with("server-row", "echo").await;
    let review = window.find("review").await;
    assert!(review.prop("textContent").await.unwrap().unwrap_or_default().contains("echo-server"), "the command line is shown whole");
    window.picture("server-review").await;
    window.click("server-accept").await;
    window.find_with("server-panel", "Connected").await;
    window.picture("server-connected").await;

    // A tool of the built-in server, through its form.
    window.click("nav-tools").await;
    window.click_with("tool-row", "fs-list-directory").await;
    window.picture("tool-form").await;
    window
        .css("[data-testid=\"tool-panel\"] input[id$=\"-path\"], [data-testid=\"tool-panel\"] textarea[id$=\"-path\"]")
        .await
        .send_keys(".")
        .await
        .unwrap();
    window.click("tool-run").await;
    window.css("[data-testid=\"tool-result\"][data-state=\"done\"]").await;
    window.picture("tool-result").await;

    // One that changes something asks first, and runs after a yes.
    window.open_tool("fs-write-file").await;
    let field =
        |name: &str| format!("[data-testid=\"tool-panel\"] input[id$=\"-{name}\"], [data-testid=\"tool-panel\"] textarea[id$=\"-{name}\"]");
    window.css(&field("path")).await.send_keys("note.txt").await.unwrap();
    window.css(&field("content")).await.send_keys("written from the window").await.unwrap();
    window.click("tool-run").await;
    window.find("question").await;
    window.picture("question").await;
    window.click("question-allow").await;
    window.css("[data-testid=\"tool-result\"][data-state=\"done\"]").await;
    let written = window.home.join("config/pilothouse/scratch/note.txt");
    assert_eq!(std::fs::read_to_string(&written).unwrap(), "written from the window");

    // A slow one runs until it is cancelled.
    window.open_tool("hold").await;
    window.click("tool-run").await;
    window.find("tool-cancel").await;
    window.find("tool-progress").await;
    window.picture("tool-running").await;
    window.click("tool-cancel").await;
    window.css("[data-testid=\"tool-result\"][data-state]").await;
    window.picture("tool-cancelled").await;

    // It is all in Activity, and the chain holds.
    window.click("nav-activity").await;
    window.find_with("activity-row", "fs-list-directory").await;
    let cancelled = window.find_with("activity-row", "hold").await;
    assert!(cancelled.prop("textContent").await.unwrap().unwrap_or_default().contains("Cancelled"), "the cancelled call says so");
    window.click("activity-verify").await;
    window.find("verify-result").await;
    window.picture("activity").await;

    // Settings, both languages, both themes.
    window.click("nav-settings").await;
    window.find("settings-theme").await;
    window.picture("settings").await;
    window.click("theme-toggle").await;
    window.click("nav-servers").await;
    window.find_with("server-row", "echo").await;
    window.picture("servers-dark").await;
    window.click("lang-toggle").await;
    window.find_with("nav-servers", "服务器").await;
    window.picture("servers-dark-zh").await;
    window.click("nav-tools").await;
    window.find_with("tool-row", "hold").await;
    window.picture("tools-dark-zh").await;
    window.click("theme-toggle").await;
    window.click("nav-activity").await;
    window.find_with("activity-row", "hold").await;
    window.picture("activity-zh").await;
    window.click("lang-toggle").await;

    window.close().await;

    // A second start remembers: the servers are there, and the chosen theme and language.
    let window = Window::open(home.path()).await;
    window.find_with("server-row", "notes").await;
    window.find_with("server-row", "echo").await;
    window.click("nav-activity").await;
    window.find_with("activity-row", "hold").await;
    window.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_is_injected_reaches_neither_foreign_origins_nor_frames() {
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(home.path()).await;
    window.find_with("server-row", "filesystem").await;
    let canary = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    canary.set_nonblocking(true).unwrap();
    let url = format!("http://{}/canary", canary.local_addr().unwrap());
    // What a hostile description would try if it were ever read as HTML.
    let script = format!(
        "const done = arguments[0]; const tries = []; \
         const img = new Image(); img.src = '{url}/img'; document.body.append(img); \
         const frame = document.createElement('iframe'); frame.src = '{url}/frame'; document.body.append(frame); \
         const css = document.createElement('div'); css.style.backgroundImage = 'url({url}/css)'; document.body.append(css); \
         let evaluated = 'refused'; try {{ evaluated = new Function('return 1')(); }} catch {{}} \
         fetch('{url}/fetch').then(() => 'reached', () => 'refused').then((fetched) => setTimeout(() => done([fetched, evaluated]), 500));"
    );
    let answer = window.driver.execute_async(&script, vec![]).await.unwrap();
    assert_eq!(answer.json(), &serde_json::json!(["refused", "refused"]));
    assert!(canary.accept().is_err(), "the window called a foreign address");
    window.close().await;
}

/// Without WebDriver, which opens a socket of its own inside the window it drives.
#[tokio::test(flavor = "multi_thread")]
async fn the_app_listens_on_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut app = Window::bare(home.path()).await;
    let open = listening::sockets_of_tree("pilothouse", home.path());
    app.kill().unwrap();
    app.wait().unwrap();
    assert!(open.is_empty(), "a socket listens: {open:?}");
}
