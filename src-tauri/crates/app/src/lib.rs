//! What a user can do, whichever door they came in by.
