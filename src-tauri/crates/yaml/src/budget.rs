//! How much a document may be, and what is looked at before any parser sees it.

use serde_saphyr::options::MergeKeyPolicy;
use serde_saphyr::{DuplicateKeyPolicy, Options};

use crate::fault::{Reason, YamlFault};

/// What a sort of document may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Bytes of text.
    pub bytes: usize,
    /// Values of any sort.
    pub nodes: usize,
    /// How deep they nest.
    pub depth: usize,
    /// Places that refer to an anchor.
    pub aliases: usize,
    /// Documents in one text.
    pub documents: usize,
    /// Bytes of all scalars together.
    pub scalar_bytes: usize,
    /// Whether `<<` merges; else it is refused.
    pub merge: bool,
    /// Whether a tag that YAML itself does not know is refused.
    pub own_tags_only: bool,
}

impl Profile {
    /// A kubeconfig: what `kubectl` reads, within reason.
    pub const KUBECONFIG: Self = Self {
        bytes: 4 * 1024 * 1024,
        nodes: 100_000,
        depth: 64,
        aliases: 64,
        documents: 2,
        scalar_bytes: 4 * 1024 * 1024,
        merge: false,
        own_tags_only: true,
    };

    /// A configuration file of ours.
    pub const CONFIG: Self = Self {
        bytes: 1024 * 1024,
        nodes: 50_000,
        depth: 64,
        aliases: 0,
        documents: 2,
        scalar_bytes: 1024 * 1024,
        merge: false,
        own_tags_only: true,
    };

    /// Manifests, as large as `kubectl` users have them.
    pub const fn manifest() -> Self {
        Self {
            bytes: 10 * 1024 * 1024,
            nodes: 2_000_000,
            depth: 100,
            aliases: 1_000,
            documents: 10_000,
            scalar_bytes: 16 * 1024 * 1024,
            merge: true,
            own_tags_only: true,
        }
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        let mut budget = options.budget.take().unwrap_or_default();
        budget.max_nodes = self.nodes;
        budget.max_events = self.nodes.saturating_mul(3);
        budget.max_depth = self.depth;
        // The scanner itself stops there, before anything is counted: what is told is that it is no valid YAML.
        budget.flow_nesting_limit = self.depth;
        budget.max_aliases = self.aliases;
        budget.max_anchors = self.aliases.max(1);
        budget.max_total_scalar_bytes = self.scalar_bytes;
        budget.max_documents = self.documents;
        budget.max_merge_keys = if self.merge { 100 } else { 0 };
        budget.max_recorded_anchor_events = 100_000;
        budget.max_recorded_anchor_bytes = 1024 * 1024;
        options.budget = Some(budget);
        options.duplicate_keys = DuplicateKeyPolicy::Error;
        options.merge_keys = if self.merge { MergeKeyPolicy::Merge } else { MergeKeyPolicy::Error };
        options.alias_limits.max_total_replayed_events = self.nodes;
        options.alias_limits.max_replay_stack_depth = 8;
        options.legacy_octal_numbers = true;
        options.reject_unsupported_tags = self.own_tags_only;
        options.with_snippet = false;
        options.emit_comments = false;
        options
    }
}

/// Size and characters, before anything is parsed.
pub(crate) fn look_over(text: &str, profile: &Profile) -> Result<(), YamlFault> {
    size(text, profile)?;
    let (mut line, mut column) = (1, 0);
    for c in text.chars() {
        column += 1;
        let control = matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{7f}');
        let break_of_old = matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}');
        if control || break_of_old {
            return Err(YamlFault { line, column, reason: Reason::Character { code: u32::from(c) } });
        }
        if c == '\n' {
            line += 1;
            column = 0;
        }
    }
    Ok(())
}

/// Size alone, which costs nothing.
pub(crate) fn size(text: &str, profile: &Profile) -> Result<(), YamlFault> {
    if text.len() > profile.bytes {
        return Err(YamlFault { line: 0, column: 0, reason: Reason::TooLarge { limit: profile.bytes } });
    }
    Ok(())
}
