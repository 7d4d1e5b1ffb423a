//! A vault on a computer without a keyring: chosen, locked, opened; what is given to it lies in no file.

use crate::sweep::holding;
use crate::trace;
use crate::window::Window;

const TOKEN: &str = "canary-7f3e91d0-bearer-of-a-server-0a1b2c3d";
const PASSPHRASE: &str = "canary passphrase of several words";

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_without_a_keyring_is_chosen_locked_and_opened_and_keeps_a_token() {
    let home = tempfile::tempdir().unwrap();
    let window = Window::open(home.path()).await;
    trace::begin(&window).await;

    // Nothing is chosen for the person; over every page it is said.
    window.css("[data-testid=\"vault-banner\"][data-state=\"absent\"]").await;
    window.picture("vault-banner-absent").await;
    window.click("vault-open").await;
    window.css("[data-testid=\"vault\"][data-state=\"absent\"]").await;
    window.picture("vault-absent").await;
    window.click("vault-way-passphrase").await;
    window.search("vault-settle-box", PASSPHRASE).await;
    window.search("vault-settle-again", PASSPHRASE).await;
    window.click("vault-settle-send").await;
    window.css("[data-testid=\"vault\"][data-state=\"unlocked\"]").await;
    window.picture("vault-unlocked").await;

    // A token is typed into a server's form; from then on the form says where it is.
    window.click("nav-servers").await;
    window.click("add-server").await;
    window.click_with("template-card", "Kubernetes over HTTP").await;
    window.search("server-name", "guarded").await;
    window.css("[data-field=\"auth_token\"] input").await.send_keys(TOKEN).await.unwrap();
    window.click("save-server").await;
    window.find_with("server-panel", "guarded").await;
    window.click("tab-settings").await;
    window.find("secret-kept").await;
    window.picture("server-secret-kept").await;
    window.click("nav-settings").await;
    window.find_with("secret-row", "guarded").await;
    window.show("[data-part=\"vault\"]").await;
    window.picture("vault-secrets").await;
    window.click("lang-toggle").await;
    window.picture("vault-secrets-zh").await;
    window.click("lang-toggle").await;

    // Locked: said over the page; a wrong passphrase is said too; the right one opens it.
    window.click("vault-lock").await;
    window.css("[data-testid=\"vault\"][data-state=\"locked\"]").await;
    window.click("nav-tools").await;
    window.css("[data-testid=\"vault-banner\"][data-state=\"locked\"]").await;
    window.search("vault-passphrase-box", "not the passphrase").await;
    window.click("vault-passphrase-send").await;
    window.css("[data-testid=\"vault-banner\"] [data-testid=\"fault\"]").await;
    window.picture("vault-banner-wrong").await;
    window.click("lang-toggle").await;
    window.find_with("vault-banner", "保险库已锁定").await;
    window.picture("vault-banner-wrong-zh").await;
    window.click("lang-toggle").await;
    window.search("vault-passphrase-box", PASSPHRASE).await;
    window.click("vault-passphrase-send").await;
    window.find_with("status-vault", "Unlocked").await;
    let words = ["answer ipc://localhost/server_save", "answer ipc://localhost/vault_settle", "answer ipc://localhost/secret_list"];
    trace::holds_only(&window, &words, &[TOKEN, PASSPHRASE]).await;
    let (showing, seen) = trace::processes_showing(home.path(), &[TOKEN, PASSPHRASE]);
    assert!(showing.is_empty() && seen >= 3, "{showing:#?} in {seen} processes");
    window.close().await;

    let left = holding(home.path(), &[TOKEN, PASSPHRASE]);
    assert!(left.is_empty(), "{left:#?}");

    // After a restart it wants its passphrase, and what needs no secret works without.
    let window = Window::open(home.path()).await;
    window.css("[data-testid=\"vault-banner\"][data-state=\"locked\"]").await;
    window.click("vault-without").await;
    window.click("nav-tools").await;
    window.find_with("tool-row", "fs-list-directory").await;
    window.close().await;
}
