//! SIGTERM in the middle of the load.

use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Result;
use local_stack::ModelServer;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio::task::JoinSet;

use crate::http::{Broken, Client, Pace};
use crate::work::{Work, deadline, invocation, is_overloaded, judge, pick};

/// How long the load lasts before the signal.
const LOAD: Duration = Duration::from_secs(5);

/// SageMaker kills a container after this.
const END: Duration = Duration::from_secs(30);

/// What happened to the requests of the drain.
#[derive(Default)]
pub struct Drain {
    signalled: OnceLock<Instant>,
    /// Right answers, before the signal and after it.
    before: AtomicUsize,
    after: AtomicUsize,
    /// After the signal: answered 429, as what was accepted and then found no place.
    turned_away: AtomicUsize,
    /// After the signal: answered 503, not connected, closed without a byte.
    refused: AtomicUsize,
    not_connected: AtomicUsize,
    closed: AtomicUsize,
}

/// Loads the server, ends it with SIGTERM and judges what its clients see.
/// Accepted is what began to be sent before the signal: it must be answered, and
/// rightly, or told to come again where the server was full.
/// What began after it may be answered, refused with 503, or find the
/// connection or the server gone, but may not be cut in its response.
pub async fn drain(work: &Arc<Work>, mut server: ModelServer, connections: usize) -> Result<()> {
    let drain = Arc::new(Drain::default());
    let mut clients = JoinSet::new();
    for number in 0..connections {
        let (work, drain) = (Arc::clone(work), Arc::clone(&drain));
        clients.spawn(async move {
            if let Err(what) = drain.client(&work, number).await {
                work.tally().fail(format!("SIGTERM: {what}"));
            }
        });
    }
    tokio::time::sleep(LOAD).await;
    let signalled = *drain.signalled.get_or_init(Instant::now);
    server.process().terminate()?;
    let status = until_end(&mut server, signalled).await?;
    let took = signalled.elapsed();
    while let Some(ended) = clients.join_next().await {
        if let Err(error) = ended {
            work.tally().fail(format!("a client of the soak: {error}"));
        }
    }
    println!("{}", drain.summary());
    match status {
        Some(status) if status.success() => {
            println!(
                "the process ended with {status}, {:.1} s after it",
                took.as_secs_f64()
            );
        }
        Some(status) => work
            .tally()
            .fail(format!("SIGTERM: the process ended with {status}")),
        None => {
            let what = format!(
                "SIGTERM: the process has not ended after {} s",
                END.as_secs()
            );
            work.tally().fail(what);
        }
    }
    if let Some(unanswered) = unanswered(&server.process().output()) {
        // Once it drains it accepts nothing, so that whatever it answers otherwise than by
        // 503 is what it had accepted. Each right answer counts, and no wrong one.
        let right = drain.after.load(Ordering::Relaxed);
        let turned_away = drain.turned_away.load(Ordering::Relaxed);
        println!(
            "by its log it then had {unanswered} requests to answer; {right} were answered \
             rightly after the signal, {turned_away} told to come again (429)"
        );
        if right + turned_away < unanswered {
            let what = format!(
                "SIGTERM: {unanswered} were accepted, {right} answered rightly, {turned_away} \
                 told to come again"
            );
            work.tally().fail(what);
        }
    }
    Ok(())
}

impl Drain {
    /// Asks one question after the other until the server takes no more.
    async fn client(&self, work: &Work, number: usize) -> Result<(), String> {
        let mut rng = ChaCha8Rng::seed_from_u64(work.seed ^ (number as u64) << 40);
        let mut client = Client::new(work.address);
        loop {
            let known = pick(&work.catalogue.ordinary, &mut rng);
            let pace = if rng.random_bool(0.1) {
                let pause = Duration::from_millis(100);
                Pace::Slow { pieces: 10, pause }
            } else {
                Pace::AtOnce
            };
            let request = invocation(known);
            let began = Instant::now();
            let response = deadline(client.exchange(&request, pace)).await?;
            let is_ending = self.signalled.get().is_some();
            let began_after = self.signalled.get().is_some_and(|&at| began > at);
            match response {
                Ok(response) if is_overloaded(&response) => {
                    let wait = response.retry_after().ok_or("429 without Retry-After")?;
                    self.turned_away
                        .fetch_add(usize::from(is_ending), Ordering::Relaxed);
                    tokio::time::sleep(wait).await;
                }
                Ok(response) if response.status == 503 && is_ending => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Ok(response) => {
                    judge(known, &response)?;
                    let answered = if is_ending { &self.after } else { &self.before };
                    answered.fetch_add(1, Ordering::Relaxed);
                }
                Err(Broken::NotConnected(_)) if is_ending => {
                    self.not_connected.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Err(Broken::Cut { received: 0, .. }) if began_after => {
                    self.closed.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Err(broken) => return Err(broken.to_string()),
            }
        }
    }

    fn summary(&self) -> String {
        let count = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        format!(
            "SIGTERM in the middle of the load: {} requests answered before it, {} after it; of \
             those that began after it {} were refused with 503, {} found nobody to connect to, \
             {} were closed without a byte",
            count(&self.before),
            count(&self.after),
            count(&self.refused),
            count(&self.not_connected),
            count(&self.closed),
        )
    }
}

async fn until_end(server: &mut ModelServer, signalled: Instant) -> Result<Option<ExitStatus>> {
    while signalled.elapsed() < END {
        if let Some(status) = server.process_mut().ended()? {
            return Ok(Some(status));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(None)
}

/// How many accepted requests the server's log says were unanswered when it
/// began to drain.
fn unanswered(log: &str) -> Option<usize> {
    let line = log.lines().rev().find(|line| line.contains(" draining"))?;
    let (_, rest) = line.split_once("unanswered=")?;
    let digits = rest.find(|found: char| !found.is_ascii_digit());
    rest[..digits.unwrap_or(rest.len())].parse().ok()
}
