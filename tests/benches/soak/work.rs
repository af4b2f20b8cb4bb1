//! Sends what is planned, from many connections, and judges what comes back.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use tests::compare::difference;
use tests::photos::with_comment;
use tokio::task::{JoinHandle, JoinSet};

use crate::bad::{Bad, BadRequests, Expected};
use crate::http::{Broken, Client, Pace, Response, connect, read_response, request, send};
use crate::known::{Catalogue, Known};
use crate::plan::{Kind, Planned};
use crate::tally::Tally;

/// A request that takes longer than this hangs. The server gives a body 60 s.
const DEADLINE: Duration = Duration::from_secs(90);

/// A request that is refused for so long is never admitted.
const PATIENCE: Duration = Duration::from_secs(180);

const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

/// Everything that the connections share.
pub struct Work {
    pub address: SocketAddr,
    pub catalogue: Catalogue,
    pub bad: BadRequests,
    pub plan: Vec<Planned>,
    pub seed: u64,
    pub tally: Mutex<Tally>,
    /// Clients that stay connected and silent, until the server ends that.
    pub stalled: Mutex<Vec<JoinHandle<()>>>,
}

type Outcome = Result<(), String>;

impl Work {
    /// Sends requests `from..to` of the plan and waits for their ends.
    pub async fn run(self: &Arc<Self>, from: usize, to: usize, connections: usize) {
        let next = Arc::new(AtomicUsize::new(from));
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let (work, next) = (Arc::clone(self), Arc::clone(&next));
            clients.spawn(async move {
                let mut client = Client::new(work.address);
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= to {
                        return;
                    }
                    work.perform(&mut client, index).await;
                }
            });
        }
        while let Some(ended) = clients.join_next().await {
            if let Err(error) = ended {
                self.tally().fail(format!("a client of the soak: {error}"));
            }
        }
    }

    /// Waits for the clients that stay connected and silent.
    pub async fn until_stalled_end(&self) {
        let stalled = std::mem::take(&mut *lock(&self.stalled));
        for client in stalled {
            if let Err(error) = client.await {
                self.tally().fail(format!("a client of the soak: {error}"));
            }
        }
    }

    pub fn tally(&self) -> MutexGuard<'_, Tally> {
        lock(&self.tally)
    }

    async fn perform(self: &Arc<Self>, client: &mut Client, index: usize) {
        let Planned { kind, ordinal } = self.plan[index];
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed ^ ((index as u64) << 20));
        let began = Instant::now();
        let outcome = match kind {
            Kind::Fresh => self.fresh(client, index, &mut rng).await,
            Kind::Repeated => self.ordinary(client, kind, Pace::AtOnce, &mut rng).await,
            Kind::Slow => {
                let pause = Duration::from_millis(rng.random_range(50..300));
                let pace = Pace::Slow { pieces: 10, pause };
                self.ordinary(client, kind, pace, &mut rng).await
            }
            Kind::Endpoint => {
                let known = pick(&self.catalogue.ordinary, &mut rng);
                let body = known.json(&known.photo.bytes);
                let request = request("POST", "/endpoints/soak/invocations", &JSON, &body);
                self.known(client, kind, known, &request, Pace::AtOnce)
                    .await
            }
            Kind::RawImage => self.raw_image(client, &mut rng).await,
            Kind::JsonLines => self.json_lines(client, &mut rng).await,
            Kind::Heavy => {
                let known = nth(&self.catalogue.heavy, ordinal);
                self.known(client, kind, known, &invocation(known), Pace::AtOnce)
                    .await
            }
            Kind::Damaged => {
                let known = nth(&self.catalogue.damaged, ordinal);
                self.known(client, kind, known, &invocation(known), Pace::AtOnce)
                    .await
            }
            Kind::BadFile => self.bad(client, kind, nth(&self.bad.files, ordinal)).await,
            Kind::Bomb => self.bad(client, kind, nth(&self.bad.bombs, ordinal)).await,
            Kind::BadJson => self.bad(client, kind, nth(&self.bad.json, ordinal)).await,
            Kind::BadParameter => {
                let bad = nth(&self.bad.parameters, ordinal);
                self.bad(client, kind, bad).await
            }
            Kind::BadPrompt => {
                self.bad(client, kind, nth(&self.bad.prompts, ordinal))
                    .await
            }
            Kind::BadHttp => self.bad(client, kind, nth(&self.bad.http, ordinal)).await,
            Kind::LeftSending => self.leave_while_sending(&mut rng).await,
            Kind::LeftWaiting => self.leave_while_waiting(&mut rng).await,
            Kind::Stalled => {
                self.stall(&mut rng);
                return;
            }
        };
        self.record(kind, began.elapsed(), outcome);
    }

    fn record(&self, kind: Kind, time: Duration, outcome: Outcome) {
        match outcome {
            Ok(()) => self.tally().right(kind, time),
            Err(what) => self.tally().failed(kind, what),
        }
    }

    async fn fresh(&self, client: &mut Client, index: usize, rng: &mut ChaCha8Rng) -> Outcome {
        let known = loop {
            let known = pick(&self.catalogue.ordinary, rng);
            if known.photo.content_type == "image/jpeg" {
                break known;
            }
        };
        let photo = with_comment(&known.photo.bytes, &format!("soak {} {index}", self.seed))
            .map_err(|error| error.to_string())?;
        let request = request("POST", "/invocations", &JSON, &known.json(&photo));
        self.known(client, Kind::Fresh, known, &request, Pace::AtOnce)
            .await
    }

    async fn ordinary(
        &self,
        client: &mut Client,
        kind: Kind,
        pace: Pace,
        rng: &mut ChaCha8Rng,
    ) -> Outcome {
        let known = pick(&self.catalogue.ordinary, rng);
        self.known(client, kind, known, &invocation(known), pace)
            .await
    }

    /// Asks what is known and compares.
    async fn known(
        &self,
        client: &mut Client,
        kind: Kind,
        known: &Known,
        request: &[u8],
        pace: Pace,
    ) -> Outcome {
        let response = self.ask(client, kind, request, pace, is_overloaded).await?;
        judge(known, &response).map_err(|what| format!("{what}; {}", known.describe()))
    }

    async fn raw_image(&self, client: &mut Client, rng: &mut ChaCha8Rng) -> Outcome {
        let (known, attributes) = loop {
            let known = pick(&self.catalogue.ordinary, rng);
            let attributes = Value::Object(known.fields()).to_string();
            // What a header takes, and the length that SageMaker takes.
            if attributes.is_ascii() && attributes.len() <= 1_024 {
                break (known, attributes);
            }
        };
        let headers = [
            ("Content-Type", known.photo.content_type),
            ("X-Amzn-SageMaker-Custom-Attributes", &attributes),
        ];
        let request = request("POST", "/invocations", &headers, &known.photo.bytes);
        self.known(client, Kind::RawImage, known, &request, Pace::AtOnce)
            .await
    }

    async fn json_lines(&self, client: &mut Client, rng: &mut ChaCha8Rng) -> Outcome {
        let known: Vec<&Known> = (0..3)
            .map(|_| pick(&self.catalogue.ordinary, rng))
            .collect();
        let line = |known: &Known| known.json(&known.photo.bytes);
        let bad_photo = json!({"image": "AAAA", "prompt": "What?"}).to_string();
        let lines = [
            line(known[0]),
            b"{\"image\": ".to_vec(),
            line(known[1]),
            Vec::new(),
            bad_photo.into_bytes(),
            line(known[2]),
        ];
        let headers = [("Content-Type", "application/jsonlines")];
        let request = request("POST", "/invocations", &headers, &lines.join(&b'\n'));
        let response = self
            .ask(
                client,
                Kind::JsonLines,
                &request,
                Pace::AtOnce,
                |response| is_overloaded(response) || has_overloaded_line(response),
            )
            .await?;
        let answers: Option<Vec<Value>> = response
            .body
            .split(|&byte| byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(|line| serde_json::from_slice(line).ok())
            .collect();
        let answers = answers.ok_or_else(|| format!("no JSON lines: {}", response.excerpt()))?;
        let [first, cut, second, photo, third] = answers.as_slice() else {
            let count = answers.len();
            return Err(format!("5 lines asked, {count}: {}", response.excerpt()));
        };
        for (known, answer) in known.iter().zip([first, second, third]) {
            if let Some(difference) = difference(&known.answer, answer) {
                return Err(format!("{difference}; {}", known.describe()));
            }
        }
        for (answer, code) in [(cut, "invalid_json"), (photo, "invalid_image")] {
            if answer["error"]["code"] != code {
                return Err(format!("instead of {code}: {answer}"));
            }
        }
        Ok(())
    }

    async fn bad(&self, client: &mut Client, kind: Kind, bad: &Bad) -> Outcome {
        if matches!(bad.expected, Expected::NoHttp) {
            return self.no_http(bad).await;
        }
        let response = self
            .ask(client, kind, &bad.bytes, bad.pace, is_overloaded)
            .await
            .map_err(|what| format!("{}: {what}", bad.name))?;
        let (status, code) = (response.original_status(), response.error_code());
        let code = code.as_deref().unwrap_or_default();
        let is_right = match bad.expected {
            Expected::Refused(wanted, codes) => status == wanted && codes.contains(&code),
            Expected::AnsweredOrRefused(wanted) => {
                status == 200 || (status == 400 && code == wanted)
            }
            Expected::NoHttp => true,
        };
        if is_right {
            return Ok(());
        }
        Err(format!("{}: {}", bad.name, response.excerpt()))
    }

    async fn no_http(&self, bad: &Bad) -> Outcome {
        let mut client = Client::new(self.address);
        match deadline(client.exchange(&bad.bytes, bad.pace)).await? {
            Ok(response) if (400..500).contains(&response.status) => Ok(()),
            Ok(response) => Err(format!("{}: {}", bad.name, response.excerpt())),
            Err(Broken::Cut { .. }) => Ok(()),
            Err(broken) => Err(format!("{}: {broken}", bad.name)),
        }
    }

    /// Sends a request until it is admitted, and gives its response.
    async fn ask(
        &self,
        client: &mut Client,
        kind: Kind,
        request: &[u8],
        pace: Pace,
        is_overloaded: impl Fn(&Response) -> bool,
    ) -> Result<Response, String> {
        let began = Instant::now();
        loop {
            let response = deadline(client.exchange(request, pace))
                .await?
                .map_err(|broken| broken.to_string())?;
            if !is_overloaded(&response) {
                return Ok(response);
            }
            self.tally().retried(kind);
            if began.elapsed() > PATIENCE {
                return Err(format!("overloaded for {} s", PATIENCE.as_secs()));
            }
            let wait = match response.retry_after() {
                Some(wait) => wait,
                None if response.status == 200 => Duration::from_secs(1),
                None => return Err(format!("no Retry-After: {}", response.excerpt())),
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn leave_while_sending(&self, rng: &mut ChaCha8Rng) -> Outcome {
        let request = invocation(pick(&self.catalogue.ordinary, rng));
        let part = &request[..rng.random_range(1..request.len())];
        let mut stream = connect(self.address)
            .await
            .map_err(|broken| broken.to_string())?;
        // The server may have ended the connection with a 429 by then.
        let _ = deadline(send(&mut stream, part, Pace::AtOnce)).await?;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..20))).await;
        Ok(())
    }

    async fn leave_while_waiting(&self, rng: &mut ChaCha8Rng) -> Outcome {
        let request = invocation(pick(&self.catalogue.ordinary, rng));
        let mut stream = connect(self.address)
            .await
            .map_err(|broken| broken.to_string())?;
        let _ = deadline(send(&mut stream, &request, Pace::AtOnce)).await?;
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..100))).await;
        Ok(())
    }

    /// Sends half of a request on a connection of its own and waits for what
    /// the server makes of it, beside everything else.
    fn stall(self: &Arc<Self>, rng: &mut ChaCha8Rng) {
        let request = invocation(pick(&self.catalogue.ordinary, rng));
        let work = Arc::clone(self);
        let client = tokio::spawn(async move {
            let began = Instant::now();
            let outcome = work.stalled(&request[..request.len() / 2]).await;
            work.record(Kind::Stalled, began.elapsed(), outcome);
        });
        lock(&self.stalled).push(client);
    }

    async fn stalled(&self, part: &[u8]) -> Outcome {
        let began = Instant::now();
        loop {
            let mut stream = connect(self.address)
                .await
                .map_err(|broken| broken.to_string())?;
            let (mut from, mut to) = stream.split();
            let _ = send(&mut to, part, Pace::AtOnce).await;
            let mut received = Vec::new();
            let response = deadline(read_response(&mut from, &mut received)).await?;
            let response = response.map_err(|error| format!("no answer: {error}"))?;
            let code = response.error_code().unwrap_or_default();
            match (response.status, code.as_str()) {
                (408, "request_timeout") => return Ok(()),
                (429, "overloaded") if began.elapsed() < PATIENCE => {
                    self.tally().retried(Kind::Stalled);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                _ => return Err(response.excerpt()),
            }
        }
    }
}

/// Whether a response is the one that the request got alone.
pub fn judge(known: &Known, response: &Response) -> Outcome {
    if response.original_status() != known.status {
        let alone = known.status;
        return Err(format!("alone {alone}, now {}", response.excerpt()));
    }
    if known.status != 200 {
        let alone = known.answer["error"]["code"].as_str();
        return match response.error_code() == alone.map(str::to_owned) {
            true => Ok(()),
            false => Err(format!(
                "alone {}, now {}",
                known.answer,
                response.excerpt()
            )),
        };
    }
    let answer = response
        .json()
        .ok_or_else(|| format!("no JSON: {}", response.excerpt()))?;
    difference(&known.answer, &answer).map_or(Ok(()), Err)
}

/// The request as `POST /invocations`.
pub fn invocation(known: &Known) -> Vec<u8> {
    let body = known.json(&known.photo.bytes);
    request("POST", "/invocations", &JSON, &body)
}

pub fn is_overloaded(response: &Response) -> bool {
    response.original_status() == 429
}

fn has_overloaded_line(response: &Response) -> bool {
    response.status == 200
        && response
            .body
            .split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .any(|line| line["error"]["code"] == "overloaded")
}

/// What `future` gives, unless it hangs.
pub async fn deadline<T>(future: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(DEADLINE, future)
        .await
        .map_err(|_| format!("hangs: no end within {} s", DEADLINE.as_secs()))
}

pub fn pick<'a>(known: &'a [Known], rng: &mut ChaCha8Rng) -> &'a Known {
    known.choose(rng).unwrap_or(&known[0])
}

fn nth<T>(items: &[T], ordinal: usize) -> &T {
    &items[ordinal % items.len()]
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
