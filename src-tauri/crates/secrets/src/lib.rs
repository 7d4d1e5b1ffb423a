//! What must not be seen: references to secrets, their resolution, and redaction by value.
