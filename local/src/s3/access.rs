//! Who may ask: everybody on this machine.

use s3s::S3Result;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};

/// Any access key id, with one secret key.
///
/// `s3s` takes signed requests only where it can verify them, which needs the secret; so there
/// is one for everybody.
pub struct OneSecret {
    secret: SecretKey,
}

impl OneSecret {
    /// All requests are to be signed with `secret`, if they are signed at all.
    pub fn new(secret: &str) -> Self {
        Self {
            secret: SecretKey::from(secret),
        }
    }
}

#[async_trait::async_trait]
impl S3Auth for OneSecret {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Ok(self.secret.clone())
    }
}

/// Unsigned requests are let in too, so that plain curl works.
pub struct OpenAccess;

#[async_trait::async_trait]
impl S3Access for OpenAccess {
    async fn check(&self, _context: &mut S3AccessContext<'_>) -> S3Result<()> {
        Ok(())
    }
}
