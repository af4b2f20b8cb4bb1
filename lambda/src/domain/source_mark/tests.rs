use super::*;
use crate::domain::ObjectState;

fn mark(origin: &str, etag: Option<&str>, sequencer: Option<&str>) -> SourceMark {
    SourceMark {
        origin: origin.to_owned(),
        etag: etag.map(str::to_owned),
        sequencer: sequencer.map(str::to_owned),
        settings: Some("s1".to_owned()),
        ..SourceMark::default()
    }
}

fn at(mark: SourceMark, at_ms: u64) -> SourceMark {
    SourceMark {
        at_ms: Some(at_ms),
        ..mark
    }
}

#[test]
fn the_same_event_is_the_same_and_an_earlier_one_is_late() {
    let stored = mark("a.jpg", Some("e"), Some("0055AED6DCD90281E6"));
    assert_eq!(stored.standing(&stored), Standing::Same);
    let earlier = mark("a.jpg", Some("old"), Some("0055AED6DCD90281E5"));
    assert_eq!(stored.standing(&earlier), Standing::Later);
}

#[test]
fn a_later_upload_is_another_even_with_the_same_content() {
    let stored = mark("a.jpg", Some("e"), Some("0055AED6DCD90281E5"));
    let later = mark("a.jpg", Some("e"), Some("0055aed6dcd90281e6"));
    assert_eq!(stored.standing(&later), Standing::Other);
}

#[test]
fn of_two_origins_the_later_one_stands_whatever_is_delivered_again() {
    let jpeg = at(mark("s3://b/7.jpg", Some("e"), Some("09")), 1_000);
    let png = at(mark("s3://b/7.png", Some("f"), Some("01")), 2_000);
    assert_eq!(jpeg.standing(&png), Standing::Other);
    assert_eq!(png.standing(&jpeg), Standing::Later);
    // Of one moment: the one stays, and it is always the same one.
    let beside = at(png.clone(), 1_000);
    assert_eq!(beside.standing(&jpeg), Standing::Other);
    assert_eq!(jpeg.standing(&beside), Standing::Later);
    let listed = |key: &str| at(mark(key, Some("e"), None), 1_000);
    let (jpeg, beside) = (listed("s3://b/7.jpg"), listed("s3://b/7.png"));
    assert_eq!(jpeg.standing(&beside), Standing::Other);
    assert_eq!(beside.standing(&jpeg), Standing::Later);
    let sent = |ms: &str| SourceMark::of_message("sqs", "m1", Some(ms));
    assert_eq!(png.standing(&sent("1500")), Standing::Later);
    assert_eq!(png.standing(&sent("2500")), Standing::Other);
    let topic = SourceMark::of_message("sns", "m2", Some("1970-01-01T00:00:02.500Z"));
    assert_eq!(topic.standing(&sent("2499")), Standing::Later);
    assert_eq!(topic.standing(&sent("2501")), Standing::Other);
}

/// A photo that was uploaded in the second from 10 s on, as EventBridge and listings tell
/// of it.
fn to_the_second(key: &str, sequencer: Option<&str>) -> SourceMark {
    at(mark(key, Some("e"), sequencer), 10_999)
}

/// A message of this time about the photo `s3://b/7.jpg`, with wishes of its own.
fn wish(sent: &str, etag: &str) -> SourceMark {
    SourceMark {
        photo: Some(state_digest("s3://b/7.jpg", etag)),
        settings: Some("s2".to_owned()),
        ..SourceMark::of_message("sqs", "m1", Some(sent))
    }
}

#[test]
fn a_message_about_a_photo_is_later_than_its_upload_within_one_second() {
    let upload = to_the_second("s3://b/7.jpg", Some("01"));
    for sent in ["10000", "10500", "10999", "11000"] {
        let message = wish(sent, "e");
        assert_eq!(upload.standing(&message), Standing::Other, "{sent}");
        assert_eq!(message.standing(&upload), Standing::Later, "{sent}");
        let by_settings_alike = SourceMark {
            settings: upload.settings.clone(),
            ..message
        };
        let standing = upload.standing(&by_settings_alike);
        assert_eq!(standing, Standing::SamePhoto, "{sent}");
    }
    let before = wish("9999", "e");
    assert_eq!(upload.standing(&before), Standing::Later);
    assert_eq!(before.standing(&upload), Standing::Other);
    // What is told to the millisecond is compared so.
    let exact = at(upload, 10_500);
    assert_eq!(exact.standing(&wish("10499", "e")), Standing::Later);
    assert_eq!(exact.standing(&wish("10500", "e")), Standing::Other);
    assert_eq!(wish("10500", "e").standing(&exact), Standing::Later);
}

#[test]
fn beside_another_photo_of_one_second_neither_upload_nor_message_is_lost() {
    let upload = to_the_second("s3://b/7.jpg", Some("02"));
    for message in [wish("10500", "f"), wish("10999", "f")] {
        assert_eq!(upload.standing(&message), Standing::Other);
        assert_eq!(message.standing(&upload), Standing::Other);
    }
    let unknown = SourceMark {
        photo: None,
        ..wish("10500", "e")
    };
    assert_eq!(upload.standing(&unknown), Standing::Other);
    assert_eq!(unknown.standing(&upload), Standing::Other);
}

#[test]
fn of_two_uploads_of_one_second_the_sequencers_say_which_is_later() {
    let exact = |sequencer| at(mark("s3://b/7.png", Some("f"), Some(sequencer)), 10_950);
    let told = to_the_second("s3://b/7.jpg", Some("02"));
    for (sequencer, told_before, exact_before) in [
        ("03", Standing::Other, Standing::Later),
        ("01", Standing::Later, Standing::Other),
    ] {
        assert_eq!(told.standing(&exact(sequencer)), told_before);
        assert_eq!(exact(sequencer).standing(&told), exact_before);
    }
    // A listing has none: then the one that S3 told of stays, whatever the two are called.
    let named = |key: &str| at(mark(key, Some("f"), Some("01")), 10_950);
    for (listed, event) in [
        ("s3://b/7.jpg", "s3://b/7.png"),
        ("s3://b/7.png", "s3://b/7.jpg"),
    ] {
        let listed = to_the_second(listed, None);
        assert_eq!(listed.standing(&named(event)), Standing::Other);
        assert_eq!(named(event).standing(&listed), Standing::Later);
    }
    let next = at(exact("01"), 11_000);
    assert_eq!(next.standing(&told), Standing::Later);
    assert_eq!(told.standing(&next), Standing::Other);
}

#[test]
fn where_no_time_is_known_the_sequencers_of_two_photos_are_compared() {
    let jpeg = mark("s3://b/7.jpg", Some("e"), Some("01"));
    let png = mark("s3://b/7.png", Some("f"), Some("02"));
    assert_eq!(jpeg.standing(&png), Standing::Other);
    assert_eq!(png.standing(&jpeg), Standing::Later);
    let unknown = mark("s3://b/7.png", Some("f"), None);
    assert_eq!(unknown.standing(&jpeg), Standing::Other);
}

#[test]
fn a_message_about_a_photo_that_is_described_is_about_the_same_photo() {
    let upload = mark("s3://b/7.jpg", Some("e"), Some("01"));
    let about = |id: &str, etag: &str| SourceMark {
        photo: Some(state_digest("s3://b/7.jpg", etag)),
        settings: Some("s1".to_owned()),
        ..SourceMark::of_message("sqs", id, None)
    };
    assert_eq!(upload.standing(&about("m1", "e")), Standing::SamePhoto);
    assert_eq!(about("m1", "e").standing(&upload), Standing::SamePhoto);
    assert_eq!(
        about("m1", "e").standing(&about("m2", "e")),
        Standing::SamePhoto
    );
    assert_eq!(upload.standing(&about("m1", "f")), Standing::Other);
    let otherwise = SourceMark {
        settings: Some("s2".to_owned()),
        ..about("m1", "e")
    };
    assert_eq!(upload.standing(&otherwise), Standing::Other);
}

#[test]
fn the_photo_of_a_message_is_told_by_its_state_or_its_bytes() {
    let state = |etag: &str| {
        photo_digest(&PhotoSource::State(ObjectState {
            address: "s3://bucket/7.jpg".parse().unwrap(),
            etag: etag.to_owned(),
        }))
    };
    let upload = mark("s3://bucket/7.jpg", Some("e"), None);
    assert_eq!(state("e"), upload.photo());
    assert_ne!(state("f"), upload.photo());
    let bytes = |text: &'static str| photo_digest(&PhotoSource::Bytes(text.into()));
    assert!(bytes("a").is_some() && bytes("a") == bytes("a") && bytes("a") != bytes("b"));
    let unknown = PhotoSource::Object("s3://bucket/7.jpg".parse().unwrap());
    assert_eq!(photo_digest(&unknown), None);
}

#[test]
fn sequencers_of_unequal_length_are_padded() {
    let standing =
        |stored, new| mark("a", None, Some(stored)).standing(&mark("a", None, Some(new)));
    assert_eq!(standing("0056", "0055FF"), Standing::Later);
    assert_eq!(standing("0055", "005500"), Standing::Same);
    assert_eq!(standing("0055", "005501"), Standing::Other);
}

#[test]
fn a_message_is_the_same_as_itself_and_late_after_one_sent_later() {
    let message = |id, sent| SourceMark::of_message("sqs", id, sent);
    assert_eq!(
        message("a", None).standing(&message("a", None)),
        Standing::Same
    );
    assert_eq!(
        message("a", None).standing(&message("b", None)),
        Standing::Other
    );
    let stored = message("b", Some("1763976600001"));
    let earlier = message("a", Some("1763976600000"));
    assert_eq!(stored.standing(&earlier), Standing::Later);
    assert_eq!(earlier.standing(&stored), Standing::Other);
    // Sent at the same time: neither is late.
    let beside = message("c", Some("1763976600001"));
    assert_eq!(stored.standing(&beside), Standing::Other);
    assert_eq!(
        stored.standing(&mark("a", Some("a"), None)),
        Standing::Other
    );
}

#[test]
fn without_a_sequencer_the_entity_tag_decides() {
    let stored = mark("a", Some("e"), None);
    assert_eq!(
        stored.standing(&mark("a", Some("e"), Some("01"))),
        Standing::Same
    );
    assert_eq!(
        stored.standing(&mark("a", Some("f"), None)),
        Standing::Other
    );
    let bare = mark("a", None, None);
    assert_eq!(bare.standing(&bare), Standing::Other);
}

#[test]
fn other_settings_are_other_work_unless_the_photo_was_replaced() {
    let stored = mark("a", Some("e"), Some("02"));
    let settings = |sequencer| SourceMark {
        settings: Some("s2".to_owned()),
        ..mark("a", Some("e"), Some(sequencer))
    };
    assert_eq!(stored.standing(&settings("02")), Standing::Other);
    assert_eq!(stored.standing(&settings("01")), Standing::Later);
}
