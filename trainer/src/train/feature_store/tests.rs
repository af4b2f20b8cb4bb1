use super::*;

fn key(number: u8) -> Key {
    Key::of(&[number])
}

/// Which of the first ten there are.
fn kept(store: &FeatureStore) -> Vec<u8> {
    let there = |number: &u8| store.path(&key(*number)).exists();
    (0..10).filter(there).collect()
}

/// Sets when features were used last.
fn set_age(store: &FeatureStore, key: &Key, age: Duration) {
    let file = File::open(store.path(key)).unwrap();
    file.set_modified(SystemTime::now() - age).unwrap();
}

#[test]
fn features_survive_and_damage_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::of(b"photograph");
    let open = |model: &str| FeatureStore::open(folder.path(), model, 3, 60).unwrap();
    let mut store = open("a");
    assert_eq!(store.get(&key), None);
    store.put(&key, &[1.0, -2.5, 3.0]);
    let mut store = open("a");
    assert_eq!(store.get(&key), Some(vec![1.0, -2.5, 3.0]));
    assert_eq!(store.used_bytes, 20);
    for other in 0u8..5 {
        store.put(&Key::of(&[other]), &[0.0; 3]);
    }
    assert!(store.used_bytes <= 60 && store.get(&key).is_some());
    let path = store.path(&key);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(store.get(&key), None);
    store.put(&key, &[1.0; 3]);
    assert_eq!(store.get(&key), Some(vec![1.0; 3]));
    std::fs::write(&path, &bytes[..7]).unwrap();
    assert_eq!(store.get(&key), None);
    assert_eq!(open("b").get(&key), None);
}

#[test]
fn the_folder_of_another_model_goes_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own-v1");
    std::fs::create_dir(&own).unwrap();
    std::fs::write(own.join("file"), "precious").unwrap();
    let first = FeatureStore::open(folder.path(), "a", 3, 60).unwrap();
    let of_first = first.folder.clone();
    drop(first);
    let second = FeatureStore::open(folder.path(), "b", 3, 60).unwrap();
    assert!(!of_first.exists() && second.folder.exists());
    assert!(own.join("file").exists());
}

#[test]
fn jobs_at_one_time_leave_each_other_alone() {
    let folder = tempfile::tempdir().unwrap();
    let open = |model: &str| FeatureStore::open(folder.path(), model, 1, 1 << 20).unwrap();
    let mut first = open("a");
    let half_written = first.folder.join(".tmp-of-first");
    std::fs::write(&half_written, "").unwrap();
    let (mut of_same, mut of_other) = (open("a"), open("b"));
    assert!(half_written.exists());
    for (number, store) in [&mut first, &mut of_same, &mut of_other]
        .into_iter()
        .enumerate()
    {
        let key = Key::of(&[number as u8]);
        store.put(&key, &[number as f32]);
        assert_eq!(store.get(&key), Some(vec![number as f32]));
    }
    drop((first, of_same));
    let _again = open("a");
    assert!(!half_written.exists());
}

#[test]
fn a_store_that_cannot_be_written_to_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FeatureStore::open(folder.path(), "a", 1, 60).unwrap();
    std::fs::remove_dir_all(&store.folder).unwrap();
    store.put(&Key::of(b"x"), &[1.0]);
    assert_eq!(store.get(&Key::of(b"x")), None);
    assert!(store.told_failed);
}

#[test]
fn what_was_not_used_for_the_longest_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    // Room for three.
    let open = || FeatureStore::open(folder.path(), "a", 3, 60).unwrap();
    let mut earlier = open();
    for number in 0..3 {
        earlier.put(&key(number), &[0.0; 3]);
        let age = SPARED + Duration::from_secs(100 + u64::from(number));
        set_age(&earlier, &key(number), age);
    }
    let mut store = open();
    // The oldest, but used.
    assert!(store.get(&key(2)).is_some());
    store.put(&key(3), &[3.0; 3]);
    assert_eq!(kept(&store), [0, 2, 3]);
    store.put(&key(4), &[4.0; 3]);
    assert!(!store.told_full);
    // What this job uses does not go.
    store.put(&key(5), &[5.0; 3]);
    assert_eq!(kept(&store), [2, 3, 4]);
    assert!(store.told_full && store.used_bytes == 60);
}

#[test]
fn what_a_job_beside_this_one_uses_every_epoch_stays() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FeatureStore::open(folder.path(), "a", 3, 60).unwrap();
    let mut beside = open();
    for number in 0..3 {
        beside.put(&key(number), &[f32::from(number); 3]);
        // Its last epoch.
        set_age(&beside, &key(number), Duration::from_secs(600));
    }
    let mut store = open();
    store.put(&key(3), &[3.0; 3]);
    assert_eq!(kept(&store), [0, 1, 2]);
    assert!(store.told_full);

    // It goes on for longer than anything is spared: what it uses still stays.
    beside.opened -= 3 * SPARED;
    for number in 0..3 {
        set_age(&beside, &key(number), 2 * SPARED);
    }
    assert!(beside.get(&key(0)).is_some() && beside.get(&key(2)).is_some());
    let mut later = open();
    for number in 4..7 {
        later.put(&key(number), &[0.0; 3]);
    }
    assert_eq!(kept(&later), [0, 2, 4]);
}

#[test]
fn what_others_keep_and_remove_counts() {
    let folder = tempfile::tempdir().unwrap();
    let open = || FeatureStore::open(folder.path(), "a", 3, 60).unwrap();
    let (mut store, mut beside) = (open(), open());
    for number in 0..3 {
        store.put(&key(number), &[0.0; 3]);
    }
    // It looks before it says that there is no room.
    std::fs::remove_file(store.path(&key(0))).unwrap();
    store.put(&key(3), &[0.0; 3]);
    assert_eq!(kept(&store), [1, 2, 3]);
    assert!(!store.told_full);

    // To the other there seems to be room for one more, until it counts again.
    beside.used_bytes = 40;
    beside.since_count = COUNTED_AFTER - 1;
    beside.put(&key(4), &[0.0; 3]);
    assert_eq!(kept(&beside), [1, 2, 3]);
    assert!(beside.told_full && beside.used_bytes == 60);
    // And to that there is no more, until it does.
    std::fs::remove_file(store.path(&key(1))).unwrap();
    beside.put(&key(5), &[0.0; 3]);
    assert_eq!(kept(&beside), [2, 3]);
    beside.since_count = COUNTED_AFTER - 1;
    beside.put(&key(6), &[0.0; 3]);
    assert_eq!(kept(&beside), [2, 3, 6]);
}
