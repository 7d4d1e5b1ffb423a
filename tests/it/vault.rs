//! The vault over rows in memory and a keyring that does as it is told: its seven states, its keys, and kills at each step.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use domain::fault::Fault;
use domain::id::{Millis, SecretId};
use domain::secret::Secret;
use domain::vault::{NewSecret, Owner, SecretBytes, SecretKind, Unlock, Vault, VaultKind, VaultState};
use secrets::{Cost, Keyring, KeyringFault, PassphraseSource, Redactor, SealedVault, Standing, VaultParts};
use testkit::memory::StillClock;
use testkit::memory_rows::MemoryRows;

/// What the person does when the keyring asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Person {
    Unlocks,
    Refuses,
    IsAway,
}

#[derive(Debug)]
struct Ring {
    there: bool,
    locked: bool,
    person: Person,
    asked: usize,
    entries: BTreeMap<String, Vec<u8>>,
    /// So many changes are still done; then the keyring is gone.
    left: Option<usize>,
}

/// A keyring that behaves. Clones are the same one.
#[derive(Debug, Clone)]
struct FakeKeyring(Arc<(Mutex<Ring>, Condvar)>);

impl FakeKeyring {
    fn open() -> Self {
        let ring = Ring { there: true, locked: false, person: Person::Unlocks, asked: 0, entries: BTreeMap::new(), left: None };
        Self(Arc::new((Mutex::new(ring), Condvar::new())))
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, change: impl FnOnce(&mut Ring)) {
        change(&mut self.ring());
        self.0.1.notify_all();
    }

    /// Asks the person if it is locked.
    fn come_in(&self) -> Result<MutexGuard<'_, Ring>, KeyringFault> {
        let mut ring = self.ring();
        if !ring.there {
            return Err(KeyringFault::Absent("no service".into()));
        }
        if ring.locked {
            ring.asked += 1;
            while ring.person == Person::IsAway {
                ring = self.0.1.wait(ring).unwrap_or_else(PoisonError::into_inner);
            }
            if ring.person == Person::Refuses {
                return Err(KeyringFault::Locked("dismissed".into()));
            }
            ring.locked = false;
        }
        Ok(ring)
    }

    fn change(ring: &mut Ring) -> Result<(), KeyringFault> {
        if ring.left == Some(0) {
            return Err(KeyringFault::Absent("the process is gone".into()));
        }
        ring.left = ring.left.map(|left| left - 1);
        Ok(())
    }
}

impl Keyring for FakeKeyring {
    fn look(&mut self, account: &str) -> Result<Standing, KeyringFault> {
        let ring = self.ring();
        match (ring.there, ring.locked, ring.entries.contains_key(account)) {
            (false, ..) => Err(KeyringFault::Absent("no service".into())),
            (_, true, _) => Ok(Standing::Locked),
            (_, _, true) => Ok(Standing::Readable),
            _ => Ok(Standing::Missing),
        }
    }

    fn read(&mut self, account: &str) -> Result<Option<SecretBytes>, KeyringFault> {
        Ok(self.come_in()?.entries.get(account).map(|value| SecretBytes::new(value.as_slice())))
    }

    fn write(&mut self, account: &str, value: &SecretBytes) -> Result<(), KeyringFault> {
        let mut ring = self.come_in()?;
        Self::change(&mut ring)?;
        ring.entries.insert(account.to_owned(), value.expose().to_vec());
        Ok(())
    }

    fn remove(&mut self, account: &str) -> Result<(), KeyringFault> {
        let mut ring = self.come_in()?;
        Self::change(&mut ring)?;
        ring.entries.remove(account);
        Ok(())
    }
}

struct Bench {
    rows: MemoryRows,
    ring: FakeKeyring,
    clock: Arc<StillClock>,
    redactor: Arc<Redactor>,
}

impl Bench {
    fn new() -> Self {
        Self { rows: MemoryRows::default(), ring: FakeKeyring::open(), clock: StillClock::at(1_000_000), redactor: Arc::default() }
    }

    /// One process's vault over the same rows and keyring.
    async fn process(&self) -> SealedVault {
        self.process_with(None, None).await
    }

    async fn process_with(&self, wanted: Option<VaultKind>, passphrase: Option<&'static str>) -> SealedVault {
        SealedVault::over(VaultParts {
            rows: Arc::new(self.rows.clone()),
            clock: self.clock.clone(),
            redact: self.redactor.clone(),
            keyring: Box::new(self.ring.clone()),
            cost: Cost::CHEAP,
            kit_work: Some(4),
            wanted,
            passphrase: passphrase.map(|text| PassphraseSource::new(move || Some(Secret::new(text)))),
        })
        .await
        .unwrap()
    }
}

fn secret(field: &str, value: &str) -> NewSecret {
    NewSecret { owner: Owner::new("server", "s", field), value: SecretBytes::new(value), kind: SecretKind::Token, expires_at: None }
}

async fn keep(vault: &SealedVault, field: &str, value: &str) -> Result<SecretId, Fault> {
    Ok(vault.keep(vec![secret(field, value)]).await?.remove(0))
}

async fn text(vault: &SealedVault, id: &SecretId) -> Result<String, Fault> {
    Ok(vault.open(id).await?.to_secret().unwrap().expose().to_owned())
}

const UNLOCKED: VaultState = VaultState::Unlocked { kind: VaultKind::Keyring };
const LOCKED: VaultState = VaultState::Locked { kind: VaultKind::Keyring };

#[tokio::test]
async fn a_value_that_was_kept_comes_back_in_this_process_and_in_the_next() {
    let bench = Bench::new();
    let vault = bench.process().await;
    assert_eq!(vault.state(), LOCKED, "nothing was touched yet");
    assert!(bench.ring.ring().entries.is_empty());
    let id = keep(&vault, "auth_token", "hunter22").await.unwrap();
    assert_eq!(vault.state(), UNLOCKED);
    assert_eq!(text(&vault, &id).await.unwrap(), "hunter22");
    bench.clock.advance(1_000_000);
    let next = bench.process().await;
    assert_eq!(text(&next, &id).await.unwrap(), "hunter22");
    let facts = next.list().await.unwrap().remove(0);
    assert_eq!((facts.present, facts.created_at, facts.last_used), (true, Millis(1_000_000), Some(Millis(2_000_000))));
    assert_eq!(bench.ring.ring().asked, 0, "an open keyring asks nobody");
    // Kept again for the same owner: the same id, the new value.
    assert_eq!(keep(&next, "auth_token", "hunter33").await.unwrap(), id);
    assert_eq!(text(&vault, &id).await.unwrap(), "hunter33", "the other process sees it");
    assert_eq!(domain::secret::Redact::redact(&*bench.redactor, "hunter22 hunter33"), "[secret] [secret]");
}

#[tokio::test]
async fn what_the_keyring_holds_fits_every_keyring() {
    let bench = Bench::new();
    keep(&bench.process().await, "a", "x").await.unwrap();
    let ring = bench.ring.ring();
    let (account, value) = ring.entries.first_key_value().unwrap();
    assert!(account.starts_with("vault-kek.v1."), "{account}");
    assert!(value.len() <= 64, "K-02");
    assert_eq!(base64::engine::general_purpose::STANDARD.decode(value).unwrap().len(), 32);
}

#[tokio::test]
async fn without_a_keyring_nothing_is_kept_and_one_that_appears_later_is_used() {
    // K-08.
    let bench = Bench::new();
    bench.ring.set(|ring| ring.there = false);
    let vault = bench.process().await;
    assert_eq!(vault.look().await, VaultState::Absent);
    assert_eq!(keep(&vault, "a", "x").await.unwrap_err().code, "vault_absent");
    assert!(vault.list().await.unwrap().is_empty(), "nothing was kept anywhere");
    bench.ring.set(|ring| ring.there = true);
    assert_eq!(vault.look().await, LOCKED);
    let id = keep(&vault, "a", "x-value").await.unwrap();
    bench.ring.set(|ring| ring.there = false);
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value", "its key is at hand, whatever the keyring does");
    let next = bench.process().await;
    assert_eq!(next.open(&id).await.unwrap_err().code, "vault_absent");
    bench.ring.set(|ring| ring.there = true);
    assert_eq!(text(&next, &id).await.unwrap(), "x-value");
}

#[tokio::test]
async fn a_locked_keyring_is_asked_about_only_where_somebody_unlocks() {
    let bench = Bench::new();
    let id = keep(&bench.process().await, "a", "x-value").await.unwrap();
    bench.ring.set(|ring| ring.locked = true);
    let vault = bench.process().await;
    assert_eq!(vault.open(&id).await.unwrap_err().code, "vault_locked");
    assert_eq!(keep(&vault, "b", "y").await.unwrap_err().code, "vault_locked");
    assert_eq!(vault.look().await, LOCKED);
    assert_eq!(bench.ring.ring().asked, 0, "no tool call asks");
    bench.ring.set(|ring| ring.person = Person::Refuses);
    assert_eq!(vault.unlock(Unlock::Ask).await.unwrap_err().code, "vault_locked");
    assert_eq!((vault.state(), bench.ring.ring().asked), (LOCKED, 1));
    bench.ring.set(|ring| ring.person = Person::Unlocks);
    assert_eq!(vault.unlock(Unlock::Ask).await.unwrap(), UNLOCKED);
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value");
    assert_eq!(vault.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_that_nobody_answers_ends_after_a_minute_and_holds_nobody_up() {
    // K-10.
    let bench = Bench::new();
    let id = keep(&bench.process().await, "a", "x-value").await.unwrap();
    bench.ring.set(|ring| {
        ring.locked = true;
        ring.person = Person::IsAway;
    });
    let vault = bench.process().await;
    tokio::time::pause();
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let vault = vault.clone();
            tokio::spawn(async move { vault.unlock(Unlock::Ask).await })
        })
        .collect();
    // Everybody waits for the keyring by now.
    while bench.ring.ring().asked == 0 {
        tokio::task::yield_now().await;
    }
    let begun = tokio::time::Instant::now();
    assert_eq!(vault.open(&id).await.unwrap_err().code, "vault_locked");
    assert_eq!(begun.elapsed().as_millis(), 0, "at once");
    for task in waiting {
        assert_eq!(task.await.unwrap().unwrap_err().code, "vault_locked");
    }
    assert_eq!(begun.elapsed().as_secs(), 60);
    assert_eq!(bench.ring.ring().asked, 1, "one question, not five");
    bench.ring.set(|ring| ring.person = Person::Unlocks);
}

#[tokio::test]
async fn a_key_that_is_gone_is_never_made_anew_while_there_are_secrets() {
    let bench = Bench::new();
    let here = bench.process().await;
    let id = keep(&here, "a", "x-value").await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let kit = dir.path().join("kit.age");
    here.export_kit(&kit, &Secret::new("a kit of four words")).await.unwrap();

    // K-14: the rows were copied to another computer, whose keyring is open and empty.
    let there = Bench { rows: bench.rows.copied(), ..Bench::new() };
    let vault = there.process().await;
    for fault in
        [vault.open(&id).await.unwrap_err(), keep(&vault, "b", "y").await.unwrap_err(), vault.unlock(Unlock::Ask).await.unwrap_err()]
    {
        assert_eq!(fault.code, "vault_key_missing");
    }
    assert_eq!(vault.state(), VaultState::KeyMissing { secrets: 1 });
    assert!(there.ring.ring().entries.is_empty(), "no key was made");
    // A locked keyring says "no entry" too, and is not believed.
    there.ring.set(|ring| ring.locked = true);
    assert_eq!(vault.open(&id).await.unwrap_err().code, "vault_locked");
    there.ring.set(|ring| ring.locked = false);

    assert_eq!(vault.restore_kit(&kit, &Secret::new("another kit's words")).await.unwrap_err().code, "wrong_passphrase");
    assert_eq!(vault.restore_kit(&kit, &Secret::new("a kit of four words")).await.unwrap(), UNLOCKED);
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value");
    assert_eq!(text(&there.process().await, &id).await.unwrap(), "x-value", "the keyring here has it now");
    assert_eq!(text(&bench.process().await, &id).await.unwrap(), "x-value", "and the other computer lost nothing");

    let other = Bench::new();
    keep(&other.process().await, "a", "z").await.unwrap();
    let fault = other.process().await.restore_kit(&kit, &Secret::new("a kit of four words")).await.unwrap_err();
    assert_eq!(fault.code, "other_kit");
}

#[tokio::test]
async fn a_wrong_key_is_told_and_nothing_is_written() {
    // K-07.
    let bench = Bench::new();
    let id = keep(&bench.process().await, "a", "x-value").await.unwrap();
    let wrong = base64::engine::general_purpose::STANDARD.encode([7; 32]).into_bytes();
    bench.ring.set(|ring| ring.entries.values_mut().for_each(|value| value.clone_from(&wrong)));
    let before = bench.rows.writes();
    let vault = bench.process().await;
    assert_eq!(vault.open(&id).await.unwrap_err().code, "vault_corrupt");
    assert_eq!(keep(&vault, "b", "y").await.unwrap_err().code, "vault_corrupt");
    assert_eq!((vault.state(), bench.rows.writes()), (VaultState::Corrupt, before));
}

#[tokio::test]
async fn rows_that_were_swapped_moved_or_rolled_back_do_not_open_and_others_do() {
    let bench = Bench::new();
    let vault = bench.process().await;
    let ids = vault.keep(vec![secret("a", "value-a"), secret("b", "value-b"), secret("c", "value-c")]).await.unwrap();
    let mut parts = Vec::new();
    for id in &ids {
        bench.rows.tamper(id, |row| parts.push((row.generation, row.nonce.clone(), row.sealed.clone())));
    }
    let put = |id: &SecretId, from: &(u64, Vec<u8>, Vec<u8>)| {
        bench.rows.tamper(id, |row| (row.generation, row.nonce, row.sealed) = from.clone());
    };
    // K-05.
    put(&ids[0], &parts[1]);
    put(&ids[1], &parts[0]);
    for (id, field) in [(&ids[0], "a"), (&ids[1], "b")] {
        let fault = vault.open(id).await.unwrap_err();
        assert_eq!(fault.code, "secret_corrupt");
        assert_eq!(fault.params["owner"]["field"], field, "whose it is");
    }
    assert_eq!(text(&vault, &ids[2]).await.unwrap(), "value-c");
    assert_eq!(vault.state(), UNLOCKED, "the vault itself is well");
    put(&ids[0], &parts[0]);
    put(&ids[1], &parts[1]);
    // A row given to another owner: prod's token for a server that points elsewhere.
    bench.rows.tamper(&ids[0], |row| row.facts.owner = Owner::new("server", "evil", "a"));
    assert_eq!(vault.open(&ids[0]).await.unwrap_err().code, "secret_corrupt");
    bench.rows.tamper(&ids[0], |row| row.facts.owner = Owner::new("server", "s", "a"));
    // K-06.
    vault.rotate(true, None).await.unwrap();
    put(&ids[0], &parts[0]);
    assert_eq!(vault.open(&ids[0]).await.unwrap_err().code, "secret_corrupt");
    assert_eq!(text(&vault, &ids[1]).await.unwrap(), "value-b");
}

/// Does something to a fresh vault with three secrets, killed after each number of writes, and looks that the next process opens all.
async fn killed_at_every_step<F>(what: &str, kind: VaultKind, after: &'static str, act: impl Fn(SealedVault) -> F)
where
    F: Future<Output = Result<(), Fault>>,
{
    const PASS: &str = "the first passphrase";
    let mut survived = 0;
    for ring_too in [false, true] {
        for cut in 0.. {
            let bench = Bench::new();
            let vault = bench.process_with(Some(kind), Some(PASS)).await;
            let ids = vault.keep(vec![secret("a", "value-a"), secret("b", "value-b"), secret("c", "value-c")]).await.unwrap();
            let acting = bench.process_with(None, Some(PASS)).await;
            acting.open(&ids[0]).await.unwrap();
            if ring_too {
                bench.ring.set(|ring| ring.left = Some(cut));
            } else {
                bench.rows.cut_after(cut);
            }
            let done = act(acting).await;
            bench.rows.mend();
            bench.ring.set(|ring| ring.left = None);
            for passphrase in [PASS, after] {
                let next = bench.process_with(None, Some(passphrase)).await;
                for (id, value) in ids.iter().zip(["value-a", "value-b", "value-c"]) {
                    match text(&next, id).await {
                        Ok(found) => {
                            assert_eq!(found, value, "{what}, cut at {cut}");
                            survived += 1;
                        }
                        Err(fault) => assert_eq!(fault.code, "wrong_passphrase", "{what}, cut at {cut}: {fault}"),
                    }
                }
            }
            let opens = bench.process_with(None, Some(PASS)).await.open(&ids[0]).await.is_ok()
                || bench.process_with(None, Some(after)).await.open(&ids[0]).await.is_ok();
            assert!(opens, "{what}, cut at {cut}: the old key or the new one opens it");
            if done.is_ok() {
                break;
            }
            assert!(cut < 50, "{what} ends");
        }
    }
    assert!(survived > 0);
}

#[tokio::test]
async fn a_rotation_that_is_killed_at_any_step_loses_nothing() {
    // K-13.
    const NEW: &str = "the second passphrase";
    let new = || Some(Secret::new(NEW));
    killed_at_every_step("a new wrap in the keyring", VaultKind::Keyring, NEW, |vault| async move { vault.rotate(false, None).await })
        .await;
    killed_at_every_step("a new key in the keyring", VaultKind::Keyring, NEW, |vault| async move { vault.rotate(true, None).await }).await;
    killed_at_every_step("a new passphrase", VaultKind::Passphrase, NEW, |vault| async move { vault.rotate(false, new()).await }).await;
    killed_at_every_step("a new key and passphrase", VaultKind::Passphrase, NEW, |vault| async move { vault.rotate(true, new()).await })
        .await;
    killed_at_every_step("from keyring to passphrase", VaultKind::Keyring, NEW, |vault| async move {
        vault.settle(VaultKind::Passphrase, new()).await.map(drop)
    })
    .await;
    killed_at_every_step("from passphrase to keyring", VaultKind::Passphrase, NEW, |vault| async move {
        vault.settle(VaultKind::Keyring, None).await.map(drop)
    })
    .await;
}

#[tokio::test]
async fn a_rotation_leaves_one_entry_in_the_keyring_and_one_key() {
    let bench = Bench::new();
    let vault = bench.process().await;
    let id = keep(&vault, "a", "x-value").await.unwrap();
    let before = bench.ring.ring().entries.clone();
    vault.rotate(false, None).await.unwrap();
    vault.rotate(true, None).await.unwrap();
    let after = bench.ring.ring().entries.clone();
    assert_eq!(after.len(), 1);
    assert_ne!(before, after);
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value");
    assert_eq!(text(&bench.process().await, &id).await.unwrap(), "x-value");
}

#[tokio::test]
async fn a_passphrase_opens_the_vault_and_wrong_ones_have_to_wait() {
    let bench = Bench::new();
    bench.ring.set(|ring| ring.there = false);
    let vault = bench.process().await;
    assert_eq!(vault.settle(VaultKind::Passphrase, Some(Secret::new("short"))).await.unwrap_err().code, "weak_passphrase");
    let kind = VaultKind::Passphrase;
    assert_eq!(vault.settle(kind, Some(Secret::new("right and long"))).await.unwrap(), VaultState::Unlocked { kind });
    let id = keep(&vault, "a", "x-value").await.unwrap();
    let next = bench.process().await;
    assert_eq!(next.state(), VaultState::Locked { kind });
    assert_eq!(next.open(&id).await.unwrap_err().code, "vault_locked", "nobody is asked");
    for left in (0..10).rev() {
        let fault = bench.process().await.unlock(Unlock::Passphrase(Secret::new("wrong"))).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.params["triesLeft"].as_u64()), ("wrong_passphrase", Some(left)), "whichever process tries");
    }
    let right = || Unlock::Passphrase(Secret::new("right and long"));
    let fault = next.unlock(right()).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.params["seconds"].as_i64()), ("too_many_tries", Some(30)));
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value", "who has it open is not held up");
    bench.clock.advance(30_000);
    assert_eq!(next.unlock(right()).await.unwrap(), VaultState::Unlocked { kind });
    assert_eq!(text(&next, &id).await.unwrap(), "x-value");
    next.rotate(false, Some(Secret::new("another passphrase"))).await.unwrap();
    assert_eq!(bench.process().await.unlock(right()).await.unwrap_err().code, "wrong_passphrase");
    let anew = bench.process().await;
    anew.unlock(Unlock::Passphrase(Secret::new("another passphrase"))).await.unwrap();
    assert_eq!(text(&anew, &id).await.unwrap(), "x-value");
}

#[tokio::test]
async fn what_is_kept_for_a_session_ends_with_it_and_its_place_stays() {
    let bench = Bench::new();
    bench.ring.set(|ring| ring.there = false);
    let vault = bench.process().await;
    let kind = VaultKind::Session;
    assert_eq!(vault.settle(kind, None).await.unwrap(), VaultState::Unlocked { kind });
    let id = keep(&vault, "a", "x-value").await.unwrap();
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value");
    assert!(vault.list().await.unwrap()[0].present);
    let mut sealed = vec![1];
    bench.rows.tamper(&id, |row| sealed.clone_from(&row.sealed));
    assert!(sealed.is_empty(), "not even sealed");
    let next = bench.process().await;
    assert_eq!(next.state(), VaultState::Unlocked { kind });
    assert!(!next.list().await.unwrap()[0].present);
    let fault = next.open(&id).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.params["owner"]["field"].as_str()), ("secret_missing", Some("a")));
    assert_eq!(keep(&next, "a", "again-x").await.unwrap(), id, "its reference in the settings still holds");
    // Later there is a keyring: everything is sealed.
    bench.ring.set(|ring| ring.there = true);
    assert_eq!(next.settle(VaultKind::Keyring, None).await.unwrap(), UNLOCKED);
    assert_eq!(text(&bench.process().await, &id).await.unwrap(), "again-x");
    // And back.
    next.settle(kind, None).await.unwrap();
    assert_eq!(text(&next, &id).await.unwrap(), "again-x");
    assert!(bench.ring.ring().entries.is_empty());
    assert_eq!(bench.process().await.open(&id).await.unwrap_err().code, "secret_missing");
}

#[tokio::test]
async fn an_idle_vault_closes_and_after_twelve_hours_a_person_is_wanted() {
    let bench = Bench::new();
    let vault = bench.process_with(Some(VaultKind::Passphrase), Some("right and long")).await;
    let id = keep(&vault, "a", "x-value").await.unwrap();
    let kind = VaultKind::Passphrase;
    let minute = 60_000;
    bench.clock.advance(14 * minute);
    vault.open(&id).await.unwrap();
    bench.clock.advance(14 * minute);
    assert_eq!(vault.state(), VaultState::Unlocked { kind }, "it was used 14 minutes ago");
    bench.clock.advance(minute);
    assert_eq!(vault.state(), VaultState::Locked { kind });
    vault.open(&id).await.unwrap();
    vault.set_idle(std::time::Duration::from_secs(48 * 3600));
    bench.clock.advance(12 * 60 * minute);
    assert_eq!(vault.state(), VaultState::Locked { kind });
    assert_eq!(vault.open(&id).await.unwrap_err().code, "vault_locked", "although its passphrase is at hand");
    vault.unlock(Unlock::Ask).await.unwrap();
    assert_eq!(text(&vault, &id).await.unwrap(), "x-value");
}

#[tokio::test]
async fn who_locks_it_locks_it_for_every_process() {
    let bench = Bench::new();
    let (one, two) = (bench.process().await, bench.process().await);
    let id = keep(&one, "a", "x-value").await.unwrap();
    two.open(&id).await.unwrap();
    one.hold().await.unwrap();
    for vault in [&one, &two, &bench.process().await] {
        assert_eq!(vault.open(&id).await.unwrap_err().code, "vault_locked", "although the keyring is open");
        assert_eq!(vault.state(), LOCKED);
    }
    let seen = two.state();
    one.unlock(Unlock::Ask).await.unwrap();
    assert_eq!(text(&two, &id).await.unwrap(), "x-value");
    assert_eq!(two.changed(&seen).await, UNLOCKED);
}

#[tokio::test]
async fn of_two_processes_that_are_first_at_once_one_makes_the_vault() {
    let bench = Bench::new();
    let vaults = futures::future::join_all((0..4).map(|_| bench.process())).await;
    let fields = ["a", "b", "c", "d"];
    let kept = futures::future::join_all(vaults.iter().zip(fields).map(|(vault, field)| keep(vault, field, "x-value"))).await;
    for (vault, id) in vaults.iter().zip(kept) {
        assert_eq!(text(vault, &id.unwrap()).await.unwrap(), "x-value");
    }
    assert_eq!(bench.ring.ring().entries.len(), 1, "no key is left that opens nothing");
    assert_eq!(bench.process().await.list().await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_run_that_insists_on_another_kind_is_refused_and_a_wipe_leaves_nothing() {
    let bench = Bench::new();
    let vault = bench.process().await;
    let id = keep(&vault, "a", "x-value").await.unwrap();
    let other = bench.process_with(Some(VaultKind::Session), None).await;
    assert_eq!(keep(&other, "b", "y").await.unwrap_err().code, "vault_kind");
    vault.remove(std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(vault.open(&id).await.unwrap_err().code, "secret_missing");
    keep(&vault, "a", "x-value").await.unwrap();
    vault.wipe().await.unwrap();
    assert!(vault.list().await.unwrap().is_empty());
    assert!(bench.ring.ring().entries.is_empty());
    assert_eq!(keep(&vault, "a", "fresh").await.map(drop), Ok(()), "a new vault can begin");
}

#[tokio::test]
async fn what_is_printed_for_debugging_holds_no_secret() {
    // K-11.
    let canary = "canary-9d2f6b1c55aa";
    let bench = Bench::new();
    let vault = bench.process().await;
    let id = keep(&vault, "a", canary).await.unwrap();
    bench.rows.tamper(&id, |row| row.sealed[0] ^= 1);
    let corrupt = vault.open(&id).await.unwrap_err();
    let wrong = vault.unlock(Unlock::Passphrase(Secret::new(canary))).await;
    let printed = format!(
        "{vault:?} {corrupt:?} {wrong:?} {:?} {:?} {:?} {:?}",
        secret("a", canary),
        Unlock::Passphrase(Secret::new(canary)),
        SecretBytes::new(canary),
        bench.redactor,
    );
    assert!(!printed.contains(canary) && !printed.contains(&format!("{:?}", canary.as_bytes())[1..20]), "{printed}");
}
