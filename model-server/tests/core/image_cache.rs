//! One encoding a photograph.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model_server::backend::fake::Event;
use model_server::core::{CoreError, ImageCacheUse, Scheduling};

use crate::support::{
    Gate, answered, ask, ask_one, echo, echo_after, eventually, free, metric, photo, start, texts,
};

fn is_preprocessing(event: &Event) -> bool {
    matches!(event, Event::Preprocessed(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_concurrent_requests_about_one_photo_encode_it_once() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let asked: Vec<_> = (0..8)
        .map(|number| ask_one(&core, 5, &format!("Q{number}")))
        .collect();
    let mut uses = Vec::new();
    for (number, asked) in asked.into_iter().enumerate() {
        let answered = answered(asked).await.unwrap();
        assert_eq!(answered.answers[0].text, format!("Q{number}: 5"));
        assert_eq!((answered.photo.width, answered.photo.height), (5, 2));
        uses.push(answered.image_cache);
    }
    let misses = uses.iter().filter(|&&one| one == ImageCacheUse::Miss);
    assert_eq!(misses.count(), 1, "{uses:?}");
    assert_eq!((backend.photos_seen(), backend.encoded()), (1, vec![1]));
    assert_eq!(metric(&core, "image_cache_misses_total"), 1);
    assert_eq!(metric(&core, "image_cache_hits_total"), 7);
    assert_eq!(metric(&core, "image_cache_entries"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_prompts_of_one_request_encode_its_photo_once() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let questions = (0..8).map(|number| free(&format!("Q{number}"))).collect();
    let texts = texts(ask(&core, photo(5), questions)).await;
    assert_eq!(texts.len(), 8);
    assert_eq!(texts[7], "Q7: 5");
    assert_eq!((backend.encoded(), backend.batches().len()), (vec![1], 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_was_asked_about_is_neither_decoded_nor_encoded_again() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let first = answered(ask_one(&core, 5, "A")).await.unwrap();
    let again = answered(ask_one(&core, 5, "B")).await.unwrap();
    assert_eq!(first.image_cache, ImageCacheUse::Miss);
    assert_eq!(again.image_cache, ImageCacheUse::Hit);
    assert_eq!(again.photo, first.photo);
    assert_eq!((backend.photos_seen(), backend.encoded()), (1, vec![1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_cache_every_request_has_its_photo_encoded() {
    let backend = echo();
    let scheduling = Scheduling {
        image_cache_bytes: 0,
        ..Scheduling::default()
    };
    let core = start(&backend, scheduling);
    for _ in 0..2 {
        let answered = answered(ask_one(&core, 5, "A")).await.unwrap();
        assert_eq!(answered.image_cache, ImageCacheUse::Off);
    }
    assert_eq!(backend.encoded(), [1, 1]);
    assert_eq!(metric(&core, "image_cache_misses_total"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_asked_about_for_longest_makes_room() {
    let backend = echo();
    // An entry of the fake is some hundred bytes: two fit and three do not.
    let scheduling = Scheduling {
        image_cache_bytes: 700,
        ..Scheduling::default()
    };
    let core = start(&backend, scheduling);
    let mut uses = Vec::new();
    for width in [1, 2, 1, 3, 1, 2] {
        uses.push(
            answered(ask_one(&core, width, "A"))
                .await
                .unwrap()
                .image_cache,
        );
    }
    let (miss, hit) = (ImageCacheUse::Miss, ImageCacheUse::Hit);
    assert_eq!(uses, [miss, miss, hit, miss, hit, miss]);
    assert_eq!(metric(&core, "image_cache_entries"), 2);
    assert!(metric(&core, "image_cache_bytes") <= 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_photo_is_told_to_everybody_who_waits_for_it() {
    let backend = echo();
    let core = start(&backend, Scheduling::default());
    let broken = photo(9).slice(..40);
    let asked: Vec<_> = (0..4)
        .map(|_| ask(&core, broken.clone(), vec![free("A")]))
        .collect();
    for asked in asked {
        let error = answered(asked).await.unwrap_err();
        assert!(matches!(error, CoreError::Photo(_)), "{error}");
    }
    assert_eq!(metric(&core, "image_cache_entries"), 0);
    assert_eq!(texts(ask_one(&core, 9, "A")).await, ["A: 9"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_encoding_is_told_to_all_and_not_kept() {
    let (gate, fails) = (Gate::closed(), Arc::new(AtomicBool::new(true)));
    let backend = {
        let (gate, fails) = (Arc::clone(&gate), Arc::clone(&fails));
        echo_after(move |event| {
            if is_preprocessing(event) {
                gate.pass();
            }
            match event {
                Event::Encoded(_) if fails.load(Ordering::SeqCst) => Err("out of memory".into()),
                _ => Ok(()),
            }
        })
    };
    let core = start(&backend, Scheduling::default());
    let asked = ["A", "B", "C"].map(|prompt| ask_one(&core, 5, prompt));
    eventually(|| metric(&core, "image_cache_hits_total") == 2).await;
    gate.open();
    for asked in asked {
        let error = answered(asked).await.unwrap_err();
        assert!(error.to_string().contains("out of memory"), "{error}");
    }
    fails.store(false, Ordering::SeqCst);
    let again = answered(ask_one(&core, 5, "A")).await.unwrap();
    assert_eq!(again.image_cache, ImageCacheUse::Miss);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_began_the_encoding_may_leave_those_that_joined() {
    let gate = Gate::closed();
    let backend = {
        let gate = Arc::clone(&gate);
        echo_after(move |event| {
            if is_preprocessing(event) {
                gate.pass();
            }
            Ok(())
        })
    };
    let core = start(&backend, Scheduling::default());
    let leader = ask_one(&core, 5, "A");
    eventually(|| backend.photos_seen() == 1).await;
    let joined = ["B", "C"].map(|prompt| ask_one(&core, 5, prompt));
    eventually(|| metric(&core, "image_cache_hits_total") == 2).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());
    gate.open();
    for (asked, text) in joined.into_iter().zip(["B: 5", "C: 5"]) {
        assert_eq!(texts(asked).await, [text]);
    }
    assert_eq!((backend.photos_seen(), backend.encoded()), (1, vec![1]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_that_nobody_waits_for_is_not_encoded() {
    let gate = Gate::closed();
    let backend = {
        let gate = Arc::clone(&gate);
        echo_after(move |event| {
            if is_preprocessing(event) {
                gate.pass();
            }
            Ok(())
        })
    };
    let core = start(&backend, Scheduling::default());
    let leaving = [ask_one(&core, 5, "A"), ask_one(&core, 5, "B")];
    eventually(|| metric(&core, "image_cache_hits_total") == 1).await;
    for asked in leaving {
        asked.abort();
        assert!(asked.await.unwrap_err().is_cancelled());
    }
    eventually(|| metric(&core, "questions_waiting") == 0).await;
    gate.open();
    assert_eq!(texts(ask_one(&core, 6, "C")).await, ["C: 6"]);
    assert_eq!(backend.encoded(), [1]);
}
