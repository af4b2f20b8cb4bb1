//! The function's own code over a folder, with plain structs for the endpoint and Bedrock.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use describe_product::domain::{
    AskError, AttributeModel, Describer, DescriberError, ModelAnswer, Photo, Prompt, Services,
    TextCheck, Usage, WrittenDescription,
};
use describe_product::settings::CLAIM_PRODUCTS;
use image::{ImageFormat, RgbImage};
use tempfile::TempDir;

use super::*;
use crate::arguments::Global;
use crate::backfill::folder_store::FolderStore;
use crate::backfill::products;
use crate::function_settings::{self, Setting};
use crate::interrupt::Interrupt;

/// Knows the fabric of everything, once it is up.
#[derive(Default)]
struct Endpoint {
    asked: AtomicUsize,
    /// How often it fails before it answers.
    failures: usize,
    /// Who is interrupted when it is asked for the first time.
    interrupts: Option<Interrupt>,
}

#[async_trait]
impl AttributeModel for Endpoint {
    fn name(&self) -> &str {
        "endpoint"
    }

    fn max_photo_bytes(&self, _questions: &[String]) -> usize {
        usize::MAX
    }

    async fn ask(
        &self,
        _photo: &Photo,
        questions: &[String],
        _deadline: Deadline,
    ) -> Vec<Result<ModelAnswer, AskError>> {
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(interrupt) = &self.interrupts {
            interrupt.raise();
        }
        let answer = |question: &String| {
            if before < self.failures {
                return Err(AskError::Unavailable {
                    endpoint: "endpoint".into(),
                    attempts: 1,
                    reason: "down".into(),
                });
            }
            let is_of_fabric = question.contains("fabric");
            let text = if is_of_fabric { "Fabric: Cotton" } else { "" };
            Ok(ModelAnswer {
                text: text.into(),
                confidence: None,
            })
        };
        questions.iter().map(answer).collect()
    }
}

struct Writer;

#[async_trait]
impl Describer for Writer {
    async fn describe(
        &self,
        _prompt: &Prompt,
        _deadline: Deadline,
    ) -> Result<WrittenDescription, DescriberError> {
        Ok(WrittenDescription {
            text: "A cotton garment.".into(),
            model: "claude".into(),
            usage: Usage {
                input_tokens: 7,
                output_tokens: 5,
                cost: None,
            },
            warnings: Vec::new(),
            is_cut_short: false,
        })
    }
}

/// A folder with so many photographs.
fn catalogue(photographs: usize) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..photographs {
        let path = folder.path().join(format!("{number:02}.png"));
        let red = u8::try_from(number).unwrap();
        let picture = RgbImage::from_pixel(8, 8, image::Rgb([red, 0, 0]));
        picture.save_with_format(path, ImageFormat::Png).unwrap();
    }
    folder
}

fn app(folder: &TempDir, endpoint: Arc<Endpoint>) -> App {
    let given = [Setting::new(&CLAIM_PRODUCTS, "no")];
    let settings = function_settings::read(&given, false).unwrap();
    let services = Services {
        attribute_set: settings.attribute_set.clone(),
        default_category: settings.default_category.clone(),
        default_format: settings.default_format,
        model: endpoint,
        certainty: settings.certainty,
        wording: settings.wording.clone(),
        describer: Arc::new(Writer),
        check: Arc::new(TextCheck::new(
            &settings.attribute_set,
            &settings.wording.style,
        )),
        unfaithful: settings.unfaithful,
        store: Arc::new(FolderStore::new(folder.path(), folder.path())),
    };
    App::new(settings, services)
}

/// The numbers of a run over the folder.
async fn run(folder: &TempDir, endpoint: &Arc<Endpoint>, context: &Context) -> Tally {
    let found = products::in_folder(folder.path()).unwrap();
    let source = Source::Folder(folder.path().to_owned());
    let app = app(folder, endpoint.clone());
    describe_all(&app, &source, &found.list, PACE, context).await
}

const PACE: Pace = Pace {
    concurrency: 2,
    timeout: Duration::from_secs(60),
    tries: 3,
};

fn quiet() -> Context {
    Context::new(Global {
        quiet: true,
        ..Global::default()
    })
}

fn asked(endpoint: &Endpoint) -> usize {
    endpoint.asked.load(Ordering::SeqCst)
}

fn files(folder: &TempDir, under: &str) -> usize {
    let entries = folder.path().join(under).read_dir();
    entries.into_iter().flatten().count()
}

#[tokio::test]
async fn every_product_is_described_once() {
    let folder = catalogue(5);
    let endpoint = Arc::new(Endpoint::default());
    let summary = run(&folder, &endpoint, &quiet())
        .await
        .summary(0, Duration::ZERO);
    assert_eq!((summary.products, summary.described), (5, 5));
    assert_eq!((summary.input_tokens, summary.output_tokens), (35, 25));
    assert_eq!(files(&folder, "descriptions"), 5);
    assert_eq!(asked(&endpoint), 5);
    // Once more: nothing is asked.
    let summary = run(&folder, &endpoint, &quiet())
        .await
        .summary(0, Duration::ZERO);
    assert_eq!((summary.described, summary.already_described), (0, 5));
    assert_eq!(asked(&endpoint), 5);
}

#[tokio::test]
async fn another_photograph_of_a_product_is_another_work() {
    let folder = catalogue(2);
    let endpoint = Arc::new(Endpoint::default());
    run(&folder, &endpoint, &quiet()).await;
    let (first, second) = (folder.path().join("00.png"), folder.path().join("01.png"));
    std::fs::copy(second, first).unwrap();
    let tally = run(&folder, &endpoint, &quiet()).await;
    let summary = tally.summary(0, Duration::ZERO);
    assert_eq!((summary.described, summary.already_described), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_now_is_tried_again_and_leaves_no_record() {
    let folder = catalogue(6);
    let endpoint = Arc::new(Endpoint {
        failures: 4,
        ..Endpoint::default()
    });
    let tally = run(&folder, &endpoint, &quiet()).await;
    assert!(!tally.gave_up);
    let summary = tally.summary(0, Duration::ZERO);
    assert_eq!(summary.described, 6, "{summary:?}");
    assert_eq!(asked(&endpoint), 10);
    assert_eq!(files(&folder, "failures"), 0);
}

#[tokio::test]
async fn an_endpoint_that_stays_down_ends_the_run() {
    let folder = catalogue(60);
    let endpoint = Arc::new(Endpoint {
        failures: usize::MAX,
        ..Endpoint::default()
    });
    let tally = run(&folder, &endpoint, &quiet()).await;
    assert!(tally.gave_up);
    let summary = tally.summary(0, Duration::ZERO);
    assert!(asked(&endpoint) <= FAILURES_IN_A_ROW + 2, "{summary:?}");
    assert_eq!(summary.failures(), asked(&endpoint));
    assert_eq!(summary.not_reached, 60 - asked(&endpoint));
    assert_eq!(files(&folder, "failures"), asked(&endpoint));
}

#[tokio::test]
async fn who_interrupts_loses_nothing_that_is_under_way() {
    let folder = catalogue(9);
    let context = quiet();
    let interrupted = Arc::new(Endpoint {
        interrupts: Some(context.interrupt.clone()),
        ..Endpoint::default()
    });
    let tally = run(&folder, &interrupted, &context).await;
    let under_way = asked(&interrupted);
    assert!(under_way <= 2, "{under_way}");
    assert_eq!(files(&folder, "descriptions"), under_way);
    assert_eq!(tally.summary(0, Duration::ZERO).not_reached, 9 - under_way);
    // The same command goes on.
    let endpoint = Arc::new(Endpoint::default());
    run(&folder, &endpoint, &quiet()).await;
    assert_eq!(asked(&endpoint), 9 - under_way);
    assert_eq!(files(&folder, "descriptions"), 9);
}

#[tokio::test]
async fn what_an_inventory_lists_is_known_by_its_present_tag_and_may_be_gone() {
    let folder = catalogue(2);
    let source = Source::Bucket {
        bucket: "photos".into(),
        prefix: String::new(),
    };
    let list = ["00", "01", "02"].map(|id| Product {
        id: id.into(),
        key: format!("{id}.png"),
        etag: None,
        at_ms: None,
    });
    let endpoint = Arc::new(Endpoint::default());
    let app = app(&folder, endpoint.clone());
    for (described, already) in [(2, 0), (0, 2)] {
        let tally = describe_all(&app, &source, &list, PACE, &quiet()).await;
        let summary = tally.summary(0, Duration::ZERO);
        assert_eq!((summary.described, summary.gone), (described, 1));
        assert_eq!(summary.already_described, already, "{summary:?}");
        assert!(summary.failure(false).is_none());
    }
    assert_eq!(files(&folder, "failures"), 0);
    // One that was replaced since is another photograph.
    let (first, second) = (folder.path().join("00.png"), folder.path().join("01.png"));
    std::fs::copy(second, first).unwrap();
    describe_all(&app, &source, &list, PACE, &quiet()).await;
    assert_eq!(asked(&endpoint), 3);
}

/// A bucket has two photographs of a product, and the function has described the newer one.
#[tokio::test]
async fn what_was_listed_does_not_replace_the_text_of_a_newer_photograph() {
    let folder = catalogue(1);
    let source = Source::Bucket {
        bucket: "photos".into(),
        prefix: String::new(),
    };
    let result = folder.path().join("descriptions/00.json");
    std::fs::create_dir(folder.path().join("descriptions")).unwrap();
    let of_event = |at_ms| {
        SourceMark {
            origin: "s3://photos/00.webp".into(),
            etag: Some("e".into()),
            sequencer: Some("01".into()),
            at_ms: Some(at_ms),
            ..SourceMark::default()
        }
        .to_json()
    };
    let listed = [Product {
        id: "00".into(),
        key: "00.png".into(),
        etag: Some("f".into()),
        at_ms: Some(1_763_976_600_999),
    }];
    let endpoint = Arc::new(Endpoint::default());
    let app = app(&folder, endpoint.clone());
    for (at_ms, described) in [(1_763_976_601_000, 0), (1_763_976_599_000, 1)] {
        let document = serde_json::json!({"source": of_event(at_ms)}).to_string();
        std::fs::write(&result, &document).unwrap();
        let tally = describe_all(&app, &source, &listed, PACE, &quiet()).await;
        let summary = tally.summary(0, Duration::ZERO);
        assert_eq!(summary.described, described, "{summary:?}");
        let is_kept = std::fs::read_to_string(&result).unwrap() == document;
        assert_eq!(is_kept, described == 0, "{at_ms}");
    }
    assert_eq!(asked(&endpoint), 1);
}

#[tokio::test]
async fn a_photograph_is_read_in_the_state_that_was_listed() {
    let folder = catalogue(1);
    let app = app(&folder, Arc::new(Endpoint::default()));
    let product = Product {
        id: "00".into(),
        key: "00.png".into(),
        etag: Some("e1".into()),
        at_ms: Some(1_763_976_600_999),
    };
    let deadline = Deadline::after(Duration::from_secs(20));
    let found = in_bucket(&app, "photos", &product, deadline).await;
    let (photo, mark) = found.unwrap().unwrap();
    let state = ObjectState {
        address: "s3://photos/00.png".parse().unwrap(),
        etag: "e1".into(),
    };
    assert_eq!(photo, PhotoSource::State(state));
    assert_eq!(mark.etag.as_deref(), Some("e1"));
    assert_eq!(mark.at_ms, Some(1_763_976_600_999));
}
