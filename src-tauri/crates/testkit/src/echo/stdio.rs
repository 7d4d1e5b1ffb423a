//! The echo server over stdin and stdout.

use std::io::{BufRead, Write};
use std::sync::{Arc, Mutex};

use super::{Echo, Handled, Out};

/// Serves until stdin ends. Blocks the calling thread; must run inside a runtime, which carries the slow calls.
pub fn serve_stdio(echo: &Arc<Echo>) {
    let conn = echo.open();
    let stdout = Arc::new(Mutex::new(std::io::stdout()));
    let out: Out = {
        let stdout = Arc::clone(&stdout);
        Arc::new(move |text: String| write_line(&mut stdout.lock().unwrap(), text))
    };
    echo.listen(&conn, Arc::clone(&out));
    let mut stdin = std::io::BufReader::with_capacity(64 * 1024, std::io::stdin().lock());
    let mut line = String::new();
    loop {
        line.clear();
        match stdin.read_line(&mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        if line.trim().is_empty() {
            continue;
        }
        if let Handled::Now(text) = echo.handle(&conn, &line, || Arc::clone(&out))
            && !write_line(&mut stdout.lock().unwrap(), text)
        {
            break;
        }
    }
    echo.forget(&conn);
}

fn write_line(stdout: &mut std::io::Stdout, mut text: String) -> bool {
    text.push('\n');
    stdout.write_all(text.as_bytes()).is_ok() && stdout.flush().is_ok()
}
