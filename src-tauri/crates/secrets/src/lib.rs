//! What must not be seen: references to secrets, their resolution, and redaction by value.

mod expand;
mod forms;
mod redact;
mod stream;

pub use expand::EnvExpand;
pub use redact::Redactor;
pub use stream::RedactStream;
