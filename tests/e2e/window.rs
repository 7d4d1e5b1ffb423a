//! Starts the real window under WebDriver, isolated from the user's own data, and takes pictures of it.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thirtyfour::prelude::*;

/// A running window with data of its own.
pub(crate) struct Window {
    /// The WebDriver session.
    pub(crate) driver: WebDriver,
    /// The folder that stands in for the user's home.
    pub(crate) home: PathBuf,
    tauri_driver: Child,
    _turn: tokio::sync::OwnedMutexGuard<()>,
}

/// One window at a time: the app itself lets a second one only bring the first one forward.
static TURN: std::sync::LazyLock<std::sync::Arc<tokio::sync::Mutex<()>>> = std::sync::LazyLock::new(std::sync::Arc::default);

/// Starts a dot that changes its colour by what no eye sees.
const MOVE: &str = "const dot = document.createElement('i'); dot.id = 'moving'; dot.style.cssText = 'position:fixed;right:0;bottom:0;width:1px;height:1px'; \
     document.body.append(dot); let odd = false; window.moving = setInterval(() => { odd = !odd; dot.style.background = odd ? 'rgba(128,128,128,.01)' : 'none'; }, 30);";

/// Where the debug build put its programs.
pub(crate) fn target_dir() -> PathBuf {
    let me = std::env::current_exe().unwrap();
    me.parent().and_then(Path::parent).unwrap().to_path_buf()
}

fn program(name: &str) -> PathBuf {
    let path = target_dir().join(name);
    assert!(path.exists(), "{} is not built: run `make test-window`, which builds it first", path.display());
    path
}

fn tauri_driver() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME names the user's folder")).join(".cache"), PathBuf::from);
    let path = cache.join("pilothouse/bin/tauri-driver");
    assert!(path.exists(), "tauri-driver is missing at {}: run scripts/need.sh test", path.display());
    path
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn wait_for_port(port: u16) {
    let until = Instant::now() + Duration::from_secs(60);
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < until, "nothing listens on port {port} after 60 s: is webkit2gtk-driver installed?");
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Window {
    /// Opens the window on data in `home`; a second window on the same `home` sees what the first one left.
    pub(crate) async fn open(home: &Path) -> Self {
        assert!(std::env::var_os("DISPLAY").is_some(), "no display: run through `make test-window`, which starts Xvfb");
        let turn = TURN.clone().lock_owned().await;
        // WebDriver's client speaks plain http, but reqwest is built without a provider of its own and wants one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (port, native) = (free_port(), free_port());
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut command = Command::new(tauri_driver());
        command
            .args(["--port", &port.to_string(), "--native-port", &native.to_string()])
            .env_clear()
            .env("PATH", path)
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("LANG", "C.UTF-8")
            // No keyring: the person's own must not be asked, and one that the bus starts by itself would make every run another.
            .env("PILOTHOUSE_KEYRING_SERVICE", "")
            .env("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        for name in ["DISPLAY", "DBUS_SESSION_BUS_ADDRESS", "XAUTHORITY"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        let tauri_driver = command.spawn().unwrap();
        wait_for_port(port);
        wait_for_port(native);
        let mut caps = Capabilities::new();
        caps.set("browserName", serde_json::json!("wry")).unwrap();
        caps.set("tauri:options", serde_json::json!({ "application": program("pilothouse") })).unwrap();
        let driver = WebDriver::new(&format!("http://127.0.0.1:{port}"), caps).await.unwrap();
        Self { driver, home: home.to_path_buf(), tauri_driver, _turn: turn }
    }

    /// Starts the app by itself, and waits until its store is open and the window is on the display.
    pub(crate) async fn bare(home: &Path) -> Child {
        let _turn = TURN.clone().lock_owned().await;
        let app = Command::new(program("pilothouse"))
            .env("HOME", home)
            .env("XDG_CONFIG_HOME", home.join("config"))
            .env("XDG_DATA_HOME", home.join("data"))
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("PILOTHOUSE_KEYRING_SERVICE", "")
            .env("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while !home.join("config/pilothouse/store").exists() {
            assert!(Instant::now() < until, "the app did not open its store");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // The servers that start with the app have a second to connect: a listener of theirs would be seen too.
        tokio::time::sleep(Duration::from_secs(1)).await;
        app
    }

    /// The element with this `data-testid`; waits up to 60 s for it to be shown.
    pub(crate) async fn find(&self, id: &str) -> WebElement {
        self.css(&format!("[data-testid=\"{id}\"]")).await
    }

    /// The first element that fits; waits up to 60 s for it to be shown.
    pub(crate) async fn css(&self, selector: &str) -> WebElement {
        match self.driver.query(By::Css(selector)).wait(Duration::from_secs(60), Duration::from_millis(100)).and_displayed().first().await {
            Ok(element) => element,
            Err(fault) => {
                self.picture("failed").await;
                panic!("{selector} did not appear (picture in target/screenshots/failed.png): {fault}");
            }
        }
    }

    /// The first element with this `data-testid` whose text contains `text`.
    pub(crate) async fn find_with(&self, id: &str, text: &str) -> WebElement {
        // Rows are redrawn while a list refreshes, so an element is looked up and judged in one step.
        let script = "return [...document.querySelectorAll(arguments[0])].find((one) => one.textContent.includes(arguments[1])) ?? null;";
        let selector = format!("[data-testid=\"{id}\"]");
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let found = self.driver.execute(script, vec![selector.as_str().into(), text.into()]).await;
            if let Ok(element) = found.and_then(thirtyfour::prelude::ScriptRet::element) {
                return element;
            }
            if Instant::now() > until {
                self.picture("failed").await;
                panic!("no {id} with the text {text:?} (picture in target/screenshots/failed.png)");
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Clicks the first element with this `data-testid` whose text contains `text`.
    pub(crate) async fn click_with(&self, id: &str, text: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(fault) = self.find_with(id, text).await.click().await {
            assert!(Instant::now() < until, "{id} with the text {text:?} cannot be clicked: {fault}");
        }
    }

    /// Clicks the element with this `data-testid`, as soon as nothing that is closing lies over it.
    pub(crate) async fn click(&self, id: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while let Err(fault) = self.find(id).await.click().await {
            assert!(Instant::now() < until, "{id} cannot be clicked: {fault}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// No keyring answers here: keeps secrets under a passphrase.
    pub(crate) async fn make_vault(&self, passphrase: &str) {
        self.click("vault-open").await;
        self.click("vault-way-passphrase").await;
        self.search("vault-settle-box", passphrase).await;
        self.search("vault-settle-again", passphrase).await;
        self.click("vault-settle-send").await;
        self.css("[data-testid=\"vault\"][data-state=\"unlocked\"]").await;
    }

    /// Opens a tool.
    pub(crate) async fn open_tool(&self, name: &str) {
        self.search("tool-search", name).await;
        self.open_row("tool-row", name, "tool-panel").await;
    }

    /// Clicks the row that contains `name` until the panel of that name is open: a list that is redrawn, or moves because a notice above it
    /// goes, may take the row away from under the pointer.
    pub(crate) async fn open_row(&self, row: &str, name: &str, panel: &str) {
        let script = "const one = document.querySelector(`[data-testid=\"${arguments[0]}\"]`); return one?.getAttribute('aria-label') === arguments[1];";
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            self.click_with(row, name).await;
            for _ in 0..10 {
                let open = self.driver.execute(script, vec![panel.into(), name.into()]).await.ok().and_then(|found| found.json().as_bool());
                if open == Some(true) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            assert!(Instant::now() < until, "the panel of {name} did not open");
        }
    }

    /// Puts text into an editor as if it were pasted.
    pub(crate) async fn type_into(&self, selector: &str, text: &str) {
        let editor = self.css(selector).await;
        editor.click().await.unwrap();
        self.driver
            .execute(
                "arguments[0].focus(); document.execCommand('insertText', false, arguments[1]);",
                vec![editor.to_json().unwrap(), text.into()],
            )
            .await
            .unwrap();
    }

    /// Types into a search box.
    pub(crate) async fn search(&self, id: &str, text: &str) {
        let boxes = self.css(&format!("input[data-testid=\"{id}\"], [data-testid=\"{id}\"] input")).await;
        boxes.clear().await.unwrap();
        boxes.send_keys(text).await.unwrap();
    }

    /// Brings a part of a page that scrolls into sight.
    pub(crate) async fn show(&self, selector: &str) {
        self.css(selector).await.scroll_into_view().await.unwrap();
    }

    /// Writes a picture of the window under `target/screenshots/`.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = target_dir().parent().unwrap().join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        // Animations are at most 120 ms. WebKit takes a picture when it next draws, and where nothing moves that may be a minute later (the
        // clock in the status bar): a dot that nobody can see is kept moving meanwhile.
        let _ = self.driver.execute_async(&format!("{MOVE} setTimeout(arguments[0], 200);"), vec![]).await;
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.unwrap();
        let _ = self.driver.execute("clearInterval(window.moving); document.getElementById('moving')?.remove();", vec![]).await;
    }

    /// Closes the window and waits for the driver to end.
    pub(crate) async fn close(mut self) {
        let _ = self.driver.clone().quit().await;
        // SIGTERM: it then ends WebKitWebDriver too.
        let _ = Command::new("kill").arg(self.tauri_driver.id().to_string()).status();
        let _ = self.tauri_driver.wait();
    }
}
