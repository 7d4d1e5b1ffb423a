//! Each form of the table × each transport that it applies to.

use std::time::Duration;

use domain::fault::Fault;
use domain::id::ServerId;
use futures::StreamExt as _;
use serde_json::json;
use testkit::evil::{CASES, Case, End, SECRET, Transport, When};

use super::siege::{Siege, call, echo, forget_the_most, memory, shown};
use super::{PATIENCE, plays};

/// Attacks at the same time.
const AT_ONCE: usize = 8;
/// How long a call to a server that may have fallen silent waits.
const AFTER: Duration = Duration::from_secs(3);
/// What the largest message may need beside the 64 MiB: the line as it came and what is read out of it.
const LARGEST: u64 = 64 << 20;

/// Cases that send as much as they can: each is played by itself, and the most memory that it took is looked at.
const HEAVY: &[&str] = &["C-02", "C-05", "C-12", "C-14b", "C-14e", "C-20", "C-27", "C-35", "C-57"];

fn number(case: &Case) -> &str {
    case.id.trim_end_matches(|c: char| c.is_ascii_lowercase())
}

fn heavy(case: &Case) -> bool {
    let exact = HEAVY.contains(&case.id);
    exact || ["C-02", "C-05", "C-20", "C-27"].contains(&number(case)) && !matches!(case.id, "C-27c" | "C-27d")
}

fn within(case: &Case, from: &str, to: &str) -> bool {
    number(case) >= from && number(case) <= to
}

/// How long a call may stay without an answer, in seconds: short where the case is that no answer comes, long where one must come.
fn limit(case: &Case) -> f64 {
    match case.end {
        End::Fault(codes) | End::Either(codes) | End::NoConnect(codes) if codes == ["timeout"] => 1.5,
        End::Fault(codes) | End::Either(codes) | End::NoConnect(codes) if codes.contains(&"timeout") => 6.0,
        _ => PATIENCE.as_secs_f64(),
    }
}

struct Attack<'s> {
    siege: &'s Siege,
    case: &'static Case,
    transport: Transport,
    limit: f64,
    id: ServerId,
}

impl<'s> Attack<'s> {
    /// Plays one form over one transport; the answer says what was not as it must be.
    async fn play(siege: &'s Siege, case: &'static Case, transport: Transport) -> Result<(), String> {
        let begun = std::time::Instant::now();
        let limit = limit(case);
        let name = format!("{} over {} ({})", case.id, transport.name(), case.about);
        let mut settings = json!({ "timeout": limit });
        // Where the case begins after the start, a start may take as long as a busy machine needs.
        let starts = if matches!(case.when, When::Call | When::List) { PATIENCE.as_secs_f64() } else { limit };
        settings["start_timeout"] = starts.into();
        let id = siege.hostile(case, transport, settings).await;
        let attack = Self { siege, case, transport, limit, id };
        // A hang anywhere ends here. Twice: the attack itself and what comes after it have patience of their own.
        let played = tokio::time::timeout(3 * PATIENCE, attack.run()).await.unwrap_or_else(|_| Err("it hangs".into()));
        let leaked = shown(&siege.app, &attack.id).contains(SECRET);
        siege.app.book.remove(&attack.id, &crate::house::window()).await.map_err(|fault| format!("{name}: {fault}"))?;
        match played {
            Ok(seen) => eprintln!("{:5.1} s {name}: {seen}", begun.elapsed().as_secs_f32()),
            Err(why) => return Err(format!("{name}: {why}")),
        }
        if leaked { Err(format!("{name}: the secret is shown in the wire log, the server's log or its stderr")) } else { Ok(()) }
    }

    async fn run(&self) -> Result<String, String> {
        let app = &self.siege.app;
        let connected = app.sessions.connect(&self.id, &crate::house::window()).await;
        // From here on the wire is kept, so that it can be looked at for secrets.
        let _ = app.sessions.frames(&self.id);
        if let End::NoConnect(codes) = self.case.end {
            let fault = connected.err().ok_or("it connects")?;
            self.said(&fault, codes)?;
            return Ok(fault.message.en);
        }
        let state = connected.map_err(|fault| format!("it does not connect: {}", fault.message.en))?;
        let generation = self.generation().await?;
        let seen = match self.case.end {
            End::NoList => {
                let fault = state.fault().ok_or("nobody says that there are no tools")?;
                self.speaks(fault)?;
                return Ok(fault.message.en.clone());
            }
            End::Listed => self.listed().await?,
            end => {
                let bitten = call(app, &self.id, "bite", json!({}), None).await;
                match (end, bitten) {
                    (End::Fine | End::Either(_), Ok(done)) if done.result.text().contains("bitten") || self.garbled() => "fine".to_owned(),
                    (End::Fine | End::Either(_), Ok(done)) => return Err(format!("another answer: {:.300}", done.result.text())),
                    (End::Fault(codes) | End::Either(codes), Err(fault)) => {
                        self.said(&fault, codes)?;
                        fault.message.en
                    }
                    (_, Ok(done)) => return Err(format!("it was taken for an answer: {:.300}", done.result.text())),
                    (_, Err(fault)) => return Err(format!("{}: {}", fault.code, fault.message.en)),
                }
            }
        };
        if self.case.survives {
            let now = self.generation().await?;
            if now != generation {
                return Err(format!("the session should go on ({seen}), and there is another one"));
            }
            let answer = echo(app, &self.id, "after", Some(PATIENCE)).await;
            let answer = answer.map_err(|fault| format!("after {seen}, the next call: {}: {}", fault.code, fault.message.en))?;
            return if answer.result.text() == "after" { Ok(seen) } else { Err(format!("after {seen}: {}", answer.result.text())) };
        }
        // The session is over, or is when the person ends it; whoever calls next gets a new one.
        let begun = std::time::Instant::now();
        loop {
            match echo(app, &self.id, "after", Some(AFTER)).await {
                Ok(answer) if answer.result.text() == "after" => return Ok(seen),
                Ok(answer) => return Err(format!("after {seen}: {}", answer.result.text())),
                Err(fault) if begun.elapsed() > PATIENCE => {
                    return Err(format!("after {seen}, no call goes through: {}", fault.message.en));
                }
                // A server that is there and says nothing: only the person knows that it will not come back.
                Err(fault) if fault.code == "timeout" => app.sessions.disconnect(&self.id).await.map_err(|fault| fault.message.en)?,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Cases whose answer, when it is taken, is another text than usual.
    fn garbled(&self) -> bool {
        self.case.id == "C-07f"
    }

    async fn generation(&self) -> Result<u64, String> {
        let live = self.siege.app.sessions.ensure(&self.id, &crate::house::window()).await;
        live.map(|live| live.generation).map_err(|fault| format!("it does not come up: {}", fault.message.en))
    }

    /// The list is there without what is wrong in it, and says so.
    async fn listed(&self) -> Result<String, String> {
        let view = self.siege.app.book.get(self.id.as_str()).await.map_err(|fault| fault.message.en)?;
        let tools = self.siege.app.tools.of(&self.id).map_err(|fault| fault.message.en)?;
        for name in ["bite", "echo"] {
            if !tools.iter().any(|view| view.tool.name.as_str() == name) {
                return Err(format!("{name} is not offered; {} tools are", tools.len()));
            }
        }
        if view.partial.is_none() && view.rejected.is_empty() {
            return Err("nobody says that something is wrong with the list".into());
        }
        if tools.len() > 512 {
            return Err(format!("{} tools are offered", tools.len()));
        }
        let rejected: Vec<_> = view.rejected.iter().map(|tool| format!("{:.40}: {:.80}", tool.name, tool.reason)).collect();
        Ok(format!("{} tools, {:?}, {rejected:?}", tools.len(), view.partial))
    }

    /// A fault of one of these codes that names the server and the limit, and says what to do.
    fn said(&self, fault: &Fault, codes: &[&str]) -> Result<(), String> {
        if !codes.contains(&fault.code.as_str()) {
            return Err(format!("{} and not one of {codes:?}: {}", fault.code, fault.message.en));
        }
        if fault.code == "timeout" {
            let limit = format!("{}", self.limit);
            if !fault.message.en.contains(&limit) {
                return Err(format!("not the limit of {limit} s that was set: {}", fault.message.en));
            }
        }
        self.speaks(fault)
    }

    fn speaks(&self, fault: &Fault) -> Result<(), String> {
        let name = format!("{} over {}", self.case.id, self.transport.name());
        let whole = format!("{fault:?}");
        if !fault.message.en.contains(&name) || !fault.message.zh.contains(&name) {
            return Err(format!("the server is not named: {whole}"));
        }
        if fault.hint.en.is_empty() || fault.hint.zh.is_empty() {
            return Err(format!("no next step: {whole}"));
        }
        if whole.contains(SECRET) {
            return Err("the secret is in the fault".into());
        }
        if whole.len() > 64 * 1024 || fault.message.en.chars().count() > 1000 {
            return Err(format!("a fault of {} bytes", whole.len()));
        }
        Ok(())
    }
}

/// Plays all forms of these cases, many at once.
async fn group(wanted: impl Fn(&Case) -> bool) {
    let siege = Siege::lay().await;
    let forms: Vec<_> =
        CASES.iter().filter(|case| wanted(case) && !heavy(case)).flat_map(|case| case.over.iter().map(move |over| (case, *over))).collect();
    assert!(!forms.is_empty(), "a group has forms");
    let played = futures::stream::iter(forms).map(|(case, over)| Attack::play(&siege, case, over)).buffer_unordered(AT_ONCE);
    let wrong: Vec<String> = played.filter_map(|played| async { played.err() }).collect().await;
    let cookies = siege.cookies();
    assert!(wrong.is_empty(), "{} forms:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(cookies, 0, "a cookie was sent back");
    siege.lift(0).await;
}

plays! {
    async fn frames_and_messages_that_break_the_rules_end_in_a_typed_fault() {
        group(|case| within(case, "C-01", "C-13")).await;
    }

    async fn sockets_and_handshakes_that_break_the_rules_end_in_a_typed_fault() {
        group(|case| within(case, "C-14", "C-15") || within(case, "C-54", "C-56")).await;
    }

    async fn lists_and_results_that_break_the_rules_spoil_nothing_else() {
        group(|case| within(case, "C-16", "C-16") || within(case, "C-32", "C-33") || within(case, "C-49", "C-51") || within(case, "C-57", "C-57")).await;
    }

    async fn programs_that_end_or_stop_or_breed_leave_nothing_behind() {
        group(|case| within(case, "C-17", "C-24")).await;
    }

    async fn responses_that_break_the_rules_of_http_end_in_a_typed_fault() {
        group(|case| within(case, "C-25", "C-31") || within(case, "C-35", "C-40")).await;
    }

    /// One at a time: the most memory that each takes is looked at.
    async fn however_much_a_server_sends_memory_is_bounded() {
        let siege = Siege::lay().await;
        let mut wrong = Vec::new();
        for case in CASES.iter().filter(|case| heavy(case)) {
            for over in case.over {
                forget_the_most();
                let before = memory("VmRSS");
                wrong.extend(Attack::play(&siege, case, *over).await.err());
                let most = memory("VmHWM").saturating_sub(before);
                eprintln!("    at most {} MiB more", most >> 20);
                if most > (64 << 20) + LARGEST {
                    wrong.push(format!("{} over {}: {} MiB of memory", case.id, over.name(), most >> 20));
                }
            }
        }
        assert!(wrong.is_empty(), "{} forms:\n{}", wrong.len(), wrong.join("\n"));
        siege.lift(0).await;
    }
}

#[test]
fn every_form_of_the_table_is_played_in_one_group() {
    let groups: [(&str, &str); 9] = [
        ("C-01", "C-13"),
        ("C-14", "C-15"),
        ("C-54", "C-56"),
        ("C-16", "C-16"),
        ("C-32", "C-33"),
        ("C-49", "C-51"),
        ("C-57", "C-57"),
        ("C-17", "C-24"),
        ("C-25", "C-31"),
    ];
    for case in CASES {
        let played = groups.iter().filter(|(from, to)| within(case, from, to)).count() + usize::from(within(case, "C-35", "C-40"));
        assert_eq!(played, 1, "{} is played {played} times", case.id);
    }
}
