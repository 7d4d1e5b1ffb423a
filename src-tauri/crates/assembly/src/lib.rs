//! The only place where leaves meet traits: opens the store, resolves secrets, builds the App.
