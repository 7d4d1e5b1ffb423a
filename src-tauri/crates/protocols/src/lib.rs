//! Every way of reaching a tool server.
