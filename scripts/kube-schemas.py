#!/usr/bin/env python3
"""Makes the schemas that `pilot k8s validate` uses without a cluster, one compressed file a Kubernetes minor.

    scripts/kube-schemas.py 1.34.4 1.35.4 1.36.3 1.37.2

Of each version: api/openapi-spec/v3 out of the Go module k8s.io/kubernetes, and out of k8s.io/api the values of the enumerations
(`// +enum`), which the published files leave out and an API server serves. Only what validation and hover texts need is kept: the
component schemas that a kind with a name of its own reaches. Needs `go`; the modules come through its proxy.
"""
import glob, json, os, re, subprocess, sys, zlib

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "..", "src-tauri", "crates", "cluster", "schemas")
KEEP = {
    "type", "format", "properties", "required", "items", "additionalProperties", "enum", "pattern", "minimum", "maximum", "minLength",
    "maxLength", "minItems", "maxItems", "nullable", "oneOf", "description", "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
}


def module(path, version):
    answer = subprocess.run(["go", "mod", "download", "-json", f"{path}@v{version}"], check=True, stdout=subprocess.PIPE, cwd="/")
    return json.loads(answer.stdout)["Dir"]


def enumerations(api):
    """(package, struct, JSON field) -> values."""
    found = {}
    for file in glob.glob(os.path.join(api, "*", "*", "types.go")):
        package = os.path.relpath(os.path.dirname(file), api).replace(os.sep, ".")
        text = open(file).read()
        enums = {name: [] for name in re.findall(r"// \+enum\n(?://.*\n)*type (\w+) string", text)}
        for name, value in re.findall(r"^\s*\w+\s+(\w+)\s*=\s*\"([^\"]*)\"", text, re.M):
            if name in enums and value not in enums[name]:
                enums[name].append(value)
        for struct, body in re.findall(r"^type (\w+) struct \{\n(.*?)^\}", text, re.M | re.S):
            for kind, field in re.findall(r"^\s+\w+\s+(?:\[\])?\*?(\w+)\s+`json:\"(\w+)", body, re.M):
                if enums.get(kind):
                    found[(package, struct, field)] = sorted(enums[kind])
    return found


def slim(node):
    if isinstance(node, list):
        return [slim(item) for item in node]
    out = {}
    # `{allOf: [{$ref}], default, description}` is a reference that says something of itself.
    inner = node.get("allOf")
    reference = node.get("$ref") or (inner[0].get("$ref") if inner else None)
    if reference:
        out["$ref"] = reference.rsplit("/", 1)[1]
    for key, value in node.items():
        if key == "properties":
            out[key] = {name: slim(prop) for name, prop in value.items()}
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            out[key] = slim(value)
        elif key in KEEP:
            out[key] = value
    return out


def reached(name, schemas, seen):
    if name in seen:
        return
    seen.add(name)

    def walk(node):
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                reached(node["$ref"], schemas, seen)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(schemas[name])


def make(version):
    minor = ".".join(version.split(".")[:2])
    spec = os.path.join(module("k8s.io/kubernetes", version), "api", "openapi-spec", "v3")
    enums = enumerations(module("k8s.io/api", "0." + version.split(".", 1)[1]))
    schemas, kinds = {}, {}
    for file in sorted(glob.glob(os.path.join(spec, "*.json"))):
        api = json.load(open(file))
        for name, schema in (api.get("components", {}).get("schemas") or {}).items():
            schemas[name] = slim(schema)
            package, struct = name.removeprefix("io.k8s.api.").rsplit(".", 1)
            for field, prop in schemas[name].get("properties", {}).items():
                values = enums.get((package, struct, field))
                if values:
                    (prop["items"] if prop.get("type") == "array" else prop)["enum"] = values
        for path in (api.get("paths") or {}).values():
            for verb in ("post", "put"):
                action = path.get(verb, {})
                kind = action.get("x-kubernetes-group-version-kind")
                body = action.get("requestBody", {}).get("content", {}).get("*/*", {}).get("schema", {})
                body = body.get("$ref") or (body.get("allOf") or [{}])[0].get("$ref")
                if kind and body and kind["kind"] not in ("DeleteOptions",):
                    schema = body.rsplit("/", 1)[1]
                    if schema.rsplit(".", 1)[1] != kind["kind"]:
                        continue
                    group = f"{kind['group']}/{kind['version']}" if kind["group"] else kind["version"]
                    here = [key for key in api["paths"] if api["paths"][key] is path][0]
                    if "{name}" in here and verb == "post":
                        continue
                    kinds[f"{group}/{kind['kind']}"] = {"schema": schema, "namespaced": "{namespace}" in here}
    seen = set()
    for kind in kinds.values():
        reached(kind["schema"], schemas, seen)
    document = {"version": minor, "made": f"k8s.io/kubernetes v{version}", "kinds": kinds, "schemas": {name: schemas[name] for name in sorted(seen)}}
    text = json.dumps(document, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
    os.makedirs(OUT, exist_ok=True)
    compress = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = compress.compress(text) + compress.flush()
    with open(os.path.join(OUT, f"{minor}.json.gz"), "wb") as file:
        file.write(data)
    print(f"{minor}: {len(kinds)} kinds, {len(seen)} schemas, {len(enums)} enumerations, {len(text)} bytes, {len(data)} compressed")


for version in sys.argv[1:]:
    make(version)
