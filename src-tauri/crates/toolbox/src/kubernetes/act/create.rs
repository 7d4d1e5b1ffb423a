//! `k8s-create-deployment`: out of YAML, or of a name and an image; always rehearsed, never over one that is there unless that is said.

use std::time::Duration;

use domain::cluster::ClusterDef;
use domain::fault::{Fault, FaultKind};
use domain::manifest::{Action, Change, Draft, Rehearsal, RolloutTarget, stale};
use domain::protocol::Foreseen;
use domain::text::Text;
use domain::{Json, JsonMap};
use serde_json::json;

use super::super::args::{Arg, Args, Sort, may};
use super::super::change::{change_text, of};
use super::super::{CLUSTER, NAMESPACE};

fn yaml() -> Json {
    json!({ "type": "string", "minLength": 1, "writeOnly": true })
}

fn labels() -> Json {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn env() -> Json {
    json!({ "type": "array", "items": { "type": "object", "additionalProperties": false, "required": ["name", "value"],
        "properties": { "name": { "type": "string", "minLength": 1 }, "value": { "type": "string" } } } })
}

fn ports() -> Json {
    json!({ "type": "array", "items": { "type": "object", "additionalProperties": false, "required": ["containerPort"], "properties": {
        "name": { "type": "string" }, "containerPort": { "type": "integer", "minimum": 1, "maximum": 65_535 },
        "protocol": { "type": "string", "enum": ["TCP", "UDP"] } } } })
}

fn resources() -> Json {
    let amounts = json!({ "type": "object", "additionalProperties": false, "properties": { "cpu": { "type": "string" }, "memory": { "type": "string" } } });
    json!({ "type": "object", "additionalProperties": false, "properties": { "limits": amounts, "requests": amounts } })
}

pub(super) const ARGS: &[Arg] = &[
    may(
        "yaml_config",
        Sort::Shape(yaml),
        "The whole deployment; or app_name and image. 完整的 Deployment YAML；或改用 app_name 与 image。",
    ),
    may("app_name", Sort::Text, "Its name. 应用名称。"),
    may("image", Sort::Text, "Its image. 镜像。"),
    NAMESPACE,
    may("replicas", Sort::Maybe(1, 100), "How many pods; 1 when absent. 副本数；默认 1。"),
    may("labels", Sort::Shape(labels), "Further labels. 其他标签。"),
    may("env_vars", Sort::Shape(env), "Variables of the container. 环境变量。"),
    may("ports", Sort::Shape(ports), "Ports of the container. 容器端口。"),
    may("resources", Sort::Shape(resources), "Limits and requests. 资源限制与请求。"),
    may("dry_run", Sort::Flag(false), "Only try it. 仅试运行。"),
    may("force", Sort::Flag(false), "Change the one that is there, and take its fields over. 更改现有的 Deployment 并接管其字段。"),
    may("wait_seconds", Sort::Whole(0, 540, 30), "How long its rollout is watched. 等待发布的秒数。"),
    CLUSTER,
    may("digest", Sort::Hidden, ""),
];

fn wrong(code: &str, en: impl Into<String>, zh: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Usage, code, Text::new(en, zh), Text::new("Correct it and try again.", "请更正后重试。"))
}

/// The manifest that is meant.
fn manifest(args: &Args) -> Result<String, Fault> {
    const SHORT: [&str; 7] = ["app_name", "image", "replicas", "labels", "env_vars", "ports", "resources"];
    if let Some(yaml) = args.text("yaml_config") {
        return match SHORT.iter().find(|name| args.json(name).is_some()) {
            None => Ok(yaml.to_owned()),
            Some(name) => Err(wrong(
                "bad_deployment",
                format!("yaml_config says it all: {name} cannot stand beside it"),
                format!("yaml_config 已包含全部内容，不能同时给出 {name}"),
            )),
        };
    }
    let (Some(name), Some(image)) = (args.text("app_name"), args.text("image")) else {
        return Err(wrong("bad_deployment", "give yaml_config, or app_name and image", "请给出 yaml_config，或 app_name 与 image"));
    };
    let mut labels = json!({ "app": name, "version": "v1" });
    for (key, value) in args.json("labels").and_then(Json::as_object).into_iter().flatten() {
        if key == "app" && value != name {
            return Err(wrong(
                "bad_deployment",
                "the label app is the deployment's own name: its pods are found by it",
                "标签 app 必须是 Deployment 自身的名称：选择器依赖它",
            ));
        }
        labels[key] = value.clone();
    }
    let mut container = json!({ "name": name, "image": image, "imagePullPolicy": "IfNotPresent" });
    for (given, field) in [("env_vars", "env"), ("ports", "ports"), ("resources", "resources")] {
        if let Some(value) = args.json(given) {
            container[field] = value.clone();
        }
    }
    let whole = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "labels": labels },
        "spec": { "replicas": args.maybe("replicas").unwrap_or(1), "selector": { "matchLabels": { "app": name } },
                  "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } } },
    });
    Ok(whole.to_string())
}

/// Tries it: with `force` also over fields of others.
async fn tried(change: &dyn Change, cluster: &ClusterDef, args: &Args) -> Result<(Draft, Rehearsal), Fault> {
    let mut draft = Draft { text: manifest(args)?, namespace: args.text("namespace").map(str::to_owned), take_over: vec![] };
    let mut rehearsal = change.rehearse(cluster, &draft).await?;
    let [one] = rehearsal.changes() else {
        return Err(wrong("not_a_deployment", "the YAML must hold one Deployment and nothing else", "YAML 中必须恰好有一个 Deployment"));
    };
    if one.object.kind != "Deployment" || one.object.api_version != "apps/v1" {
        let (kind, version) = (&one.object.kind, &one.object.api_version);
        return Err(wrong(
            "not_a_deployment",
            format!("the YAML holds a {kind} ({version}), and not a Deployment (apps/v1)"),
            format!("YAML 中是 {kind}（{version}），而不是 Deployment（apps/v1）"),
        ));
    }
    let own = one.object.namespace.as_deref().unwrap_or_default();
    if let Some(wanted) = draft.namespace.as_deref().filter(|wanted| *wanted != own) {
        return Err(wrong(
            "namespace_conflict",
            format!("the YAML says the namespace {own}, and the argument says {wanted}"),
            format!("YAML 中的命名空间为 {own}，而参数为 {wanted}"),
        ));
    }
    if one.action == Action::Change && !args.flag("force") && !args.flag("dry_run") {
        let object = &one.object;
        return Err(Fault::new(
            FaultKind::Denied,
            "object_exists",
            Text::new(format!("nothing was changed: {object} is there already"), format!("未作任何更改：{object} 已存在")),
            Text::new("Say force to change it, or dry_run to see how.", "指定 force 以更改它，或用 dry_run 查看差异。"),
        )
        .with_params(json!({ "object": object, "diff": one.diff })));
    }
    let open: Vec<String> = rehearsal.conflicts().iter().filter(|one| !one.taken_over).map(|one| one.path.clone()).collect();
    if !open.is_empty() && args.flag("force") {
        draft.take_over = open;
        rehearsal = change.rehearse(cluster, &draft).await?;
    }
    if args.text("digest").is_some_and(|digest| digest != rehearsal.digest()) {
        return Err(stale());
    }
    Ok((draft, rehearsal))
}

/// What it would change.
pub(super) async fn foresee(change: &dyn Change, cluster: &ClusterDef, args: &Args) -> Result<Foreseen, Fault> {
    let (_, rehearsal) = tried(change, cluster, args).await?;
    let pinned = JsonMap::from_iter([("digest".to_owned(), rehearsal.digest().into())]);
    Ok(Foreseen { text: change_text(rehearsal.changes()), pinned })
}

/// Makes it, or shows what would be made.
pub(super) async fn run(change: &dyn Change, cluster: &ClusterDef, args: &Args) -> Result<(String, Json), Fault> {
    let (draft, rehearsal) = tried(change, cluster, args).await?;
    let Some(one) = rehearsal.changes().first() else { return Err(stale()) };
    let object = one.object.clone();
    let mut whole = json!({
        "success": true, "deployment_name": object.name, "namespace": object.namespace, "action": one.action, "dry_run": args.flag("dry_run"),
        "diff": one.diff, "conflicts": rehearsal.conflicts(), "warnings": rehearsal.warnings(),
    });
    let heading = format!("## {} {object}\n\n```diff\n{}```\n", one.action.word(), one.diff);
    if args.flag("dry_run") {
        return Ok((format!("{heading}\nOnly tried: nothing was changed."), whole));
    }
    let done = change.apply(cluster, &draft, rehearsal.digest(), None).await?;
    whole["undo_id"] = of(&done.undo_id);
    let target = RolloutTarget { kind: "deployment".into(), name: object.name.clone(), namespace: object.namespace.clone() };
    let wait = Duration::from_secs(args.whole("wait_seconds"));
    // It is made, whatever can be seen of it.
    let summary = match change.rollout(cluster, &target, Some(wait)).await {
        Ok(rollout) => {
            whole["rollout"] = of(&rollout);
            rollout.summary.en
        }
        Err(fault) => {
            whole["rollout"] = json!({ "fault": fault });
            fault.message.en
        }
    };
    let undo = done.undo_id.map_or_else(String::new, |id| format!("\n\nTo take it back: k8s-undo {id}"));
    Ok((format!("{heading}\n{summary}{undo}"), whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(given: Json) -> Args {
        Args::fit(given.as_object().cloned().unwrap(), ARGS).unwrap()
    }

    #[test]
    fn a_name_and_an_image_make_a_deployment_whose_selector_fits() {
        let text = manifest(&args(json!({ "app_name": "web", "image": "a:1", "labels": { "tier": "x", "version": "v2" },
            "env_vars": [{ "name": "A", "value": "1" }], "ports": [{ "containerPort": 80 }] })))
        .unwrap();
        let made: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(made["spec"]["selector"]["matchLabels"], json!({ "app": "web" }));
        assert_eq!(made["spec"]["template"]["metadata"]["labels"], json!({ "app": "web", "version": "v2", "tier": "x" }));
        assert_eq!(made["spec"]["template"]["spec"]["containers"][0]["env"][0]["name"], "A");
        assert_eq!(made["spec"]["replicas"], 1);
        for given in [
            json!({ "app_name": "web" }),
            json!({ "yaml_config": "x", "image": "a" }),
            json!({ "app_name": "web", "image": "a", "labels": { "app": "other" } }),
        ] {
            assert_eq!(manifest(&args(given.clone())).unwrap_err().code, "bad_deployment", "{given}");
        }
    }
}
