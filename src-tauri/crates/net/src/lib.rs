//! The one way to make an HTTP client: proxy, CA, timeouts, redirects, limits; and an event-stream decoder.
