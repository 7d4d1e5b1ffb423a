//! Progress of a call: a bar on a terminal, lines of JSON for `--stream`.

use domain::Json;
use domain::protocol::CallEvent;

use crate::out::Out;
use crate::table::cut;
use crate::words::tame_line;

/// What is drawn while a call runs.
#[derive(Debug)]
pub(crate) struct Progress {
    out: Out,
    stream: bool,
    drawn: bool,
}

impl Progress {
    pub(crate) fn new(out: Out, stream: bool) -> Self {
        Self { out, stream, drawn: false }
    }

    /// Takes one event.
    pub(crate) fn take(&mut self, event: &CallEvent) {
        if self.stream {
            if self.out.for_programs() {
                self.out.line(&serde_json::to_string(event).unwrap_or_default());
            } else if let CallEvent::Chunk { data } = event {
                self.out.line(&chunk_text(data));
            }
        }
        if let CallEvent::Progress { progress, total, message } = event {
            self.draw(*progress, *total, message.as_deref());
        }
    }

    fn draw(&mut self, progress: f64, total: Option<f64>, message: Option<&str>) {
        if !self.out.draws_progress() {
            return;
        }
        let bar = bar(progress, total);
        let text = message.map_or_else(|| bar.clone(), |message| format!("{bar} {}", tame_line(message)));
        self.out.tell_part(&format!("\r\u{1b}[2K{}", cut(&text, self.out.width().saturating_sub(1))));
        self.drawn = true;
    }

    /// Wipes the bar away.
    pub(crate) fn clear(&mut self) {
        if self.drawn {
            self.out.tell_part("\r\u{1b}[2K");
            self.drawn = false;
        }
    }
}

fn chunk_text(data: &Json) -> String {
    match data {
        Json::String(text) => text.clone(),
        other => other.get("text").and_then(Json::as_str).map_or_else(|| other.to_string(), str::to_owned),
    }
}

fn bar(progress: f64, total: Option<f64>) -> String {
    const CELLS: usize = 24;
    match total.filter(|total| *total > 0.0 && progress.is_finite()) {
        Some(total) => {
            let part = (progress / total).clamp(0.0, 1.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "between 0 and 24")]
            let full = (part * CELLS as f64).round() as usize;
            format!("[{}{}] {:3.0}%", "█".repeat(full), "·".repeat(CELLS - full), part * 100.0)
        }
        None => format!("… {progress}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_at_the_end_and_never_over() {
        assert!(bar(1.0, Some(2.0)).ends_with(" 50%"));
        assert!(bar(5.0, Some(2.0)).ends_with("100%") && !bar(5.0, Some(2.0)).contains('·'));
        assert_eq!(bar(7.0, None), "… 7");
        assert_eq!(bar(1.0, Some(0.0)), "… 1");
    }
}
