//! A store in memory.

use std::collections::HashMap;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;

use crate::domain::{
    Condition, Deadline, LONGEST_KEY, ObjectAddress, ObjectState, SourceMark, Store, StoreError,
    Stored, Version,
};

/// Objects in memory.
#[derive(Default)]
pub struct FakeStore {
    objects: Mutex<Objects>,
    /// An object that somebody else writes just before something is written here, or
    /// taken away, for the next time.
    pub interloper: Mutex<Option<(String, Bytes, SourceMark)>>,
    /// The next write is made, and the answer to it lost, so that it is made again.
    pub is_answer_lost: Mutex<bool>,
    /// The object at this address is in another state than any that is read.
    pub replaced: Mutex<Option<&'static str>>,
    /// Nothing can be written, or taken away, whose address holds this.
    pub denied: Mutex<Option<&'static str>>,
    /// What is asked of an object whose address holds this is not answered in time.
    pub hanging: Mutex<Option<&'static str>>,
    /// The address of every object that was looked at, read, written or taken away, in turn.
    requests: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Objects {
    by_uri: HashMap<String, Object>,
    writes: u64,
}

#[derive(Clone)]
struct Object {
    bytes: Bytes,
    stored: Stored,
}

impl Objects {
    fn put(&mut self, uri: &str, bytes: Bytes, source: Option<SourceMark>) -> Version {
        self.writes += 1;
        let version = Version(format!("\"{}\"", self.writes));
        let stored = Stored {
            version: version.clone(),
            source,
        };
        let object = Object { bytes, stored };
        self.by_uri.insert(uri.to_owned(), object);
        version
    }
}

impl FakeStore {
    pub fn put(&self, uri: &str, bytes: Bytes) {
        self.objects.lock().unwrap().put(uri, bytes, None);
    }

    pub fn get(&self, uri: &str) -> Option<(Bytes, Option<SourceMark>)> {
        let object = self.object(uri)?;
        Some((object.bytes, object.stored.source))
    }

    /// The entity tag of what lies there, without quotes.
    pub fn etag(&self, uri: &str) -> Option<String> {
        let Version(etag) = self.object(uri)?.stored.version;
        Some(etag.trim_matches('"').to_owned())
    }

    /// The JSON document that lies there.
    pub fn json(&self, uri: &str) -> Value {
        let object = self
            .object(uri)
            .unwrap_or_else(|| panic!("no {uri} in {:?}", self.uris()));
        serde_json::from_slice(&object.bytes).unwrap()
    }

    pub fn uris(&self) -> Vec<String> {
        let objects = self.objects.lock().unwrap();
        let mut uris: Vec<String> = objects.by_uri.keys().cloned().collect();
        uris.sort();
        uris
    }

    /// Gives an object another content. What it says that it was made from stays.
    pub fn rewrite(&self, uri: &str, bytes: Bytes) {
        let source = self.object(uri).and_then(|object| object.stored.source);
        self.objects.lock().unwrap().put(uri, bytes, source);
    }

    /// How often something was asked of this object since it was last counted.
    pub fn requests(&self, uri: &str) -> usize {
        let mut requests = self.requests.lock().unwrap();
        let before = requests.len();
        requests.retain(|asked| asked != uri);
        before - requests.len()
    }

    /// Takes an object away.
    pub fn forget(&self, uri: &str) {
        self.objects.lock().unwrap().by_uri.remove(uri);
    }

    fn let_in(&self, objects: &mut Objects) {
        if let Some((uri, bytes, source)) = self.interloper.lock().unwrap().take() {
            objects.put(&uri, bytes, Some(source));
        }
    }

    fn object(&self, uri: &str) -> Option<Object> {
        self.objects.lock().unwrap().by_uri.get(uri).cloned()
    }

    async fn ask(&self, address: &ObjectAddress, deadline: Deadline) -> Result<(), StoreError> {
        let uri = address.to_string();
        let hanging = *self.hanging.lock().unwrap();
        let is_hanging = hanging.is_some_and(|part| uri.contains(part));
        self.requests.lock().unwrap().push(uri);
        if is_hanging {
            deadline.bound(std::future::pending::<()>()).await;
            let address = address.clone();
            return Err(StoreError::TimedOut { address });
        }
        Ok(())
    }

    fn check_allowed(
        &self,
        address: &ObjectAddress,
        permission: &'static str,
    ) -> Result<(), StoreError> {
        let denied = *self.denied.lock().unwrap();
        if denied.is_some_and(|part| address.to_string().contains(part)) {
            let address = address.clone();
            return Err(StoreError::AccessDenied {
                address,
                permission,
                said: "AccessDenied".to_owned(),
            });
        }
        Ok(())
    }
}

#[async_trait]
impl Store for FakeStore {
    async fn read(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Bytes, StoreError> {
        self.ask(address, deadline).await?;
        let (bytes, _) = self
            .get(&address.to_string())
            .ok_or_else(|| StoreError::NotFound {
                address: address.clone(),
            })?;
        assert!(bytes.len() as u64 <= max_bytes);
        Ok(bytes)
    }

    async fn read_state(
        &self,
        state: &ObjectState,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Bytes, StoreError> {
        let address = &state.address;
        let replaced = *self.replaced.lock().unwrap();
        if replaced == Some(address.to_string().as_str()) {
            let address = address.clone();
            return Err(StoreError::Changed { address });
        }
        self.read(address, max_bytes, deadline).await
    }

    async fn look(
        &self,
        address: &ObjectAddress,
        deadline: Deadline,
    ) -> Result<Option<Stored>, StoreError> {
        self.ask(address, deadline).await?;
        Ok(self
            .object(&address.to_string())
            .map(|object| object.stored))
    }

    async fn load(
        &self,
        address: &ObjectAddress,
        max_bytes: u64,
        deadline: Deadline,
    ) -> Result<Option<(Stored, Bytes)>, StoreError> {
        self.ask(address, deadline).await?;
        let object = self.object(&address.to_string());
        Ok(object.map(|object| {
            assert!(object.bytes.len() as u64 <= max_bytes);
            (object.stored, object.bytes)
        }))
    }

    async fn write(
        &self,
        address: &ObjectAddress,
        json: Bytes,
        source: Option<&SourceMark>,
        condition: &Condition,
        deadline: Deadline,
    ) -> Result<Version, StoreError> {
        self.ask(address, deadline).await?;
        if deadline.remaining().is_zero() {
            let address = address.clone();
            return Err(StoreError::TimedOut { address });
        }
        self.check_allowed(address, "s3:PutObject")?;
        if address.key.len() > LONGEST_KEY {
            let address = address.clone();
            let reason = "KeyTooLongError".to_owned();
            return Err(StoreError::Failed { address, reason });
        }
        let uri = address.to_string();
        let mut objects = self.objects.lock().unwrap();
        self.let_in(&mut objects);
        let found = objects.by_uri.get(&uri).map(|object| &object.stored);
        if Condition::unchanged(found) != *condition {
            let address = address.clone();
            return Err(StoreError::Changed { address });
        }
        let version = objects.put(&uri, json, source.cloned());
        if std::mem::take(&mut *self.is_answer_lost.lock().unwrap()) {
            let address = address.clone();
            return Err(StoreError::Changed { address });
        }
        Ok(version)
    }

    async fn remove(
        &self,
        address: &ObjectAddress,
        version: &Version,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        self.ask(address, deadline).await?;
        self.check_allowed(address, "s3:DeleteObject")?;
        let uri = address.to_string();
        let mut objects = self.objects.lock().unwrap();
        self.let_in(&mut objects);
        let found = objects.by_uri.get(&uri);
        if found.is_some_and(|object| object.stored.version != *version) {
            let address = address.clone();
            return Err(StoreError::Changed { address });
        }
        objects.by_uri.remove(&uri);
        Ok(())
    }
}
