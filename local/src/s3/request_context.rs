//! What the HTTP server knows of a request and an event tells.

/// Travels with a request from the HTTP server to the store, among its extensions.
#[derive(Clone, Debug, Default)]
pub(super) struct RequestContext {
    /// `x-amz-request-id` of the answer.
    pub(super) request_id: String,
    /// `x-amz-id-2` of the answer.
    pub(super) extended_request_id: String,
    /// The client's IP address.
    pub(super) source_ip_address: String,
}

impl RequestContext {
    /// A context with new ids in the form of S3's: 16 hexadecimal digits, and base64.
    pub(super) fn new(source_ip_address: String) -> Self {
        use base64::Engine as _;
        let id = uuid::Uuid::new_v4();
        let extended: Vec<u8> = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()]
            .iter()
            .flat_map(|id| *id.as_bytes())
            .collect();
        Self {
            request_id: id.simple().to_string()[..16].to_uppercase(),
            extended_request_id: base64::engine::general_purpose::STANDARD.encode(extended),
            source_ip_address,
        }
    }
}
