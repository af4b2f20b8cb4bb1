//! An object that others may write at the same time: it is replaced and taken away by S3's
//! conditional requests, as what was seen there and nothing else.

use bytes::Bytes;

use crate::domain::{
    Condition, Deadline, ObjectAddress, SourceMark, Store, StoreError, Stored, Version,
};

/// How often a request is made that others are faster with.
const TRIES: usize = 4;

/// Where an object lies, or may come to lie.
pub struct Place<'a> {
    /// Has it.
    pub store: &'a dyn Store,
    /// Its address.
    pub address: &'a ObjectAddress,
    /// The most bytes of its content; nothing where the content does not matter, and is not
    /// read.
    pub max_bytes: Option<u64>,
    /// By when it is done.
    pub deadline: Deadline,
}

/// What lies at a place.
pub struct Found {
    /// Its version, and what it was made from.
    pub stored: Stored,
    /// Its content; empty where it is not read.
    pub content: Bytes,
}

/// What is to become of a place where this was found.
pub enum Step<T> {
    /// This is written over it.
    Write(Bytes),
    /// Nothing, for this reason.
    Leave(T),
}

/// What became of a place.
pub enum Changed<T> {
    /// It was written over.
    Written(Version),
    /// Nothing, for this reason.
    Left(T),
}

impl Place<'_> {
    /// What lies there, if anything does.
    pub async fn find(&self) -> Result<Option<Found>, StoreError> {
        let Some(max_bytes) = self.max_bytes else {
            let stored = self.store.look(self.address, self.deadline).await?;
            return Ok(stored.map(|stored| Found {
                stored,
                content: Bytes::new(),
            }));
        };
        let loaded = self
            .store
            .load(self.address, max_bytes, self.deadline)
            .await?;
        Ok(loaded.map(|(stored, content)| Found { stored, content }))
    }

    /// Looks what lies there and does what `step` says of it. Where somebody else was faster,
    /// it is looked again. `source` is what a text is made from. Where contents are read, one
    /// that is written already counts as this write: what must be one's own has something in
    /// it that no other has.
    pub async fn write<T>(
        &self,
        source: Option<&SourceMark>,
        step: impl FnMut(Option<&Found>) -> Step<T>,
    ) -> Result<Changed<T>, StoreError> {
        let found = self.find().await?;
        self.write_over(found, source, step).await
    }

    /// The same where it is known already what lies there, or lay there a while ago.
    pub async fn write_over<T>(
        &self,
        mut found: Option<Found>,
        source: Option<&SourceMark>,
        mut step: impl FnMut(Option<&Found>) -> Step<T>,
    ) -> Result<Changed<T>, StoreError> {
        let mut tries = 0;
        let mut written = None;
        loop {
            // S3's client makes a request again whose answer was lost, and is told then that
            // somebody else was faster.
            if let (Some(found), Some(written)) = (&found, &written)
                && self.max_bytes.is_some()
                && found.content == *written
            {
                return Ok(Changed::Written(found.stored.version.clone()));
            }
            let content = match step(found.as_ref()) {
                Step::Write(content) => content,
                Step::Leave(reason) => return Ok(Changed::Left(reason)),
            };
            if tries == TRIES {
                return Err(self.changed());
            }
            tries += 1;
            let condition = Condition::unchanged(found.as_ref().map(|found| &found.stored));
            let outcome = self
                .store
                .write(
                    self.address,
                    content.clone(),
                    source,
                    &condition,
                    self.deadline,
                )
                .await;
            written = Some(content);
            match outcome {
                Ok(version) => return Ok(Changed::Written(version)),
                Err(StoreError::Changed { .. }) => found = self.find().await?,
                Err(error) => return Err(error),
            }
        }
    }

    /// Looks what lies there and takes it away, unless it is one `to_keep`. Where somebody
    /// else writes it in between, it is looked again. Whether something was taken away.
    pub async fn clear(&self, to_keep: impl Fn(&Stored) -> bool) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let found = self.store.look(self.address, self.deadline).await?;
            let Some(stored) = found.filter(|stored| !to_keep(stored)) else {
                return Ok(false);
            };
            let outcome = self
                .store
                .remove(self.address, &stored.version, self.deadline)
                .await;
            match outcome {
                Ok(()) => return Ok(true),
                Err(StoreError::Changed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Err(self.changed())
    }

    fn changed(&self) -> StoreError {
        StoreError::Changed {
            address: self.address.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::fakes::FakeStore;

    const URI: &str = "s3://catalogue/counter.txt";

    /// What is written is longer by one byte than what is there; what has three is left.
    fn longer(found: Option<&Found>) -> Step<usize> {
        let length = found.map_or(0, |found| found.content.len());
        match length {
            3.. => Step::Leave(length),
            _ => Step::Write("x".repeat(length + 1).into()),
        }
    }

    async fn write(store: &FakeStore) -> Result<Changed<usize>, StoreError> {
        let address: ObjectAddress = URI.parse().unwrap();
        let place = Place {
            store,
            address: &address,
            max_bytes: Some(10),
            deadline: Deadline::after(Duration::from_secs(5)),
        };
        place.write(None, longer).await
    }

    #[tokio::test]
    async fn what_somebody_else_wrote_meanwhile_is_looked_at_and_kept() {
        let store = FakeStore::default();
        let other = (URI.to_owned(), "ab".into(), SourceMark::default());
        *store.interloper.lock().unwrap() = Some(other);
        let changed = write(&store).await.unwrap();
        assert!(matches!(changed, Changed::Written(_)));
        assert_eq!(store.get(URI).unwrap().0, "xxx");
        let left = write(&store).await.unwrap();
        assert!(matches!(left, Changed::Left(3)));
        assert_eq!(store.get(URI).unwrap().0, "xxx");
    }

    #[tokio::test]
    async fn a_write_whose_answer_was_lost_is_known_by_its_content() {
        let store = FakeStore::default();
        *store.is_answer_lost.lock().unwrap() = true;
        let changed = write(&store).await.unwrap();
        assert!(matches!(changed, Changed::Written(_)));
        assert_eq!(store.get(URI).unwrap().0, "x");
    }

    #[tokio::test]
    async fn without_its_content_an_object_is_known_by_its_version_alone() {
        let store = FakeStore::default();
        store.put(URI, "ab".into());
        let address: ObjectAddress = URI.parse().unwrap();
        let place = Place {
            store: &store,
            address: &address,
            max_bytes: None,
            deadline: Deadline::after(Duration::from_secs(5)),
        };
        let found = place.find().await.unwrap().unwrap();
        assert!(found.content.is_empty());
        let stale = Found {
            stored: Stored {
                version: Version("\"0\"".to_owned()),
                source: None,
            },
            content: Bytes::new(),
        };
        let mut seen = Vec::new();
        let step = |found: Option<&Found>| {
            seen.push(found.map(|found| found.stored.version.clone()));
            Step::<()>::Write("new".into())
        };
        place.write_over(Some(stale), None, step).await.unwrap();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1], Some(found.stored.version));
        assert_eq!(store.get(URI).unwrap().0, "new");
    }
}
