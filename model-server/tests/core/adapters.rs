//! Adapters that requests name: in batches with others, read once, kept up to a
//! bound, as their folder is.

use std::path::Path;
use std::sync::Arc;

use blip2::Adapter;
use model_server::backend::Backend;
use model_server::backend::fake::{Event, FakeBackend};
use model_server::core::{AdapterError, AdapterOptions, Core, CoreError, Limits, Scheduling};

use crate::support::{
    Asked, Gate, answered, ask_adapter, echo, echo_after, eventually, free, metric, photo, texts,
};

/// An adapter of the fake, which ends its answers with `word`.
fn write(folder: &Path, name: &str, word: &str) {
    let folder = folder.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    for (file, text) in Adapter::FILES.into_iter().zip(["{}", word]) {
        std::fs::write(folder.join(file), text).unwrap();
    }
}

fn start(
    backend: &Arc<FakeBackend>,
    scheduling: Scheduling,
    folder: &Path,
    max_bytes: u64,
) -> Arc<Core> {
    let backend: Arc<dyn Backend> = Arc::<FakeBackend>::clone(backend);
    let core = Core::start(backend, Limits::default(), scheduling).unwrap();
    Arc::new(core.with_adapters(AdapterOptions {
        folder: folder.to_owned(),
        max_bytes,
    }))
}

fn ask(core: &Arc<Core>, adapter: Option<&str>) -> Asked {
    ask_adapter(core, photo(7), vec![free("Fit")], adapter)
}

async fn refused(asked: Asked) -> AdapterError {
    match answered(asked).await.unwrap_err() {
        CoreError::Adapter(error) => error,
        other => panic!("{other}"),
    }
}

/// A backend that sees photographs when the gate is open.
fn echo_behind(gate: &Arc<Gate>) -> Arc<FakeBackend> {
    let gate = Arc::clone(gate);
    echo_after(move |event| {
        if matches!(event, Event::Encoded(_)) {
            gate.pass();
        }
        Ok(())
    })
}

fn reads(backend: &FakeBackend) -> usize {
    let is_read = |event: &&Event| matches!(event, Event::Adapted(_));
    backend.events().iter().filter(is_read).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_different_adapters_share_a_batch() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", "of a");
    write(folder.path(), "b", "of b");
    let gate = Gate::closed();
    // Everybody waits for the photograph, and is ready at one time.
    let backend = echo_behind(&gate);
    let core = start(&backend, Scheduling::default(), folder.path(), 1 << 20);
    let adapters = [Some("a"), None, Some("b"), Some("a"), None];
    let running: Vec<Asked> = adapters
        .iter()
        .map(|adapter| ask(&core, *adapter))
        .collect();
    eventually(|| metric(&core, "image_cache_hits_total") == 4).await;
    gate.open();
    for (adapter, asked) in adapters.into_iter().zip(running) {
        let expected = match adapter {
            Some(name) => format!("Fit: 7 of {name}"),
            None => "Fit: 7".to_owned(),
        };
        assert_eq!(texts(asked).await, [expected]);
    }
    let sizes: Vec<usize> = backend.batches().iter().map(Vec::len).collect();
    assert_eq!(sizes, [5]);
    assert_eq!(metric(&core, "adapter_questions_total"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_is_kept_and_read_again_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", "first");
    let backend = echo();
    let core = start(&backend, Scheduling::default(), folder.path(), 1 << 20);
    // Files that were written this moment are not trusted to stay so.
    loop {
        let before = reads(&backend);
        assert_eq!(texts(ask(&core, Some("a"))).await, ["Fit: 7 first"]);
        if reads(&backend) == before {
            break;
        }
    }
    assert_eq!(metric(&core, "adapters_loaded"), 1);
    assert_eq!(metric(&core, "adapter_bytes"), "first".len() as u64);
    write(folder.path(), "a", "second one");
    assert_eq!(texts(ask(&core, Some("a"))).await, ["Fit: 7 second one"]);
    assert_eq!(metric(&core, "adapter_bytes"), "second one".len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_under_way_end_with_what_they_began_with() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", "old");
    let gate = Gate::closed();
    let backend = echo_behind(&gate);
    let core = start(&backend, Scheduling::default(), folder.path(), 1 << 20);
    let under_way = ask(&core, Some("a"));
    eventually(|| metric(&core, "image_cache_misses_total") == 1).await;
    write(folder.path(), "a", "new");
    let next = ask(&core, Some("a"));
    eventually(|| metric(&core, "image_cache_hits_total") == 1).await;
    std::fs::remove_dir_all(folder.path().join("a")).unwrap();
    gate.open();
    assert_eq!(texts(under_way).await, ["Fit: 7 old"]);
    assert_eq!(texts(next).await, ["Fit: 7 new"]);
    let gone = refused(ask(&core, Some("a"))).await;
    assert!(matches!(gone, AdapterError::Unknown { .. }), "{gone}");
    assert_eq!(metric(&core, "adapters_loaded"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_taken_away_while_it_is_read_is_unknown() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", "word");
    write(folder.path(), "b", "word");
    let of_a = folder.path().join("a");
    let backend = echo_after(move |event| {
        if *event == Event::Adapted("a".to_owned()) {
            std::fs::remove_dir_all(&of_a).unwrap();
        }
        Ok(())
    });
    let core = start(&backend, Scheduling::default(), folder.path(), 1 << 20);
    let known = vec!["b".to_owned()];
    let name = "a".to_owned();
    assert_eq!(
        refused(ask(&core, Some("a"))).await,
        AdapterError::Unknown { name, known }
    );
    assert_eq!(reads(&backend), 1);
    assert_eq!(metric(&core, "adapter_load_failures_total"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_were_not_asked_for_the_longest_make_room() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c"] {
        write(folder.path(), name, "four");
    }
    write(folder.path(), "large", &"x".repeat(100));
    let backend = echo();
    let core = start(&backend, Scheduling::default(), folder.path(), 8);
    let ask_all = async |names: &[&str]| {
        for name in names {
            texts(ask(&core, Some(name))).await;
        }
        metric(&core, "adapter_bytes")
    };
    assert_eq!(ask_all(&["a", "b"]).await, 8);
    assert_eq!(ask_all(&["a", "c"]).await, 8);
    // What is larger than all room is answered with, and is alone.
    assert_eq!(ask_all(&["large"]).await, 100);
    assert_eq!(metric(&core, "adapters_loaded"), 1);
    assert_eq!(ask_all(&["b"]).await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_at_one_time_waits_for_one_reading() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", "word");
    // Long ago, so that the files are trusted.
    eventually(|| {
        let files = Adapter::FILES.map(|file| folder.path().join("a").join(file));
        files.iter().all(|file| {
            let changed = std::fs::metadata(file).unwrap().modified().unwrap();
            changed.elapsed().is_ok_and(|age| age.as_millis() > 200)
        })
    })
    .await;
    let backend = echo();
    let core = start(&backend, Scheduling::default(), folder.path(), 1 << 20);
    let running: Vec<Asked> = (0..20).map(|_| ask(&core, Some("a"))).collect();
    for asked in running {
        assert_eq!(texts(asked).await, ["Fit: 7 word"]);
    }
    assert_eq!(reads(&backend), 1);
    assert_eq!(metric(&core, "adapter_loads_total"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_is_forgotten_without_being_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a", "word");
    let core = start(&echo(), Scheduling::default(), folder.path(), 1 << 20);
    texts(ask(&core, Some("a"))).await;
    core.forget_removed_adapters();
    assert_eq!(metric(&core, "adapters_loaded"), 1);
    std::fs::remove_dir_all(folder.path().join("a")).unwrap();
    core.forget_removed_adapters();
    assert_eq!(metric(&core, "adapters_loaded"), 0);
    assert_eq!(core.adapter_names(), Some(Vec::new()));
}
