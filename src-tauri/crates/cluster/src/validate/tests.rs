//! Manifests and what is found about them, as tables.

use std::sync::Arc;

use domain::manifest_check::{FixEdit, LintLevel, PodLevel, Problem, Severity};

use super::{Manner, Schemas, bundled, check, fixed, rules, versions};

mod lints;
mod security;

fn newest() -> Arc<Schemas> {
    bundled("1.36").unwrap()
}

fn problems(text: &str) -> Vec<Problem> {
    check(text.as_bytes(), &newest(), &Manner::default()).problems
}

fn errors(text: &str) -> Vec<(String, u32, u32, String)> {
    let all = problems(text).into_iter().filter(|problem| problem.severity == Severity::Error);
    all.map(|problem| (problem.rule, problem.line, problem.column, problem.path)).collect()
}

fn corpus() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/manifests");
    let definition = std::fs::read_to_string(format!("{folder}/widgets.crd")).unwrap();
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if let Some(name) = name.strip_suffix(".yaml") {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            all.push((name.to_owned(), if name.contains("widget") { format!("{text}---\n{definition}") } else { text }));
        }
    }
    assert!(all.len() >= 80, "the corpus is there");
    all
}

#[test]
fn what_is_good_passes_and_what_is_bad_does_not_in_every_bundled_version() {
    for version in versions() {
        let schemas = bundled(version).unwrap();
        for (name, text) in corpus() {
            let report = check(text.as_bytes(), &schemas, &Manner::default());
            let found: Vec<_> = report.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
            assert_eq!(report.ok, name.starts_with("good"), "{name} with {version}: {found:?}");
        }
    }
}

#[test]
fn every_problem_has_a_rule_that_is_listed_and_a_place() {
    let listed: Vec<_> = rules().into_iter().map(|rule| rule.id).collect();
    for (name, text) in corpus() {
        for problem in problems(&text) {
            assert!(listed.contains(&problem.rule.as_str()), "{name}: {problem:?}");
            assert!(problem.line > 0 && problem.column > 0, "{name}: {problem:?}");
            assert!(!problem.message.en.is_empty() && !problem.message.zh.is_empty());
        }
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  replica: 3\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      containers:\n        - name: web\n          image: nginx:1.27\n          imagePullPolicy: ifnotpresent\n          ports:\n            - containerPort: \"80\"\n";

#[test]
fn a_problem_is_told_at_its_line_and_column_with_what_may_stand_there() {
    assert_eq!(
        errors(DEPLOYMENT),
        [
            ("schema-unknown-field".to_owned(), 6, 3, "spec.replica".to_owned()),
            ("schema-enum".to_owned(), 14, 28, "spec.template.spec.containers[0].imagePullPolicy".to_owned()),
            ("schema-type".to_owned(), 16, 30, "spec.template.spec.containers[0].ports[0].containerPort".to_owned()),
        ]
    );
    let all = problems(DEPLOYMENT);
    let unknown = all.iter().find(|problem| problem.rule == "schema-unknown-field").unwrap();
    assert_eq!(unknown.fix, Some(FixEdit::Rename("replicas".into())));
    assert!(unknown.allowed.iter().any(|field| field == "replicas"));
    let policy = all.iter().find(|problem| problem.rule == "schema-enum").unwrap();
    assert_eq!(policy.allowed, ["Always", "IfNotPresent", "Never"]);
    assert_eq!(policy.fix, Some(FixEdit::Set("IfNotPresent".into())));
}

#[test]
fn a_fix_changes_the_text_where_the_problem_is_and_nowhere_else() {
    let unknown = problems(DEPLOYMENT).into_iter().find(|problem| problem.rule == "schema-unknown-field").unwrap();
    assert_eq!(fixed(DEPLOYMENT, &unknown).unwrap(), DEPLOYMENT.replace("replica:", "replicas:"));
    let policy = problems(DEPLOYMENT).into_iter().find(|problem| problem.rule == "schema-enum").unwrap();
    assert_eq!(fixed(DEPLOYMENT, &policy).unwrap(), DEPLOYMENT.replace("ifnotpresent", "IfNotPresent"));
    let root = problems(DEPLOYMENT).into_iter().find(|problem| problem.rule == "pod-run-as-non-root").unwrap();
    let made = fixed(DEPLOYMENT, &root).unwrap();
    assert!(made.contains("runAsNonRoot: true") && made.contains("replica: 3"), "{made}");
}

#[test]
fn no_message_repeats_a_value() {
    let canary = "c4n4ry-5f1e";
    let text = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\ndata: {{a: \"{canary}!\"}}\nstringData: {{b: [{canary}]}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p}}\nspec:\n  restartPolicy: {canary}\n  containers: [{{name: a, image: \" {canary}\", env: [{{name: PASSWORD, value: {canary}}}]}}]\n"
    );
    let all = problems(&text);
    assert!(all.len() > 4);
    assert!(!format!("{all:?}").contains(canary), "{all:?}");
}

#[test]
fn removed_and_deprecated_versions_are_told_by_the_version_that_is_meant() {
    let text = "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\nspec: {minAvailable: 1}\n";
    let told = |version: &str| {
        let manner = Manner { version: Some(version.into()), ..Manner::default() };
        let all = check(text.as_bytes(), &newest(), &manner).problems;
        all.into_iter()
            .map(|problem| problem.rule)
            .filter(|rule| rule.starts_with("api-r") || rule.starts_with("api-d"))
            .collect::<Vec<_>>()
    };
    assert_eq!(told("1.20"), Vec::<String>::new());
    assert_eq!(told("1.21"), ["api-deprecated"]);
    assert_eq!(told("1.25"), ["api-removed"]);
}

#[test]
fn objects_in_a_list_and_in_several_documents_are_told_apart() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n  - apiVersion: v1\n    kind: ConfigMap\n    metadata: {name: B}\n";
    let found = problems(text);
    let told: Vec<_> = found.iter().map(|problem| (problem.document, problem.line, problem.rule.as_str())).collect();
    assert_eq!(told, [(2, 11, "meta-name")]);
}

#[test]
fn a_lint_can_be_off_or_block() {
    let run = |level| {
        let manner = Manner { lints: [("pod-probes".to_owned(), level)].into(), ..Manner::default() };
        let text = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/manifests/good-deployment.yaml")).unwrap();
        let report = check(&text, &newest(), &manner);
        (report.ok, report.problems.into_iter().find(|problem| problem.rule == "pod-probes").map(|problem| problem.severity))
    };
    assert_eq!(run(LintLevel::Off), (true, None));
    assert_eq!(run(LintLevel::Warn), (true, Some(Severity::Warning)));
    assert_eq!(run(LintLevel::Block), (false, Some(Severity::Error)));
}

#[test]
fn every_rule_is_in_the_guide() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/user-guide/validation.md")).unwrap();
    let listed: Vec<&str> = guide.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let all: Vec<&str> = rules().iter().map(|rule| rule.id).collect();
    assert_eq!(listed, all, "docs/user-guide/validation.md lists the rules in their order");
}
