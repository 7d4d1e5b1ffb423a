//! Texts as they are being typed; `¦` is the cursor.

use std::sync::Arc;

use domain::manifest_language::Completion;

use super::*;
use crate::validate::bundled;

fn schemas() -> Arc<Schemas> {
    bundled("1.36").unwrap()
}

fn cut(marked: &str) -> (String, usize) {
    let byte = marked.find('¦').unwrap() - if marked.starts_with('\u{feff}') { 3 } else { 0 };
    (marked.replacen('¦', "", 1), byte)
}

fn completed(marked: &str) -> (String, Completion) {
    let (text, byte) = cut(marked);
    let lines = Lines::new(&text);
    let found = complete(&lines, byte, &schemas());
    (text, found)
}

fn labels(marked: &str) -> Vec<String> {
    completed(marked).1.items.into_iter().map(|item| item.label).collect()
}

/// The text once the item of that label is taken.
fn taken(marked: &str, label: &str) -> String {
    let (text, found) = completed(marked);
    let item = found.items.iter().find(|item| item.label == label).unwrap_or_else(|| panic!("{marked:?} offers {:?}", labels(marked)));
    let mut units: Vec<u16> = text.encode_utf16().collect();
    units.splice(found.from..found.to, item.insert.encode_utf16());
    String::from_utf16(&units).unwrap()
}

const HEAD: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n";

fn within(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

#[test]
fn keys_are_offered_where_keys_stand() {
    for (rest, some, none) in [
        ("spec:\n  ¦", "replicas", "containers"),
        ("spec:\n  ¦\n", "selector", "spec"),
        ("spec:\n  re¦", "replicas", "containers"),
        ("spec:\n  replicas: 3\n  ¦\n", "template", "replicas"),
        ("spec:\n  ¦\n  replicas: 3\n", "template", "replicas"),
        ("spec:\n  te¦\n  replicas: 3\n", "template", "replicas"),
        ("spec:\n    template:\n        spec:\n            ¦", "containers", "replicas"),
        ("spec:\n  template:\n    spec:\n      containers:\n        - ¦", "image", "containers"),
        ("spec:\n  template:\n    spec:\n      containers:\n        - name: a\n          ¦\n", "image", "name"),
        (
            "spec:\n  template:\n    spec:\n      containers:\n        - name: a\n          im¦\n        - name: b\n          image: x\n",
            "image",
            "name",
        ),
        ("spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        ¦", "image", "name"),
        ("spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        ports:\n        - ¦", "containerPort", "image"),
        ("spec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: x\n      ¦", "volumes", "image"),
        ("spec:\n  template:\n    spec:\n      containers:\n      - name: a\n      ¦\n      volumes: []\n", "hostname", "volumes"),
        ("spec:\n  template:\n    spec:\n      containers:\n        - command: [a,\n            b]\n          ¦", "image", "command"),
        ("spec:\n  template:\n    spec:\n      containers:\n        - command: [a\n          ¦\n", "image", "command"),
        ("spec:\n  strategy: {¦", "rollingUpdate", "replicas"),
        ("spec:\n  strategy: {¦}\n  replicas: 1\n", "rollingUpdate", "replicas"),
        ("spec:\n  strategy: {type: Recreate, ¦}", "rollingUpdate", "type"),
        ("spec:\n  strategy: {type: Recreate, roll¦: {}}", "rollingUpdate", "type"),
        ("spec:\n  strategy:\n    {\n      type: Recreate,\n      ¦\n    }\n", "rollingUpdate", "type"),
        ("spec:\n  template:\n    spec:\n      containers: [{name: a, ¦}]", "image", "name"),
        ("spec: # of it\n  # here\n  ¦", "replicas", "spec"),
        ("spec: &s\n  ¦", "replicas", "spec"),
        ("spec:\n  # é 中 😀\n  ¦", "replicas", "spec"),
        ("\"spec\":\n  ¦", "replicas", "spec"),
        (
            "spec:\n  template:\n    spec:\n      containers:\n        - args:\n            - |\n              x: y\n          ¦",
            "image",
            "args",
        ),
        ("spec:\n  minReadySeconds: \"a\n    b\"\n  ¦", "replicas", "minReadySeconds"),
        ("spec:\n  minReadySeconds: \"a\n  ¦", "replicas", "minReadySeconds"),
        ("met¦\n", "spec", "kind"),
        ("¦\n", "spec", "metadata"),
        ("spec:\n  replicas:¦ 1\n  x: y\n---\nkind: Pod\n", "", "replicas"),
        ("---\napiVersion: v1\nkind: Pod\nspec:\n  ¦", "containers", "replicas"),
        ("...\napiVersion: v1\nkind: Pod\nspec:\n  ¦", "containers", "replicas"),
        ("spec:\r\n  ¦\r\n", "replicas", "spec"),
        ("spec:\n  template:\n    metadata:\n      ¦", "labels", "replicas"),
        (
            "spec:\n  template:\n    spec:\n      affinity:\n        nodeAffinity:\n          preferredDuringSchedulingIgnoredDuringExecution:\n          - preference:\n              matchExpressions:\n              - ¦",
            "operator",
            "preference",
        ),
    ] {
        let found = labels(&within(rest));
        assert!(some.is_empty() && found.is_empty() || found.iter().any(|label| label == some), "{rest:?}: {some} in {found:?}");
        assert!(!found.iter().any(|label| label == none), "{rest:?}: {none} in {found:?}");
    }
}

#[test]
fn nothing_is_offered_where_words_are_free() {
    for rest in [
        "spec:\n  # ¦",
        "spec: # ¦",
        "spec:\n  replicas: 1 # ¦",
        "spec:\n  replicas: ¦",
        "spec:\n  template:\n    spec:\n      containers:\n        - name: ¦",
        "spec:\n  template:\n    spec:\n      containers:\n        - args:\n            - |\n              ¦",
        "spec:\n  template:\n    spec:\n      containers:\n        - args:\n            - >-\n              a\n\n              ¦\n",
        "spec:\n  template:\n    spec:\n      containers:\n        - args:\n            - ¦",
        "spec:\n\t¦",
        "spec:\n  replicas: 3\n ¦",
        "spec:\n  replicas: 3\n     ¦",
        "spec:\n  unknown:\n    ¦",
        "spec:\n  template:\n    metadata:\n      labels:\n        ¦",
        "spec: |¦",
        "spec:\n  minReadySeconds: \"a\n    ¦\n    b\"\n",
        "spec:\n ¦ replicas: 1\n",
        "---¦",
    ] {
        assert_eq!(labels(&within(rest)), Vec::<String>::new(), "{rest:?}");
    }
}

#[test]
fn values_are_offered_where_there_is_a_list_of_them() {
    let policy = "spec:\n  template:\n    spec:\n      containers:\n        - name: a\n          imagePullPolicy:";
    let all = ["Always", "IfNotPresent", "Never"];
    for end in [" ¦", "¦", " If¦", " \"¦\"", " 'If¦'", " If¦NotPresent # why", " ¦\n          image: x\n", " ¦\r\n"] {
        assert_eq!(labels(&within(&format!("{policy}{end}"))), all, "{end:?}");
    }
    assert_eq!(labels(&within("spec:\n  paused: ¦")), ["true", "false"]);
    assert_eq!(labels(&within("spec:\n  strategy: {type: ¦}")), ["Recreate", "RollingUpdate"]);
    assert_eq!(labels(&within("spec:\n  strategy: {\"type\":¦}")), ["Recreate", "RollingUpdate"]);
    assert_eq!(
        labels("apiVersion: v1\nkind: PersistentVolumeClaim\nspec:\n  accessModes:\n    - ¦"),
        labels("apiVersion: v1\nkind: PersistentVolumeClaim\nspec:\n  accessModes: [¦]")
    );
    assert!(
        labels("apiVersion: v1\nkind: PersistentVolumeClaim\nspec:\n  accessModes:\n    - Read¦\n").contains(&"ReadWriteOnce".to_owned())
    );
    assert_eq!(taken(&within("spec:\n  paused:¦"), "true"), within("spec:\n  paused: true"));
    assert_eq!(taken(&within("spec:\n  strategy:\n    type: \"¦\""), "Recreate"), within("spec:\n  strategy:\n    type: \"Recreate\""));
    assert_eq!(
        taken(&within("spec:\n  strategy:\n    type: Rec¦ # é"), "RollingUpdate"),
        within("spec:\n  strategy:\n    type: RollingUpdate # é")
    );
}

#[test]
fn versions_and_kinds_fit_one_another() {
    assert_eq!(labels("apiVersion: ¦\nkind: Deployment\n"), ["apps/v1"]);
    assert_eq!(labels("kind: HorizontalPodAutoscaler\napiVersion: ¦"), ["autoscaling/v1", "autoscaling/v2"]);
    assert_eq!(labels("apiVersion: batch/v1\nkind: ¦"), ["CronJob", "Job"]);
    assert_eq!(labels("{\"apiVersion\": \"batch/v1\", \"kind\": \"¦\"}"), ["CronJob", "Job"]);
    let all = labels("kind: ¦");
    assert!(all.len() > 50 && all.windows(2).all(|two| two[0] < two[1]), "{all:?}");
    let fresh = labels("¦");
    assert_eq!(fresh[..3], ["apiVersion", "kind", "metadata"]);
    assert!(fresh.contains(&"CronJob".to_owned()));
    assert_eq!(taken("¦", "Job"), "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: ");
    assert_eq!(taken("a: 1\r\n---\r\n¦", "Job"), "a: 1\r\n---\r\napiVersion: batch/v1\r\nkind: Job\r\nmetadata:\r\n  name: ");
    assert_eq!(taken("kind: Unheard\n¦", "apiVersion"), "kind: Unheard\napiVersion: ");
    assert_eq!(labels("apiVersion: unheard/v1\nkind: Unheard\nmetadata:\n  na¦")[..1], ["annotations"]);
    let list = "apiVersion: v1\nkind: List\nitems:\n  - apiVersion: v1\n    kind: ConfigMap\n    ¦\n  - kind: Pod\n";
    assert_eq!(labels(list), ["binaryData", "data", "immutable", "metadata"]);
}

#[test]
fn what_is_taken_stands_where_it_belongs() {
    for (rest, label, wanted) in [
        ("spec:\n  ¦", "replicas", "spec:\n  replicas: "),
        ("spec:\n  tem¦\n", "template", "spec:\n  template:\n    \n"),
        ("spec:\n  ¦replicas: 1\n", "paused", "spec:\n  paused: 1\n"),
        ("spec:\n  template:\n    spec:\n      ¦", "containers", "spec:\n  template:\n    spec:\n      containers:\n        - "),
        (
            "spec:\n  template:\n    spec:\n      containers:\n        ¦",
            "name",
            "spec:\n  template:\n    spec:\n      containers:\n        - name: ",
        ),
        (
            "spec:\n  template:\n    spec:\n      containers:\n        - name: a\n        ¦",
            "name",
            "spec:\n  template:\n    spec:\n      containers:\n        - name: a\n        - name: ",
        ),
        (
            "spec:\n  template:\n    spec:\n      containers:\n        - ¦",
            "ports",
            "spec:\n  template:\n    spec:\n      containers:\n        - ports:\n            - ",
        ),
        ("spec:\n  strategy: {¦}", "type", "spec:\n  strategy: {type: }"),
        ("spec:\n  strategy: {ty¦: Recreate}", "type", "spec:\n  strategy: {type: Recreate}"),
        ("spec:\n  # 😀\n  re¦", "replicas", "spec:\n  # 😀\n  replicas: "),
        ("spec:\r\n  ¦\r\n", "selector", "spec:\r\n  selector:\r\n    \r\n"),
    ] {
        assert_eq!(taken(&within(rest), label), within(wanted), "{rest:?}");
    }
    let bom = format!("\u{feff}{}", within("spec:\n  re¦"));
    assert_eq!(taken(&bom, "replicas"), format!("\u{feff}{}", within("spec:\n  replicas: ")));
}

#[test]
fn what_is_required_comes_first_and_says_what_it_is() {
    let items = completed(&within("spec:\n  ¦")).1.items;
    assert_eq!(items.iter().filter(|item| item.required).map(|item| item.label.as_str()).collect::<Vec<_>>(), ["selector", "template"]);
    assert!(items[0].required && items[1].required);
    let replicas = items.iter().find(|item| item.label == "replicas").unwrap();
    assert_eq!(replicas.type_name, "integer");
    assert!(replicas.about.contains("desired pods"), "{}", replicas.about);
    let account = completed(&within("spec:\n  template:\n    spec:\n      ¦"))
        .1
        .items
        .into_iter()
        .find(|item| item.label == "serviceAccount")
        .unwrap();
    assert!(account.deprecated);
}

#[test]
fn hovering_tells_the_path_the_type_and_what_is_allowed() {
    let told = |rest: &str| {
        let (text, byte) = cut(&within(rest));
        let lines = Lines::new(&text);
        hover(&lines, byte, &schemas()).map(|hover| {
            let units: Vec<u16> = text.encode_utf16().collect();
            (hover.path, hover.type_name, String::from_utf16(&units[hover.from..hover.to]).unwrap())
        })
    };
    let one = |path: &str, type_name: &str, word: &str| Some((path.to_owned(), type_name.to_owned(), word.to_owned()));
    assert_eq!(told("spec:\n  repl¦icas: 3"), one("spec.replicas", "integer", "replicas"));
    assert_eq!(told("spec:\n  replicas: 3¦"), one("spec.replicas", "integer", "3"));
    assert_eq!(told("sp¦ec:\n  replicas: 3"), one("spec", "DeploymentSpec", "spec"));
    let containers = "spec:\n  template:\n    spec:\n      containers:\n        - name: é😀\n          image";
    assert_eq!(told(&format!("{containers}¦: x\n")), one("spec.template.spec.containers[0].image", "string", "image"));
    assert_eq!(told("spec:\n  selector: {matchL¦abels: {a: b}}"), one("spec.selector.matchLabels", "map of string", "matchLabels"));
    assert_eq!(told("spec:\n  selector: {matchLabels: {a: b¦}}"), one("spec.selector.matchLabels.a", "string", "b"));
    for nothing in ["spec:\n  ¦\n  replicas: 1\n", "spec:\n  # repl¦icas: 3", "spec:\n  unhe¦ard: 1\n", "data: |\n  kin¦d: x\n"] {
        assert_eq!(told(nothing), None, "{nothing:?}");
    }
    let (text, byte) = cut(&within("spec:\n  strategy:\n    ty¦pe: Recreate\n"));
    let found = hover(&Lines::new(&text), byte, &schemas()).unwrap();
    assert_eq!(found.allowed, ["Recreate", "RollingUpdate"]);
    assert!(!found.about.is_empty());
}

#[test]
fn no_place_of_any_manifest_makes_it_stumble() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../tests/fixtures/manifests");
    let schemas = schemas();
    for entry in std::fs::read_dir(folder).unwrap().flatten().take(25) {
        let text = std::fs::read_to_string(entry.path()).unwrap();
        let text: String = text.chars().take(700).collect();
        for (byte, _) in text.char_indices().step_by(3) {
            for text in [text.as_str(), &text[..byte]] {
                let lines = Lines::new(text);
                complete(&lines, byte, &schemas);
                hover(&lines, byte, &schemas);
            }
        }
    }
}
