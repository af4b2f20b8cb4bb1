//! The work itself: products described side by side, each once.

use std::cell::Cell;
use std::time::Duration;

use describe_product::domain::{
    Deadline, DescribeRequest, MAX_PHOTO_BYTES, ObjectAddress, ObjectState, PhotoSource, Progress,
    SourceMark, digest, origin_of_upload,
};
use describe_product::entrypoints::{App, Outcome, describe_and_store};
use describe_product::problem::Problem;
use futures::StreamExt;
use trainer::progress;

use super::folder_store;
use super::products::{Product, Source};
use super::tally::Tally;
use crate::context::Context;

/// So many products in a row that fail for a reason that may pass end the run: what is
/// behind them would fail alike, and each would leave a record.
const FAILURES_IN_A_ROW: usize = 20;
/// How many failures are told one by one.
const TOLD: usize = 5;
/// The pause before what failed is tried again; the second is twice as long.
const PAUSE: Duration = Duration::from_secs(3);

/// Why a product is passed over whose photograph an inventory lists and the bucket has no more.
pub const GONE: &str = "its photograph is gone since the inventory was made";

/// How the work is done.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many products are under way at a time.
    pub concurrency: usize,
    /// How long one may take.
    pub timeout: Duration,
    /// How often a product is tried that fails for a reason that may pass.
    pub tries: u32,
}

/// What came of one product.
#[derive(Debug)]
pub struct Done {
    /// What became of it.
    pub outcome: Result<Outcome, Problem>,
    /// What was counted meanwhile: calls, tokens.
    pub progress: Progress,
}

/// Describes what is not described yet, until all is done, the user interrupts or too much
/// fails. What is under way is finished in any case.
pub async fn describe_all(
    app: &App,
    source: &Source,
    products: &[Product],
    pace: Pace,
    context: &Context,
) -> Tally {
    let mut work = Work {
        app,
        source,
        pace,
        context,
        tally: Tally::of(products.len()),
        bar: Bar::new(products.len(), context),
    };
    let mut waiting: Vec<&Product> = products.iter().collect();
    for attempt in 1.. {
        let failed = work.pass(waiting).await;
        if failed.is_empty() || attempt >= pace.tries || work.is_over() || !work.rest(attempt).await
        {
            for (product, done) in failed {
                work.enter(product, &done);
            }
            break;
        }
        waiting = Vec::with_capacity(failed.len());
        for (product, done) in failed {
            work.tally.add_calls(&done.progress);
            waiting.push(product);
        }
    }
    work.bar.finish();
    work.tally
}

struct Work<'a> {
    app: &'a App,
    source: &'a Source,
    pace: Pace,
    context: &'a Context,
    tally: Tally,
    bar: Bar,
}

impl<'a> Work<'a> {
    /// One pass over what waits. Gives back what failed for a reason that may pass.
    async fn pass(&mut self, waiting: Vec<&'a Product>) -> Vec<(&'a Product, Done)> {
        let (app, source, pace, context) = (self.app, self.source, self.pace, self.context);
        let most = FAILURES_IN_A_ROW.max(2 * pace.concurrency);
        let in_a_row = Cell::new(0_usize);
        let goes_on = || in_a_row.get() < most && !context.interrupt.came();
        let mut work = futures::stream::iter(waiting)
            .take_while(|_| futures::future::ready(goes_on()))
            .map(|product| async move { (product, one(app, source, product, pace.timeout).await) })
            .buffer_unordered(pace.concurrency);
        let mut failed = Vec::new();
        let mut was_told = false;
        loop {
            let next = tokio::select! {
                next = work.next() => next,
                () = context.interrupt.wait(), if !was_told => {
                    was_told = true;
                    self.say("finishing what is under way; interrupt once more to end at once");
                    continue;
                }
            };
            let Some((product, done)) = next else { break };
            let may_pass = matches!(&done.outcome, Err(problem) if problem.kind.is_retriable());
            if may_pass {
                in_a_row.set(in_a_row.get() + 1);
                failed.push((product, done));
            } else {
                in_a_row.set(0);
                self.enter(product, &done);
            }
        }
        self.tally.gave_up = in_a_row.get() >= most;
        failed
    }

    /// Counts what came of a product, and tells of the first failures.
    fn enter(&mut self, product: &Product, done: &Done) {
        if let Some(words) = self.tally.add(&product.id, done)
            && self.tally.failures() <= TOLD
        {
            self.say(&words);
        }
        self.bar.show(self.tally.done());
    }

    fn say(&self, words: &str) {
        self.bar.aside(|| self.context.terminal.say(words));
    }

    fn is_over(&self) -> bool {
        self.tally.gave_up || self.context.interrupt.came()
    }

    /// Waits before another pass. Says whether there is to be one.
    async fn rest(&self, attempt: u32) -> bool {
        let pause = PAUSE * attempt;
        self.say(&format!(
            "some products failed for a reason that may pass: again in {} s",
            pause.as_secs()
        ));
        let waited = self.context.interrupt.or(tokio::time::sleep(pause)).await;
        waited.is_ok()
    }
}

/// Describes one product, unless it is described already.
async fn one(app: &App, source: &Source, product: &Product, timeout: Duration) -> Done {
    let work = describe(app, source, product, Deadline::after(timeout));
    let (outcome, progress) = Progress::of(work).await;
    Done { outcome, progress }
}

async fn describe(
    app: &App,
    source: &Source,
    product: &Product,
    deadline: Deadline,
) -> Result<Outcome, Problem> {
    let (bucket, photo, mark) = match source {
        Source::Bucket { bucket, .. } => {
            let Some((photo, mark)) = in_bucket(app, bucket, product, deadline).await? else {
                return Ok(Outcome::Skipped(GONE));
            };
            (bucket.as_str(), photo, mark)
        }
        Source::Folder(folder) => {
            let (photo, mark) = in_folder(folder, product).await;
            (folder_store::BUCKET, photo, mark)
        }
    };
    let request = DescribeRequest {
        product_id: None,
        photo,
        category: None,
        attributes: None,
        format: None,
    };
    describe_and_store(app, product.id.clone(), request, bucket, mark, deadline).await
}

/// As an event of S3 would tell of it: its address, its entity tag and the time at which it was
/// written, which the object is asked for where no listing gave them. It is about that state of
/// the object alone. Nothing where it is not there then.
async fn in_bucket(
    app: &App,
    bucket: &str,
    product: &Product,
    deadline: Deadline,
) -> Result<Option<(PhotoSource, SourceMark)>, Problem> {
    let address = ObjectAddress {
        bucket: bucket.to_owned(),
        key: product.key.clone(),
    };
    let (state, at_ms) = match &product.etag {
        Some(etag) => {
            let etag = etag.clone();
            (ObjectState { address, etag }, product.at_ms)
        }
        None => match app.store().find_state(&address, deadline).await? {
            Some(found) => found,
            None => return Ok(None),
        },
    };
    let mark = SourceMark {
        origin: origin_of_upload(&state.address),
        etag: Some(state.etag.clone()),
        at_ms,
        ..SourceMark::default()
    };
    Ok(Some((PhotoSource::State(state), mark)))
}

/// A file is known by what is in it, so that it may be moved and touched. What can't be read
/// or is too large is left to the store, whose error leaves a record.
async fn in_folder(folder: &std::path::Path, product: &Product) -> (PhotoSource, SourceMark) {
    let mark = |etag| SourceMark {
        origin: format!("file/{}", product.key),
        etag,
        ..SourceMark::default()
    };
    let path = folder.join(&product.key);
    let is_small = tokio::fs::metadata(&path)
        .await
        .is_ok_and(|data| data.len() <= MAX_PHOTO_BYTES);
    if is_small && let Ok(bytes) = tokio::fs::read(&path).await {
        let etag = digest([&bytes[..]]);
        return (PhotoSource::Bytes(bytes.into()), mark(Some(etag)));
    }
    let address = ObjectAddress {
        bucket: folder_store::BUCKET.to_owned(),
        key: product.key.clone(),
    };
    (PhotoSource::Object(address), mark(None))
}

/// A bar on a terminal, lines elsewhere, nothing for those who want quiet.
struct Bar(Option<progress::Progress>);

impl Bar {
    fn new(all: usize, context: &Context) -> Bar {
        let is_shown = !context.terminal.quiet && all > 0;
        Bar(is_shown.then(|| progress::Progress::new("products", all)))
    }

    fn show(&mut self, done: usize) {
        if let Some(bar) = &mut self.0 {
            bar.show(done);
        }
    }

    fn aside(&self, write: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.aside(write),
            None => write(),
        }
    }

    fn finish(&self) {
        if let Some(bar) = &self.0 {
            bar.finish();
        }
    }
}

#[cfg(test)]
mod tests;
