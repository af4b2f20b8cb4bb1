//! What is decided in which situation.

use super::*;

const POLICY: Policy = Policy {
    max_batch_tokens: 400,
    max_wait: Duration::from_millis(5),
    images_per_batch: 1,
};

const GPU: Policy = Policy {
    images_per_batch: 8,
    ..POLICY
};

const FRESH: Progress = Progress {
    steps: 1,
    is_heavy: false,
};

const SLOW: Progress = Progress {
    steps: PROMPT_STEPS,
    is_heavy: false,
};

/// 70 tokens.
fn question(ready_at: Instant) -> Candidate {
    Candidate {
        extent: Extent {
            rows: 1,
            read: 50,
            written: 20,
            nodes: 0,
        },
        ready_at,
        alone: None,
    }
}

fn idle(now: Instant) -> Situation<'static> {
    Situation {
        now,
        more_is_coming: false,
        photos: None,
        questions: &[],
        running: &[],
        slow_is_next: false,
        photos_are_next: false,
    }
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

fn begin(questions: &[usize], max_steps: usize) -> Decision {
    Decision::Begin {
        questions: questions.to_vec(),
        max_steps,
    }
}

fn photos(count: usize, since: Instant) -> Option<WaitingPhotos> {
    Some(WaitingPhotos {
        count,
        since,
        alone: false,
    })
}

#[test]
fn nothing_to_do_is_waited_for() {
    assert_eq!(POLICY.decide(&idle(Instant::now())), Decision::Wait(None));
}

#[test]
fn a_question_alone_is_answered_at_once() {
    let now = Instant::now();
    let situation = Situation {
        questions: &[question(now)],
        ..idle(now)
    };
    assert_eq!(POLICY.decide(&situation), begin(&[0], usize::MAX));
}

#[test]
fn a_question_is_held_back_while_company_is_coming_but_not_for_longer() {
    let now = Instant::now();
    let questions = [question(now), question(now + ms(3))];
    let mut situation = Situation {
        questions: &questions,
        more_is_coming: true,
        ..idle(now + ms(4))
    };
    assert_eq!(POLICY.decide(&situation), Decision::Wait(Some(now + ms(5))));
    situation.now = now + ms(5);
    assert_eq!(POLICY.decide(&situation), begin(&[0, 1], usize::MAX));
    situation.now = now + ms(4);
    situation.more_is_coming = false;
    assert_eq!(POLICY.decide(&situation), begin(&[0, 1], usize::MAX));
}

#[test]
fn a_full_batch_is_not_held_back() {
    let now = Instant::now();
    let questions = vec![question(now); 6];
    let situation = Situation {
        questions: &questions,
        more_is_coming: true,
        ..idle(now)
    };
    assert_eq!(
        POLICY.decide(&situation),
        begin(&[0, 1, 2, 3, 4], PROMPT_STEPS)
    );
}

#[test]
fn a_photo_is_encoded_while_a_question_is_held_back_for_it() {
    let now = Instant::now();
    let questions = [question(now)];
    let mut situation = Situation {
        photos: photos(1, now),
        questions: &questions,
        ..idle(now)
    };
    assert_eq!(POLICY.decide(&situation), Decision::Encode(1));
    situation.now = now + ms(5);
    assert_eq!(POLICY.decide(&situation), begin(&[0], PROMPT_STEPS));
}

#[test]
fn photos_and_questions_that_both_wait_take_turns() {
    let now = Instant::now();
    let questions = [question(now)];
    let mut situation = Situation {
        photos: photos(1, now),
        questions: &questions,
        ..idle(now + ms(9))
    };
    assert_eq!(POLICY.decide(&situation), begin(&[0], PROMPT_STEPS));
    situation.photos_are_next = true;
    assert_eq!(POLICY.decide(&situation), Decision::Encode(1));
    situation.photos = None;
    assert_eq!(POLICY.decide(&situation), begin(&[0], usize::MAX));
}

#[test]
fn photos_wait_for_company_where_they_are_encoded_together() {
    let now = Instant::now();
    let mut situation = Situation {
        photos: photos(3, now),
        more_is_coming: true,
        ..idle(now)
    };
    assert_eq!(POLICY.decide(&situation), Decision::Encode(1));
    assert_eq!(GPU.decide(&situation), Decision::Wait(Some(now + ms(5))));
    situation.photos = photos(9, now);
    assert_eq!(GPU.decide(&situation), Decision::Encode(8));
    situation.photos = photos(3, now);
    situation.more_is_coming = false;
    assert_eq!(GPU.decide(&situation), Decision::Encode(3));
}

#[test]
fn what_must_be_alone_waits_for_no_company() {
    let now = Instant::now();
    let questions = [Candidate {
        alone: Some(1),
        ..question(now)
    }];
    let mut situation = Situation {
        questions: &questions,
        more_is_coming: true,
        ..idle(now)
    };
    assert_eq!(POLICY.decide(&situation), begin(&[0], usize::MAX));
    situation.questions = &[];
    situation.photos = Some(WaitingPhotos {
        count: 1,
        since: now,
        alone: true,
    });
    assert_eq!(GPU.decide(&situation), Decision::Encode(1));
}

#[test]
fn what_was_begun_goes_on_before_anything_new() {
    let now = Instant::now();
    let questions = [question(now)];
    let situation = Situation {
        photos: photos(1, now),
        questions: &questions,
        running: &[FRESH],
        ..idle(now + ms(50))
    };
    let step = Decision::Step {
        batch: 0,
        max_steps: PROMPT_STEPS - 1,
    };
    assert_eq!(POLICY.decide(&situation), step);
}

#[test]
fn a_batch_alone_goes_on_until_something_happens() {
    let now = Instant::now();
    for batch in [FRESH, SLOW] {
        let running = [batch];
        let situation = Situation {
            running: &running,
            ..idle(now)
        };
        let step = Decision::Step {
            batch: 0,
            max_steps: usize::MAX,
        };
        assert_eq!(POLICY.decide(&situation), step);
    }
}

#[test]
fn a_slow_batch_has_every_second_turn() {
    let now = Instant::now();
    let questions = [question(now)];
    let mut situation = Situation {
        questions: &questions,
        running: &[SLOW],
        ..idle(now)
    };
    assert_eq!(POLICY.decide(&situation), begin(&[0], 1));
    situation.slow_is_next = true;
    let step = |batch| Decision::Step {
        batch,
        max_steps: 1,
    };
    assert_eq!(POLICY.decide(&situation), step(0));
    situation.questions = &[];
    situation.running = &[SLOW, FRESH];
    assert_eq!(POLICY.decide(&situation), step(0));
    situation.slow_is_next = false;
    assert_eq!(POLICY.decide(&situation), step(1));
    situation.running = &[SLOW, SLOW];
    assert_eq!(POLICY.decide(&situation), step(0));
}

#[test]
fn a_batch_of_heavy_steps_is_slow_from_the_beginning() {
    let heavy = Progress {
        steps: 0,
        is_heavy: true,
    };
    assert!(heavy.is_slow() && SLOW.is_slow() && !FRESH.is_slow());
}

#[test]
fn the_last_place_is_kept_for_short_answers() {
    let now = Instant::now();
    let mut long = question(now);
    long.extent.written = 256;
    let questions = [long, question(now)];
    let mut situation = Situation {
        questions: &questions,
        running: &[SLOW; MAX_RUNNING - 2],
        ..idle(now)
    };
    assert_eq!(POLICY.decide(&situation), begin(&[0, 1], 1));
    situation.running = &[SLOW; MAX_RUNNING - 1];
    assert_eq!(POLICY.decide(&situation), begin(&[1], 1));
    situation.running = &[SLOW; MAX_RUNNING];
    assert!(matches!(POLICY.decide(&situation), Decision::Step { .. }));
}
