//! The HTTP client of all services: one, which knows whom to trust only when it has to.
//!
//! The SDK's own reads all certificates of a machine when a service's client is made, for
//! each of them, and where there is a folder of certificates beside the bundle every one
//! twice and from a file of its own. That is most of the time in which a process starts.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, OnceLock};

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Names a bundle of certificates to trust; a folder of them, if that is wanted. The names
/// are those of OpenSSL.
const CERT_FILE: &str = "SSL_CERT_FILE";
const CERT_DIR: &str = "SSL_CERT_DIR";

/// Where systems keep all certificates in one file.
const BUNDLES: [&str; 4] = [
    // Amazon Linux, Fedora
    "/etc/pki/tls/certs/ca-bundle.crt",
    // Debian, Ubuntu, Alpine
    "/etc/ssl/certs/ca-certificates.crt",
    // openSUSE
    "/etc/ssl/ca-bundle.pem",
    // Alpine, BSD
    "/etc/ssl/cert.pem",
];

/// What a bundle holds, one of them at least.
const CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// A client for `http` and `https`. Reads nothing yet.
pub fn http_client() -> SharedHttpClient {
    SharedHttpClient::new(ByScheme(Arc::new(Clients {
        plain: trusting(TrustStore::empty()),
        secure: OnceLock::new(),
    })))
}

#[derive(Debug)]
struct Clients {
    /// For endpoints without TLS: trusts nobody.
    plain: SharedHttpClient,
    /// Made for the first call by TLS.
    secure: OnceLock<SharedHttpClient>,
}

impl Clients {
    fn secure(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> &SharedHttpClient {
        self.secure.get_or_init(|| {
            // It gives up with a panic where one certificate of many can't be parsed. The
            // certificates of the machine are taken as far as they can be.
            let works = |client: &SharedHttpClient| {
                let connecting = AssertUnwindSafe(|| client.http_connector(settings, components));
                catch_unwind(connecting).is_ok()
            };
            bundle()
                .map(|pem| trusting(TrustStore::empty().with_pem_certificate(pem)))
                .filter(works)
                .unwrap_or_else(|| {
                    tracing::debug!("no bundle of certificates: the machine's are sought");
                    trusting(TrustStore::default())
                })
        })
    }
}

#[derive(Debug)]
struct ByScheme(Arc<Clients>);

impl HttpClient for ByScheme {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connection {
            clients: Arc::clone(&self.0),
            settings: settings.clone(),
            components: components.clone(),
        })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.plain.connector_metadata()
    }
}

/// One request's way. The clients keep their connections, and their connectors by the
/// settings.
#[derive(Debug)]
struct Connection {
    clients: Arc<Clients>,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connection {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = if is_plain(request.uri()) {
            &self.clients.plain
        } else {
            self.clients.secure(&self.settings, &self.components)
        };
        client
            .http_connector(&self.settings, &self.components)
            .call(request)
    }
}

fn is_plain(uri: &str) -> bool {
    let scheme = uri.split_once(':').map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
}

fn trusting(trust_store: TrustStore) -> SharedHttpClient {
    let builder = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring));
    let context = TlsContext::builder().with_trust_store(trust_store).build();
    match context {
        Ok(context) => builder.tls_context(context).build_https(),
        // The error is for other ways of TLS than ours.
        Err(error) => {
            tracing::warn!(%error, "the certificates to trust are those of the machine");
            builder.build_https()
        }
    }
}

/// The machine's certificates in one file, or those that the user names; nothing where they
/// are to be sought as the SDK does it.
fn bundle() -> Option<Vec<u8>> {
    if std::env::var_os(CERT_DIR).is_some_and(|folder| !folder.is_empty()) {
        return None;
    }
    match std::env::var_os(CERT_FILE) {
        Some(file) => read_bundle(Path::new(&file)),
        None => BUNDLES.iter().find_map(|file| read_bundle(Path::new(file))),
    }
}

fn read_bundle(file: &Path) -> Option<Vec<u8>> {
    let pem = std::fs::read(file).ok()?;
    pem.windows(CERTIFICATE.len())
        .any(|bytes| bytes == CERTIFICATE)
        .then_some(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_needs_nobody_to_trust() {
        assert!(is_plain("http://127.0.0.1:9000/bucket/key"));
        assert!(is_plain("HTTP://localhost"));
        for uri in ["https://s3.amazonaws.com/", "HTTPS://x", "//x", ""] {
            assert!(!is_plain(uri), "{uri}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_no_bundle() {
        let folder = std::env::temp_dir().join(format!("bundle-{:x}", rand::random::<u64>()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("bundle.pem");
        assert_eq!(read_bundle(&file), None);
        std::fs::write(&file, "# none yet\n").unwrap();
        assert_eq!(read_bundle(&file), None);
        let pem = "# one\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        std::fs::write(&file, pem).unwrap();
        assert_eq!(read_bundle(&file).as_deref(), Some(pem.as_bytes()));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
