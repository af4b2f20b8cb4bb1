//! S3's client.

use std::time::Duration;

use super::canned::{Canned, Server};
use super::config;
use crate::adapters::s3::S3Store;
use crate::domain::{
    Condition, Deadline, ObjectAddress, ObjectState, SourceMark, Store, StoreError, Stored,
    Version, origin_of_upload,
};

fn soon() -> Deadline {
    Deadline::after(Duration::from_secs(20))
}

fn address() -> ObjectAddress {
    "s3://lookbook-catalogue/incoming/a b.jpg".parse().unwrap()
}

async fn store(answer: Canned) -> (Server, S3Store) {
    let server = Server::start(answer).await;
    let store = S3Store::new(&config(&server.url).await, true);
    (server, store)
}

#[tokio::test]
async fn an_object_is_read_in_path_style() {
    let (server, store) = store(Canned::new(200, "photo")).await;
    assert_eq!(store.read(&address(), 5, soon()).await.unwrap(), "photo");
    let request = &server.requests()[0];
    assert!(
        request.starts_with("GET /lookbook-catalogue/incoming/a%20b.jpg"),
        "{request}"
    );

    let error = store.read(&address(), 4, soon()).await.unwrap_err();
    assert_eq!(
        error,
        StoreError::TooLarge {
            address: address(),
            bytes: 5,
            max_bytes: 4
        }
    );
}

/// Whether the server knows the condition or not.
#[tokio::test]
async fn an_object_in_another_state_is_not_read() {
    let state = ObjectState {
        address: address(),
        etag: "e1".to_owned(),
    };
    let (server, here) = store(Canned::new(200, "photo").with("etag", "\"e1\"")).await;
    let photo = here.read_state(&state, 5, soon()).await.unwrap();
    assert_eq!(photo, "photo");
    let request = &server.requests()[0];
    assert!(request.contains("if-match: \"e1\"\r\n"), "{request}");

    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for answer in [
        Canned::new(412, xml("PreconditionFailed")),
        Canned::new(200, "other").with("etag", "\"e2\""),
    ] {
        let (_server, replaced) = store(answer).await;
        let error = replaced.read_state(&state, 5, soon()).await.unwrap_err();
        assert_eq!(error, StoreError::Changed { address: address() });
    }
    let (_server, gone) = store(Canned::new(404, xml("NoSuchKey"))).await;
    let error = gone.read_state(&state, 5, soon()).await.unwrap_err();
    assert_eq!(error, StoreError::NotFound { address: address() });
}

#[tokio::test]
async fn s3_s_errors_are_told_apart() {
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for code in ["NoSuchKey", "NoSuchBucket"] {
        let (_server, store) = store(Canned::new(404, xml(code))).await;
        let error = store.read(&address(), 9, soon()).await.unwrap_err();
        assert_eq!(error, StoreError::NotFound { address: address() });
    }
    let refused =
        |status, code: &str| Canned::new(status, xml(code)).with("x-amz-request-id", "r-7");
    let (_server, denied) = store(refused(403, "AccessDenied")).await;
    let error = denied.read(&address(), 9, soon()).await.unwrap_err();
    assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains("AccessDenied (request id r-7)"), "{said}");
    let (_server, other) = store(refused(400, "InvalidRequest")).await;
    let error = other
        .read(&address(), 9, soon())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("InvalidRequest (400) (request id r-7): «no»"),
        "{error}"
    );
}

fn mark() -> SourceMark {
    SourceMark {
        origin: "s3://catalogue/incoming/a bé.jpg".into(),
        etag: Some("e1".into()),
        sequencer: Some("0055".into()),
        at_ms: Some(1_763_976_600_000),
        photo: Some("f070".into()),
        settings: Some("5e77".into()),
    }
}

#[tokio::test]
async fn a_result_says_what_it_was_made_from() {
    let (_server, none) = store(Canned::new(404, "")).await;
    assert_eq!(none.look(&address(), soon()).await.unwrap(), None);
    assert_eq!(none.load(&address(), 9, soon()).await.unwrap(), None);
    let (_server, denied) = store(Canned::new(403, "")).await;
    let error = denied.look(&address(), soon()).await.unwrap_err();
    assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");

    let origin = "s3%3A%2F%2Fcatalogue%2Fincoming%2Fa%20b%C3%A9%2Ejpg";
    let answer = Canned::new(200, "{}")
        .with("etag", "\"v1\"")
        .with("x-amz-meta-source-origin", origin)
        .with("x-amz-meta-source-etag", "e1")
        .with("x-amz-meta-source-sequencer", "0055")
        .with("x-amz-meta-source-at-ms", "1763976600000")
        .with("x-amz-meta-source-photo", "f070")
        .with("x-amz-meta-source-settings", "5e77");
    let (server, store) = store(answer).await;
    let stored = Stored {
        version: Version("\"v1\"".into()),
        source: Some(mark()),
    };
    assert_eq!(
        store.look(&address(), soon()).await.unwrap(),
        Some(stored.clone())
    );
    assert_eq!(
        store.load(&address(), 2, soon()).await.unwrap(),
        Some((stored.clone(), bytes::Bytes::from_static(b"{}")))
    );

    let condition = Condition::unchanged(Some(&stored));
    let version = store
        .write(&address(), "{}".into(), Some(&mark()), &condition, soon())
        .await
        .unwrap();
    assert_eq!(version, stored.version);
    let request = &server.requests()[2];
    assert!(
        request.starts_with("PUT /lookbook-catalogue/incoming/a%20b.jpg"),
        "{request}"
    );
    for header in [
        "content-type: application/json\r\n",
        "if-match: \"v1\"\r\n",
        &format!("x-amz-meta-source-origin: {origin}\r\n"),
        "x-amz-meta-source-etag: e1\r\n",
        "x-amz-meta-source-sequencer: 0055\r\n",
        "x-amz-meta-source-at-ms: 1763976600000\r\n",
        "x-amz-meta-source-photo: f070\r\n",
        "x-amz-meta-source-settings: 5e77\r\n",
    ] {
        assert!(request.contains(header), "{request}");
    }
}

#[tokio::test]
async fn an_object_has_a_state_since_a_second() {
    let answer = Canned::new(200, "")
        .with("etag", "\"e1\"")
        .with("last-modified", "Mon, 24 Nov 2025 09:30:00 GMT");
    let (_server, here) = store(answer).await;
    let state = ObjectState {
        address: address(),
        etag: "e1".to_owned(),
    };
    assert_eq!(
        here.find_state(&address(), soon()).await.unwrap(),
        Some((state, Some(1_763_976_600_999)))
    );
    let (_server, none) = store(Canned::new(404, "")).await;
    assert_eq!(none.find_state(&address(), soon()).await.unwrap(), None);
}

/// More than one product's calls fail so, and none is made any more.
#[tokio::test]
async fn a_bucket_that_is_out_of_reach_is_left_alone_for_a_while() {
    let config = config("http://127.0.0.1:1").await;
    let broken = S3Store::new(&config, true);
    let object = address();
    let calls = (0..8).map(|_| broken.look(&object, soon()));
    for outcome in futures::future::join_all(calls).await {
        let error = outcome.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(!error.to_string().contains("not asked"), "{error}");
    }
    let error = broken.look(&address(), soon()).await.unwrap_err();
    assert!(error.to_string().contains("not asked for now"), "{error}");

    // Another bucket has nothing to do with that: a caller may have named this one.
    let other: ObjectAddress = "s3://results/descriptions/1.json".parse().unwrap();
    let error = broken.look(&other, soon()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
    assert!(!error.to_string().contains("not asked"), "{error}");

    // What it refuses is no outage, however often it does.
    let (_server, refusing) = store(Canned::new(403, "")).await;
    for _ in 0..20 {
        let error = refusing.look(&address(), soon()).await.unwrap_err();
        assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");
    }
}

/// S3 has 2 KB for names and values.
#[tokio::test]
async fn the_mark_of_the_longest_key_goes_into_an_object_s_metadata() {
    for key in ["长".repeat(341), "a".repeat(1_024), "+".repeat(1_024)] {
        let photo = ObjectAddress {
            bucket: "b".repeat(63),
            key,
        };
        let digits = || "0".repeat(64);
        let source = SourceMark {
            origin: origin_of_upload(&photo),
            etag: Some(digits()),
            sequencer: Some(digits()),
            at_ms: Some(u64::MAX),
            photo: Some(digits()),
            settings: Some(digits()),
        };
        let (server, store) = store(Canned::new(200, "")).await;
        let condition = Condition::Absent;
        store
            .write(&address(), "{}".into(), Some(&source), &condition, soon())
            .await
            .unwrap();
        let request = &server.requests()[0];
        let bytes: usize = request
            .lines()
            .filter_map(|line| line.strip_prefix("x-amz-meta-")?.split_once(": "))
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!((500..=2_048).contains(&bytes), "{bytes}: {request}");
    }
}

#[tokio::test]
async fn a_write_whose_condition_does_not_hold_is_told_from_a_failure() {
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for (status, code) in [
        (412, "PreconditionFailed"),
        (409, "ConditionalRequestConflict"),
        (404, "NoSuchKey"),
    ] {
        let (server, store) = store(Canned::new(status, xml(code))).await;
        let error = store
            .write(&address(), "{}".into(), None, &Condition::Absent, soon())
            .await
            .unwrap_err();
        assert_eq!(error, StoreError::Changed { address: address() }, "{code}");
        let request = &server.requests()[0];
        assert!(request.contains("if-none-match: *\r\n"), "{request}");
        assert!(!request.contains("x-amz-meta-"), "{request}");
    }
    let (_server, store) = store(Canned::new(404, xml("NoSuchBucket"))).await;
    let error = store
        .write(&address(), "{}".into(), None, &Condition::Absent, soon())
        .await
        .unwrap_err();
    assert_eq!(error, StoreError::NotFound { address: address() });
}

#[tokio::test]
async fn what_is_not_there_counts_as_taken_away() {
    for status in [204, 404] {
        let (server, store) = store(Canned::new(status, "")).await;
        store.remove(&address(), &seen(), soon()).await.unwrap();
        let request = &server.requests()[0];
        assert!(
            request.starts_with("DELETE /lookbook-catalogue/incoming/a%20b.jpg"),
            "{request}"
        );
        assert!(request.contains("if-match: \"e7\"\r\n"), "{request}");
    }
}

fn seen() -> Version {
    Version("\"e7\"".to_owned())
}

#[tokio::test]
async fn what_is_in_another_state_by_now_is_not_taken_away() {
    let xml = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    for (status, code) in [
        (412, "PreconditionFailed"),
        (409, "ConditionalRequestConflict"),
    ] {
        let (_server, store) = store(Canned::new(status, xml(code))).await;
        let error = store.remove(&address(), &seen(), soon()).await.unwrap_err();
        assert_eq!(error, StoreError::Changed { address: address() }, "{code}");
    }
    let (_server, store) = store(Canned::new(403, xml("AccessDenied"))).await;
    let error = store.remove(&address(), &seen(), soon()).await.unwrap_err();
    assert!(error.to_string().contains("s3:DeleteObject"), "{error}");
}

#[tokio::test]
async fn a_slow_store_is_given_up_at_the_deadline() {
    let (_server, store) = store(Canned::new(200, "photo").after_ms(5_000)).await;
    let deadline = Deadline::after(Duration::from_millis(100));
    let error = store.read(&address(), 9, deadline).await.unwrap_err();
    assert_eq!(error, StoreError::TimedOut { address: address() });
}
