//! The contract with the window: requests, answers, events, the command table.
