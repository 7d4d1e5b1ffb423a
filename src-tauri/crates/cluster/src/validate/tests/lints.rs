//! Lints, and what objects say of each other.

use super::problems;

fn told(text: &str, prefix: &str) -> Vec<String> {
    let mut rules: Vec<String> = problems(text).into_iter().map(|problem| problem.rule).filter(|rule| rule.starts_with(prefix)).collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

const HARD: &str = "      securityContext:\n        runAsNonRoot: true\n        allowPrivilegeEscalation: false\n        readOnlyRootFilesystem: true\n        capabilities: {drop: [ALL]}\n      resources:\n        requests: {cpu: 1m, memory: 1Mi}\n        limits: {memory: 1Mi}\n      readinessProbe: {tcpSocket: {port: 80}}\n";

fn pod(spec: &str, container: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n{spec}  containers:\n    - name: a\n      image: a:1\n{container}{HARD}"
    )
}

#[test]
fn a_careful_pod_has_no_remarks_and_each_carelessness_has_its_own() {
    assert_eq!(told(&pod("", ""), "pod-"), Vec::<String>::new());
    for (rule, text) in [
        ("pod-image-tag", pod("", "").replace("a:1", "a")),
        ("pod-image-tag", pod("", "").replace("a:1", "host:5000/a:latest")),
        (
            "pod-requests",
            pod("", "").replace("requests: {cpu: 1m, memory: 1Mi}", "requests: {cpu: 1m}").replace("limits: {memory: 1Mi}", "limits: {}"),
        ),
        ("pod-limits", pod("", "").replace("limits: {memory: 1Mi}", "limits: {cpu: 1}")),
        ("pod-probes", pod("", "").replace("readinessProbe", "livenessProbe")),
        ("pod-run-as-non-root", pod("", "").replace("        runAsNonRoot: true\n", "")),
        ("pod-privilege-escalation", pod("", "").replace("allowPrivilegeEscalation: false", "allowPrivilegeEscalation: true")),
        ("pod-read-only-root", pod("", "").replace("        readOnlyRootFilesystem: true\n", "")),
        ("pod-capabilities", pod("", "").replace("drop: [ALL]", "drop: [CHOWN]")),
        ("pod-privileged", pod("", "").replace("runAsNonRoot: true", "runAsNonRoot: true\n        privileged: true")),
        ("pod-host-path", pod("  volumes: [{name: a, hostPath: {path: /}}]\n", "")),
        ("pod-host-network", pod("  hostNetwork: true\n", "")),
        ("pod-host-namespaces", pod("  hostPID: true\n", "")),
        ("pod-secret-in-env", pod("", "      env: [{name: DB_PASSWORD, value: x}]\n")),
    ] {
        assert!(told(&text, "pod-").contains(&rule.to_owned()), "{rule}: {:?}", told(&text, "pod-"));
    }
    assert!(told(&pod("", "").replace("a:1", "a@sha256:00"), "pod-").is_empty(), "a digest says what runs");
    assert!(told(&pod("", "      env: [{name: TOKEN_FILE, value: x}]\n"), "pod-").is_empty(), "a place is no secret");
}

const SET: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n    spec:\n      serviceAccountName: robot\n      volumes:\n        - {name: c, configMap: {name: settings}}\n        - {name: d, persistentVolumeClaim: {claimName: data}}\n      containers:\n        - name: web\n          image: a:1\n          ports: [{name: http, containerPort: 80}]\n          env:\n            - {name: A, valueFrom: {configMapKeyRef: {name: settings, key: a}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  selector: {app: web}\n  ports: [{port: 80, targetPort: http}]\n---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec:\n  defaultBackend: {service: {name: web, port: {number: 80}}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}\n  maxReplicas: 3\n---\napiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec:\n  minAvailable: 1\n  selector: {matchLabels: {app: web}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: robot}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";

#[test]
fn a_set_that_fits_together_is_left_alone_and_each_loose_end_is_told() {
    assert_eq!(told(SET, "ref-"), Vec::<String>::new());
    assert_eq!(told(SET, "workload-"), Vec::<String>::new());
    for (rule, text) in [
        ("ref-service-selector", SET.replace("  selector: {app: web}", "  selector: {app: other}")),
        ("ref-service-port", SET.replace("targetPort: http", "targetPort: https")),
        ("ref-ingress-service", SET.replace("service: {name: web, port: {number: 80}}", "service: {name: web, port: {number: 81}}")),
        ("ref-ingress-service", SET.replace("service: {name: web,", "service: {name: other,")),
        ("ref-hpa-target", SET.replace("kind: Deployment, name: web", "kind: Deployment, name: other")),
        (
            "ref-pdb-selector",
            SET.replace(
                "  minAvailable: 1\n  selector: {matchLabels: {app: web}}",
                "  minAvailable: 1\n  selector: {matchLabels: {app: x}}",
            ),
        ),
        ("ref-config", SET.replace("configMap: {name: settings}", "configMap: {name: other}")),
        ("ref-config-key", SET.replace("key: a}", "key: b}")),
        ("ref-claim", SET.replace("claimName: data", "claimName: other")),
        ("ref-service-account", SET.replace("serviceAccountName: robot", "serviceAccountName: other")),
        ("ref-duplicate-object", format!("{SET}---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: robot}}\n")),
    ] {
        assert!(told(&text, "ref-").contains(&rule.to_owned()), "{rule}: {:?}", told(&text, "ref-"));
    }
    let without = SET.replace("kind: PodDisruptionBudget", "kind: Other");
    assert_eq!(told(&without, "workload-"), ["workload-disruption-budget"]);
}
