use std::io::Cursor;
use std::time::Duration;

use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage};

use super::*;
use crate::domain::FormKind;
use crate::fakes::{Fakes, photo_bytes};

fn request(photo: Bytes) -> DescribeRequest {
    DescribeRequest {
        product_id: Some("1".into()),
        photo: PhotoSource::Bytes(photo),
        category: None,
        attributes: None,
        format: None,
    }
}

async fn describe(
    fakes: &Fakes,
    request: DescribeRequest,
) -> Result<ProductDescription, DescribeError> {
    let deadline = Deadline::after(Duration::from_secs(20));
    describe_product(&fakes.services(), request, deadline).await
}

#[tokio::test]
async fn a_product_is_described_with_what_is_known() {
    let fakes = Fakes::default();
    let product = describe(&fakes, request(photo_bytes())).await.unwrap();
    assert_eq!(product.product_id.as_deref(), Some("1"));
    assert_eq!(
        product.attributes.keys().collect::<Vec<_>>(),
        ["Fabric", "Colour"]
    );
    assert_eq!(product.confidence["Fabric"], 0.5);
    assert_eq!(
        product.missing,
        [
            "Fit",
            "Collar",
            "Pattern",
            "Sleeve Length",
            "Neck",
            "Sleeve Styling"
        ]
    );
    assert_eq!(
        product.description.as_deref(),
        Some("A blue cotton garment.")
    );
    assert!(product.unmentioned.is_empty(), "{product:?}");
    assert!(product.warnings.is_empty());
    let asked = fakes.model.asked.lock().unwrap();
    assert_eq!(asked[0].0.len(), 8);
    assert_eq!(
        asked[0].0[0],
        "What is the fabric of the shirt in this picture?"
    );
}

#[tokio::test]
async fn the_way_of_a_product_is_known_as_far_as_it_went() {
    let fakes = Fakes::default();
    let texts = ["A red cotton shirt.", "A blue shirt."];
    fakes.describer.texts.lock().unwrap().extend(texts);
    let (outcome, progress) = Progress::of(describe(&fakes, request(photo_bytes()))).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    let answers = progress.answers.unwrap();
    assert_eq!((answers.answered, answers.missing), (2, 6));
    let text = progress.text.unwrap();
    assert_eq!((text.unmentioned, text.contradicted), (1, 0));
    assert_eq!(text.fate, Unfaithful::Return);
    assert_eq!(text.usage.output_tokens, 10);
    for ms in [
        progress.photo_ms,
        progress.attributes_ms,
        progress.description_ms,
    ] {
        assert!(ms.is_some());
    }

    let (_, progress) = Progress::of(describe(&fakes, request(Bytes::new()))).await;
    assert!(progress.photo_ms.is_some());
    assert_eq!((progress.attributes_ms, progress.answers), (None, None));
}

#[tokio::test]
async fn the_writer_is_told_of_the_category() {
    let fakes = Fakes::default();
    let kurta = DescribeRequest {
        category: Some("Kurtas".into()),
        ..request(photo_bytes())
    };
    describe(&fakes, kurta).await.unwrap();
    let prompts = fakes.describer.prompts.lock().unwrap();
    assert!(prompts[0].0.system.contains("kurta"));
    assert!(prompts[0].0.user.contains("Fabric: Cotton\nColour: Blue\n"));
}

#[tokio::test]
async fn an_unknown_category_is_told() {
    let odd = DescribeRequest {
        category: Some("shirtt".into()),
        ..request(photo_bytes())
    };
    let product = describe(&Fakes::default(), odd).await.unwrap();
    assert_eq!(product.warnings.len(), 1);
    assert!(product.warnings[0].contains("\"shirtt\""), "{product:?}");

    // It may be why nothing is recognised.
    let odd = DescribeRequest {
        category: Some("shirtt".into()),
        attributes: Some(vec!["Neck".into()]),
        ..request(photo_bytes())
    };
    let error = describe(&Fakes::default(), odd).await.unwrap_err();
    let DescribeError::NothingRecognised { warnings, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(warnings, product.warnings);
}

#[tokio::test]
async fn a_listing_is_written_where_the_request_or_the_setting_says_so() {
    let asked = DescribeRequest {
        format: Some(Format::Listing),
        ..request(photo_bytes())
    };
    let by_setting = Fakes {
        variables: [("DEFAULT_FORMAT", "listing")].into(),
        ..Fakes::default()
    };
    for (fakes, request) in [
        (Fakes::default(), asked),
        (by_setting, request(photo_bytes())),
    ] {
        let product = describe(&fakes, request).await.unwrap();
        let listing = product.listing.unwrap();
        assert!(
            listing.title.starts_with("A blue cotton shirt"),
            "{listing:?}"
        );
        assert_eq!(listing.completed["search_keywords"], ["Fabric", "Colour"]);
        assert!(listing.search_keywords.contains(&"cotton shirt".to_owned()));
        assert_eq!(
            product.description.as_deref(),
            Some("A blue cotton garment.")
        );
        assert_eq!(fakes.describer.prompts.lock().unwrap().len(), 1);
    }
    let described = describe(&Fakes::default(), request(photo_bytes())).await;
    assert_eq!(described.unwrap().listing, None);
}

#[tokio::test]
async fn a_text_with_faults_is_held_where_the_setting_says_so() {
    let fakes = Fakes {
        variables: [("UNFAITHFUL_DESCRIPTIONS", "hold")].into(),
        ..Fakes::default()
    };
    let texts = ["A red cotton shirt.", "This is a red cotton shirt."];
    fakes.describer.texts.lock().unwrap().extend(texts);
    let product = describe(&fakes, request(photo_bytes())).await.unwrap();
    assert_eq!(product.description, None);
    assert_eq!(product.held_description.as_deref(), Some(texts[1]));
    assert_eq!(product.contradicted, ["Colour"]);
    assert_eq!(product.usage.input_tokens, 14);
}

#[tokio::test]
async fn half_a_text_is_never_the_description_where_the_setting_says_so() {
    const HALF: &str = "A blue cotton shirt with long sleeves. It goes well with a pair of";
    for setting in ["return", "hold", "drop"] {
        let fakes = Fakes {
            variables: [("UNFAITHFUL_DESCRIPTIONS", setting)].into(),
            ..Fakes::default()
        };
        fakes.describer.texts.lock().unwrap().extend([HALF; 2]);
        *fakes.describer.cut_short.lock().unwrap() = 2;
        let product = describe(&fakes, request(photo_bytes())).await.unwrap();
        let is_returned = setting == "return";
        assert_eq!(product.description.is_some(), is_returned, "{setting}");
        let kinds: Vec<FormKind> = product.wrong_form.iter().map(|fault| fault.kind).collect();
        assert_eq!(kinds, [FormKind::Unfinished], "{setting}");
    }
}

#[tokio::test]
async fn a_photo_that_is_too_large_is_scaled_and_the_answer_says_so() {
    let noise = RgbImage::from_fn(600, 400, |x, y| {
        let value = x
            .wrapping_mul(2_654_435_761)
            .wrapping_add(y.wrapping_mul(40_503))
            >> 5;
        Rgb([value as u8, (value >> 8) as u8, (value >> 16) as u8])
    });
    let mut bytes = Vec::new();
    noise
        .write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)
        .unwrap();
    let fakes = Fakes::default();
    *fakes.model.max_photo_bytes.lock().unwrap() = Some(30_000);
    let product = describe(&fakes, request(bytes.into())).await.unwrap();
    assert!(
        product.warnings[0].contains("600 × 400"),
        "{:?}",
        product.warnings
    );
    assert!(fakes.model.asked.lock().unwrap()[0].1 <= 30_000);
}

#[tokio::test]
async fn what_is_no_photo_never_reaches_the_endpoint() {
    let fakes = Fakes::default();
    let error = describe(&fakes, request(Bytes::from_static(b"text")))
        .await
        .unwrap_err();
    assert!(
        matches!(error, DescribeError::Photo(PhotoError::Unrecognised { .. })),
        "{error}"
    );
    assert!(fakes.model.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn an_unknown_attribute_is_found_before_the_photo_is_read() {
    let fakes = Fakes::default();
    let unknown = DescribeRequest {
        attributes: Some(vec!["Zip".into()]),
        ..request(Bytes::new())
    };
    let error = describe(&fakes, unknown).await.unwrap_err();
    assert!(
        matches!(error, DescribeError::UnknownAttribute(_)),
        "{error}"
    );
}

#[tokio::test]
async fn without_any_answer_the_endpoint_s_error_is_given() {
    let fakes = Fakes::default();
    let timed_out = AskError::TimedOut {
        endpoint: "fake-endpoint".into(),
    };
    *fakes.model.error.lock().unwrap() = Some(timed_out.clone());
    let error = describe(&fakes, request(photo_bytes())).await.unwrap_err();
    let DescribeError::Attributes { error, missing } = error else {
        panic!("{error}")
    };
    assert_eq!(error, timed_out);
    assert_eq!(missing.len(), 8);
    assert!(fakes.describer.prompts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_written_about_nothing() {
    let fakes = Fakes::default();
    let neck = DescribeRequest {
        attributes: Some(vec!["Neck".into()]),
        ..request(photo_bytes())
    };
    let error = describe(&fakes, neck).await.unwrap_err();
    assert_eq!(
        error,
        DescribeError::NothingRecognised {
            missing: vec!["Neck".into()],
            warnings: Vec::new(),
        }
    );
}

/// Fabric has a confidence of a half, Colour none.
fn unsure(low: &'static str) -> Fakes {
    Fakes {
        variables: [("CONFIDENCE_FLOOR", "0.6"), ("LOW_CONFIDENCE", low)].into(),
        ..Fakes::default()
    }
}

#[tokio::test]
async fn what_is_not_sure_is_left_out_and_the_answer_says_so() {
    let fakes = unsure("leave-out");
    let product = describe(&fakes, request(photo_bytes())).await.unwrap();
    assert_eq!(product.left_out, ["Fabric"]);
    assert!(product.hedged.is_empty());
    assert_eq!(product.attributes["Fabric"], "Cotton");
    assert_eq!(product.description.as_deref(), Some("A blue garment."));
    assert!(product.unmentioned.is_empty());
    let prompts = fakes.describer.prompts.lock().unwrap();
    assert!(!prompts[0].0.user.contains("Fabric"));
}

#[tokio::test]
async fn what_is_not_sure_is_hedged_and_may_be_left_unsaid() {
    let fakes = unsure("hedge");
    let own = "A blue garment.";
    fakes.describer.texts.lock().unwrap().push_back(own);
    let product = describe(&fakes, request(photo_bytes())).await.unwrap();
    assert_eq!(product.hedged, ["Fabric"]);
    assert!(product.left_out.is_empty());
    assert_eq!(product.description.as_deref(), Some(own));
    assert!(product.unmentioned.is_empty());
    let prompts = fakes.describer.prompts.lock().unwrap();
    assert_eq!(prompts.len(), 1);
    let block = "<uncertain_attributes>\nFabric: Cotton\n</uncertain_attributes>";
    assert!(prompts[0].0.user.ends_with(block));
}

#[tokio::test]
async fn nothing_is_written_about_what_is_not_sure_at_all() {
    let fakes = unsure("leave-out");
    let fabric = DescribeRequest {
        attributes: Some(vec!["Fabric".into()]),
        ..request(photo_bytes())
    };
    let error = describe(&fakes, fabric).await.unwrap_err();
    let DescribeError::NothingCertain { findings } = error else {
        panic!("{error}")
    };
    assert_eq!(findings.attributes["Fabric"], "Cotton");
    assert!(fakes.describer.prompts.lock().unwrap().is_empty());
}

#[tokio::test]
async fn without_a_description_the_attributes_are_kept() {
    let fakes = Fakes::default();
    *fakes.describer.error.lock().unwrap() = Some(DescriberError::TimedOut {
        model: "fake-model".into(),
    });
    let error = describe(&fakes, request(photo_bytes())).await.unwrap_err();
    let DescribeError::Description { findings, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(findings.attributes["Fabric"], "Cotton");
}

#[test]
fn a_broken_photo_outweighs_other_errors() {
    let timed_out = || {
        Err::<(), _>(AskError::TimedOut {
            endpoint: "e".into(),
        })
    };
    let broken = AskError::InvalidPhoto {
        reason: "cut".into(),
    };
    assert_eq!(
        failure_of_all(&[timed_out(), Err(broken.clone())]),
        Some(broken)
    );
    assert_eq!(failure_of_all(&[timed_out(), Ok(())]), None);
}
