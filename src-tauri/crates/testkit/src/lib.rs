//! Fakes that behave, and the suites that every implementation must pass.
