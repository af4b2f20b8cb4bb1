//! Carries out a plan: puts photos into the bucket, tells of them, and plays the
//! queue and Lambda's asynchronous invocations until nothing is left to deliver.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use local_stack::CatalogueBucket;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::dead_letters::{DeadLetter, Ending};
use super::deliveries::{Deliveries, Delivery};
use super::events::{Events, Told};
use super::kills::Kill;
use super::ledger::Ledger;
use super::photos::Pictures;
use super::plan::{Plan, Step, Version};
use super::worker::{Outcome, Worker};

/// For each worker so many messages and events may wait before more photos arrive.
const WAITING_PER_WORKER: usize = 12;

/// The most steps between two looks at the workers.
const STEPS_AT_ONCE: usize = 20;

/// How often it is said how far it is.
const PROGRESS: Duration = Duration::from_secs(5);

/// How many lines about processes that died are kept.
const KEPT_DEATHS: usize = 5;

/// What carrying out a plan takes.
pub struct Setting<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What its photos look like.
    pub pictures: &'a Pictures,
    /// The events.
    pub events: &'a Events,
    /// The bucket, without anything between.
    pub bucket: &'a CatalogueBucket,
    /// The clock, and what the proxies saw.
    pub ledger: &'a Ledger,
    /// The seed of kills and of who is served first.
    pub seed: u64,
    /// How long an invocation may last.
    pub timeout: Duration,
}

/// An invocation that was made.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// What it was told of.
    pub versions: Vec<Version>,
    /// When it began, since the run did.
    pub began: Duration,
    /// When it ended; nothing while it is under way.
    pub ended: Option<Duration>,
    /// How it ended; [`Ending::Done`] for an answer, whatever that says.
    pub ending: Ending,
    /// What of it was not worked off; nothing while it is under way.
    pub left: Vec<Version>,
}

/// What came of it.
#[derive(Debug)]
pub struct Carried {
    /// The invocations, by their numbers.
    pub invocations: Vec<Invocation>,
    /// What was given up.
    pub dead: Vec<DeadLetter>,
    /// The first processes that ended by themselves: what they said.
    pub deaths: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// An invocation on its way to a worker.
struct Assignment {
    invocation: usize,
    event: Value,
    kill: Option<Kill>,
}

/// What a worker has to say.
struct Return {
    worker: usize,
    invocation: usize,
    outcome: Result<Outcome>,
}

struct Driver<'a> {
    setting: Setting<'a>,
    deliveries: Deliveries,
    told: HashMap<Version, Told>,
    next_step: usize,
    rng: ChaCha8Rng,
    invocations: Vec<Invocation>,
    under_way: HashMap<usize, Delivery>,
    idle: Vec<usize>,
    assignments: Vec<mpsc::Sender<Assignment>>,
    deaths: Vec<String>,
    kills: usize,
}

/// Carries out the plan with these workers; `progress` is told how far it is.
///
/// # Errors
/// When the bucket or a worker fails; `check`, which looks after what stands behind
/// the proxies, ends it as well.
pub async fn carry_out(
    setting: Setting<'_>,
    workers: Vec<Worker>,
    mut check: impl FnMut() -> Result<()>,
    mut progress: impl FnMut(&str),
) -> Result<Carried> {
    let (returns, mut returned) = mpsc::channel(workers.len().max(1));
    let mut tasks = JoinSet::new();
    let mut assignments = Vec::new();
    for (number, worker) in workers.into_iter().enumerate() {
        let (sender, receiver) = mpsc::channel(1);
        assignments.push(sender);
        tasks.spawn(work(number, worker, receiver, returns.clone()));
    }
    drop(returns);
    let mut driver = Driver {
        deliveries: Deliveries::new(setting.timeout),
        told: HashMap::new(),
        next_step: 0,
        rng: ChaCha8Rng::seed_from_u64(setting.seed),
        invocations: Vec::new(),
        under_way: HashMap::new(),
        idle: (0..assignments.len()).rev().collect(),
        assignments,
        deaths: Vec::new(),
        kills: 0,
        setting,
    };
    let began = driver.now();
    let mut said = began;
    loop {
        driver.arrive().await?;
        driver.assign().await?;
        if driver.is_done() {
            break;
        }
        let now = driver.now();
        if now >= said + PROGRESS {
            said = now;
            check()?;
            progress(&driver.progress());
        }
        tokio::select! {
            done = returned.recv() => driver.settle(done.context("no worker is left")?)?,
            () = tokio::time::sleep(driver.pause()) => {}
        }
    }
    check()?;
    progress(&driver.progress());
    let took = driver.now() - began;
    Ok(Carried {
        invocations: driver.invocations,
        dead: driver.deliveries.into_dead(),
        deaths: driver.deaths,
        took,
    })
}

/// Makes one invocation after the other, as long as somebody asks for them.
async fn work(
    number: usize,
    mut worker: Worker,
    mut assignments: mpsc::Receiver<Assignment>,
    returns: mpsc::Sender<Return>,
) {
    while let Some(assignment) = assignments.recv().await {
        let Assignment {
            invocation,
            event,
            kill,
        } = assignment;
        let outcome = worker.invoke(invocation, &event, kill).await;
        let done = Return {
            worker: number,
            invocation,
            outcome,
        };
        if returns.send(done).await.is_err() {
            return;
        }
    }
}

impl Driver<'_> {
    fn now(&self) -> Duration {
        self.setting.ledger.now()
    }

    /// Takes the next steps of the plan, as long as there is not enough to deliver.
    async fn arrive(&mut self) -> Result<()> {
        let enough = WAITING_PER_WORKER * self.assignments.len();
        for _ in 0..STEPS_AT_ONCE {
            let now = self.now();
            if self.deliveries.ready(now) >= enough {
                return Ok(());
            }
            let Some(&step) = self.setting.plan.steps.get(self.next_step) else {
                return Ok(());
            };
            self.next_step += 1;
            match step {
                Step::Upload(version) => self.upload(version).await?,
                Step::Announce(message) => self.deliveries.send(message, now),
            }
        }
        Ok(())
    }

    async fn upload(&mut self, version: Version) -> Result<()> {
        let photo = self.setting.plan.photo(version);
        let Some(file) = self.setting.pictures.file(version, photo)? else {
            return Ok(());
        };
        let size = file.len();
        let key = self.setting.plan.key(version);
        let etag = self.setting.bucket.put(&key, file).await?;
        let told = Told {
            version,
            key,
            etag,
            size,
            at_ms: self.setting.plan.uploaded_ms(version),
        };
        self.told.insert(version, told);
        Ok(())
    }

    /// Gives idle workers something to do, from the queue or from the events.
    async fn assign(&mut self) -> Result<()> {
        while let Some(worker) = self.idle.pop() {
            let now = self.now();
            let Some(delivery) = self.deliveries.next(&mut self.rng, now) else {
                self.idle.push(worker);
                return Ok(());
            };
            self.hand_out(worker, delivery).await?;
        }
        Ok(())
    }

    async fn hand_out(&mut self, worker: usize, delivery: Delivery) -> Result<()> {
        let invocation = self.invocations.len();
        let versions = delivery.versions();
        // What is killed at its last delivery leaves whatever it had done until then,
        // and a dead letter: nobody can ask more of it.
        let kill = match self.deliveries.is_last(&delivery) {
            true => None,
            false => Kill::planned(self.setting.seed, invocation),
        };
        let assignment = Assignment {
            invocation,
            event: self.event_of(&delivery),
            kill,
        };
        self.invocations.push(Invocation {
            versions,
            began: self.now(),
            ended: None,
            ending: Ending::Done,
            left: Vec::new(),
        });
        self.under_way.insert(invocation, delivery);
        let sent = self.assignments[worker].send(assignment).await;
        sent.ok().context("a worker has ended")
    }

    fn event_of(&self, delivery: &Delivery) -> Value {
        match delivery {
            Delivery::Batch(received) => {
                let told: Vec<Told> = received
                    .iter()
                    .map(|one| self.told(one.message.version))
                    .collect();
                let messages: Vec<_> = told.iter().zip(received.iter().copied()).collect();
                self.setting.events.batch(&messages)
            }
            Delivery::Event(attempt) => {
                let told = self.told(attempt.message.version);
                self.setting.events.event(attempt.message.channel, &told)
            }
        }
    }

    /// What is told of a version; an object that is not there was, as far as its event
    /// says.
    fn told(&self, version: Version) -> Told {
        self.told.get(&version).cloned().unwrap_or_else(|| Told {
            version,
            key: self.setting.plan.key(version),
            etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(),
            size: 0,
            at_ms: self.setting.plan.uploaded_ms(version),
        })
    }

    /// Takes note of an invocation's end.
    fn settle(&mut self, done: Return) -> Result<()> {
        self.idle.push(done.worker);
        let now = self.now();
        let delivery = self.under_way.remove(&done.invocation);
        let delivery = delivery.context("an invocation ended twice")?;
        let (ending, answer) = match done.outcome? {
            Outcome::Answered(answer) => (Ending::Done, answer),
            Outcome::Failed(error) => (Ending::Failed, error),
            Outcome::Killed => {
                self.kills += 1;
                (Ending::Killed, Value::Null)
            }
            Outcome::TimedOut => (Ending::TimedOut, Value::Null),
            Outcome::Died(said) => {
                if self.deaths.len() < KEPT_DEATHS {
                    self.deaths.push(said);
                }
                (Ending::Died, Value::Null)
            }
        };
        let left = self.deliveries.settle(delivery, ending, &answer, now);
        let Some(invocation) = self.invocations.get_mut(done.invocation) else {
            bail!("an invocation ended that was not made");
        };
        invocation.ended = Some(now);
        invocation.ending = ending;
        invocation.left = left;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.next_step == self.setting.plan.steps.len()
            && self.under_way.is_empty()
            && self.deliveries.is_empty()
    }

    /// How long nothing happens by itself.
    fn pause(&self) -> Duration {
        const LONGEST: Duration = Duration::from_millis(500);
        let now = self.now();
        let is_more = self.next_step < self.setting.plan.steps.len();
        if !self.idle.is_empty() && (is_more || self.deliveries.ready(now) > 0) {
            return Duration::ZERO;
        }
        let next = self.deliveries.next_ready(now);
        let wait = next.map_or(LONGEST, |next| next.saturating_sub(now));
        wait.min(LONGEST)
    }

    fn progress(&self) -> String {
        format!(
            "{} of {} steps, {} results stored, {} invocations, {} killed, {} s",
            self.next_step,
            self.setting.plan.steps.len(),
            self.setting.ledger.results(),
            self.invocations.len(),
            self.kills,
            self.now().as_secs()
        )
    }
}
