//! The PATH that the person's login shell makes. A desktop starts programs without it, and then `npx` is not found.

use std::collections::BTreeMap;

use tokio_util::task::TaskTracker;

/// What stands around the answer, so that a shell that greets is understood all the same.
#[cfg(unix)]
const MARK: &str = "\u{1}pilothouse-path\u{1}";

/// Asks the shell, once, for at most 3 s. None when there is no shell, no answer, or nothing in it.
#[cfg(unix)]
pub(super) async fn path(env: &BTreeMap<String, String>, guard: &[String], tasks: &TaskTracker) -> Option<String> {
    use std::time::Duration;

    use tokio::io::AsyncReadExt as _;

    use crate::guard::{Limits, Spec, Ward};

    const BUDGET: Duration = Duration::from_secs(3);
    const MOST: u64 = 256 << 10;

    let shell = env.get("SHELL").filter(|shell| shell.starts_with('/')).cloned().unwrap_or_else(|| "/bin/sh".into());
    let mut spec_env: BTreeMap<String, String> =
        env.iter().filter(|(name, _)| super::place::is_kept(name)).map(|(name, value)| (name.clone(), value.clone())).collect();
    spec_env.insert("TERM".into(), "dumb".into());
    // Interactive as well: most people set PATH in the file that only interactive shells read.
    let args = ["-l", "-i", "-c", "printf '\\001pilothouse-path\\001%s\\001pilothouse-path\\001' \"$PATH\""].map(str::to_owned);
    let spec = Spec { program: shell, args: args.to_vec(), cwd: env.get("HOME").cloned(), env: spec_env, limits: Limits::default() };
    let asked = async {
        let (ward, pipes) = Ward::start(guard, "login-shell", &spec, tasks).await.ok()?;
        drop(pipes.stdin);
        let mut answer = Vec::new();
        let mut stderr = pipes.stderr;
        let mut stdout = pipes.stdout.take(MOST);
        let mut chunk = vec![0_u8; 8192];
        let mut complaints = vec![0_u8; 8192];
        let mut listening = true;
        loop {
            tokio::select! {
                read = stdout.read(&mut chunk) => match read {
                    Ok(0) | Err(_) => break,
                    Ok(read) => {
                        answer.extend_from_slice(&chunk[..read]);
                        if between(&answer).is_some() {
                            break;
                        }
                    }
                },
                // Read and forgotten, so that a shell that complains a lot is not held up.
                read = stderr.read(&mut complaints), if listening => listening = matches!(read, Ok(1..)),
            }
        }
        ward.kill();
        between(&answer)
    };
    let path = tokio::time::timeout(BUDGET, asked).await.ok().flatten();
    if path.is_none() {
        tracing::info!("the login shell did not say its PATH");
    }
    path
}

#[cfg(unix)]
fn between(answer: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(answer);
    let path = text.split(MARK).nth(1).filter(|_| text.matches(MARK).count() >= 2)?;
    (!path.is_empty()).then(|| path.to_owned())
}

/// There is no login shell here.
#[cfg(not(unix))]
pub(super) async fn path(_: &BTreeMap<String, String>, _: &[String], _: &TaskTracker) -> Option<String> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::{MARK, between};

    #[test]
    fn a_greeting_around_the_answer_does_not_matter_and_half_an_answer_is_none() {
        assert_eq!(between(format!("Welcome!\n{MARK}/bin:/usr/bin{MARK}bye").as_bytes()), Some("/bin:/usr/bin".into()));
        assert_eq!(between(format!("{MARK}/bin").as_bytes()), None);
        assert_eq!(between(format!("{MARK}{MARK}").as_bytes()), None);
    }
}
