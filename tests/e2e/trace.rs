//! What the window is told: every answer of the core, every event, and what the page holds.

use std::path::Path;

use crate::sweep::spells;
use crate::window::Window;

/// From here on answers and events are kept beside the page. Requests are not: a secret goes in, and never comes out.
const KEEP: &str = "const kept = window.kept = []; const real = window.fetch; \
     window.fetch = async (...words) => { const answer = await real(...words); const copy = answer.clone(); \
         copy.text().then((text) => kept.push(`answer ${words[0]} ${text}`)); return answer; }; \
     const core = window.__TAURI_INTERNALS__; \
     core.invoke('plugin:event|listen', { event: 'pilothouse', target: { kind: 'Any' }, \
         handler: core.transformCallback((event) => kept.push(`event ${JSON.stringify(event)}`)) }).then(() => arguments[0](true), (fault) => arguments[0](String(fault)));";

const TELL: &str = "const fields = [...document.querySelectorAll('input, textarea')].map((one) => one.value); \
     return [...window.kept, document.documentElement.outerHTML, JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }), ...fields].join('\\n');";

/// Begins to keep what the window is told.
pub(crate) async fn begin(window: &Window) {
    let begun = window.driver.execute_async(KEEP, vec![]).await.unwrap();
    assert_eq!(begun.json(), &serde_json::Value::Bool(true), "events can be heard");
}

/// What it was told since, which must hold these words (so that it is known to be kept at all) and none of the needles in any spelling.
pub(crate) async fn holds_only(window: &Window, words: &[&str], needles: &[&str]) {
    let told = window.driver.execute(TELL, vec![]).await.unwrap().json().as_str().unwrap().to_owned();
    for word in words {
        assert!(told.contains(word), "{word} was not told: {} characters", told.len());
    }
    for needle in needles {
        assert!(!spells(told.as_bytes(), needle), "the window was told {}…", &needle[..12]);
    }
}

/// Processes below a home whose command line or environment shows a needle, and how many were looked at.
pub(crate) fn processes_showing(home: &Path, needles: &[&str]) -> (Vec<String>, usize) {
    let (mut showing, mut seen) = (Vec::new(), 0);
    let own = format!("HOME={}", home.display());
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let environ = read("environ");
        if !environ.windows(own.len()).any(|part| part == own.as_bytes()) {
            continue;
        }
        seen += 1;
        for (file, bytes) in [("environ", environ), ("cmdline", read("cmdline"))] {
            let shown = needles.iter().filter(|needle| spells(&bytes, needle));
            showing.extend(shown.map(|needle| format!("{}/{file} shows {}…", entry.path().display(), &needle[..12])));
        }
    }
    (showing, seen)
}
