//! pilot: headless use, scripting, and the guard of child processes.
