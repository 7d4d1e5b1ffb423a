//! Documents that are read, and documents that are refused.

use super::*;

fn tools(document: &Json) -> (Catalogue, HashMap<String, Operation>) {
    Document::read(document).unwrap().tools()
}

#[expect(clippy::needless_pass_by_value, reason = "the tests read better without a borrow on every literal")]
fn document(version: &str, paths: Json, components: Json) -> Json {
    json!({ "openapi": version, "info": { "title": "Shop", "version": "1" }, "paths": paths, "components": components })
}

#[test]
fn each_operation_is_a_tool_with_its_hints() {
    let (catalogue, operations) = tools(&document(
        "3.0.3",
        json!({
            "/pets": {
                "get": { "operationId": "listPets", "summary": "List", "description": "All of them.", "parameters": [{ "name": "limit", "in": "query", "schema": { "type": "integer" } }] },
                "post": { "requestBody": { "required": true, "content": { "text/plain": {}, "application/json": { "schema": { "type": "object" } } } } }
            },
            "/pets/{petId}": {
                "parameters": [{ "name": "petId", "in": "path", "required": true, "description": "Which.", "schema": { "type": "string" } }],
                "put": { "operationId": "pets.put!" }, "delete": { "operationId": "drop pet" }, "head": {}, "x-note": { "a": 1 }
            }
        }),
        json!({}),
    ));
    let names: Vec<_> = catalogue.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["listPets", "post_pets", "pets_put", "drop_pet", "head_pets_petId"]);
    let of = |name: &str| catalogue.tools.iter().find(|tool| tool.name.as_str() == name).unwrap();
    assert_eq!(of("listPets").annotations.read_only_hint, Some(true));
    assert_eq!(of("drop_pet").annotations.destructive_hint, Some(true));
    assert_eq!(of("pets_put").annotations.idempotent_hint, Some(true));
    assert_eq!(of("post_pets").annotations, Annotations::default(), "a POST promises nothing");
    assert_eq!(of("listPets").description, "List\n\nAll of them.");
    assert_eq!(of("pets_put").input_schema["required"], json!(["petId"]));
    assert_eq!(of("pets_put").input_schema["properties"]["petId"]["description"], "Which.");
    assert_eq!(operations["post_pets"].body.as_ref().unwrap().media, "application/json", "JSON is preferred");
    assert_eq!(operations["head_pets_petId"].method, Method::HEAD);
}

#[test]
fn names_are_short_and_unique() {
    let long = "x".repeat(100);
    let (catalogue, _) = tools(&document(
        "3.1.0",
        json!({ "/a": { "get": { "operationId": long }, "put": { "operationId": long } }, "/b": { "get": { "operationId": "same" } }, "/c": { "get": { "operationId": "same" } } }),
        json!({}),
    ));
    let names: Vec<_> = catalogue.tools.iter().map(|tool| tool.name.as_str().to_owned()).collect();
    assert_eq!(names, ["x".repeat(64), format!("{}_2", "x".repeat(62)), "same".into(), "same_2".into()]);
}

#[test]
fn references_are_carried_along_and_cycles_stay_cycles() {
    let (catalogue, _) = tools(&document(
        "3.0.0",
        json!({ "/n": { "post": { "operationId": "n", "requestBody": { "$ref": "#/components/requestBodies/N" }, "parameters": [{ "$ref": "#/components/parameters/P" }] } } }),
        json!({
            "requestBodies": { "N": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Node" } } } } },
            "parameters": { "P": { "name": "p", "in": "query", "schema": { "$ref": "#/components/schemas/Kind" } } },
            "schemas": {
                "Node": { "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Node" }, "kind": { "$ref": "#/components/schemas/Kind" }, "example": { "type": "string" } }, "example": { "next": null } },
                "Kind": { "type": "string", "enum": ["a"], "nullable": true }
            }
        }),
    ));
    let schema = &catalogue.tools[0].input_schema;
    assert_eq!(schema["properties"]["body"]["$ref"], "#/$defs/Node");
    assert_eq!(schema["$defs"]["Node"]["properties"]["next"]["$ref"], "#/$defs/Node");
    assert_eq!(schema["$defs"]["Kind"], json!({ "type": ["string", "null"], "enum": ["a", null] }));
    assert!(schema["$defs"]["Node"]["properties"].get("example").is_some(), "a property may be called example");
    assert!(schema["$defs"]["Node"].get("example").is_none());
}

#[test]
fn a_reference_out_of_the_document_spoils_its_operation_only() {
    let (catalogue, _) = tools(&document(
        "3.0.0",
        json!({
            "/good": { "get": { "operationId": "good" } },
            "/net": { "post": { "operationId": "net", "requestBody": { "content": { "application/json": { "schema": { "$ref": "http://169.254.169.254/x" } } } } } },
            "/file": { "get": { "operationId": "file", "parameters": [{ "$ref": "file:///etc/passwd" }] } },
            "/loop": { "get": { "operationId": "loop", "parameters": [{ "$ref": "#/components/parameters/A" }] } },
            "/gone": { "get": { "operationId": "gone", "parameters": [{ "$ref": "#/components/parameters/Z" }] } },
            "/open{": { "get": { "operationId": "open" } },
            "/style/{a}": { "get": { "operationId": "style", "parameters": [{ "name": "a", "in": "path", "style": "matrix" }] } },
            "/item": { "$ref": "other.json" }
        }),
        json!({ "parameters": { "A": { "$ref": "#/components/parameters/B" }, "B": { "$ref": "#/components/parameters/A" } } }),
    ));
    assert_eq!(catalogue.tools.len(), 1);
    let mut names: Vec<_> = catalogue.rejected.iter().map(|rejected| rejected.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["/item", "file", "gone", "loop", "net", "open", "style"]);
    assert!(catalogue.rejected.iter().all(|rejected| !rejected.reason.is_empty()));
}

#[test]
fn the_older_schemas_become_json_schema() {
    let (catalogue, _) = tools(&document(
        "3.0.1",
        json!({ "/a": { "get": { "operationId": "a", "parameters": [
            { "name": "n", "in": "query", "schema": { "type": "integer", "minimum": 1, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false, "example": 3 } },
            { "name": "n", "in": "header", "schema": { "type": "string" } },
            { "name": "Authorization", "in": "header", "schema": { "type": "string" } }
        ] } } }),
        json!({}),
    ));
    let properties = &catalogue.tools[0].input_schema["properties"];
    assert_eq!(properties["n"], json!({ "type": "integer", "exclusiveMinimum": 1, "maximum": 9 }));
    assert_eq!(properties["n_header"], json!({ "type": "string" }), "two of a name are told apart");
    assert_eq!(properties.as_object().unwrap().len(), 2, "credentials are no argument");
}

#[test]
fn what_is_no_openapi_3_document_is_said_to_be_what_it_is() {
    for (body, part) in [
        (json!({ "swagger": "2.0", "paths": {} }), "Swagger 2.0"),
        (json!({ "openapi": "4.0.0", "paths": {} }), "4.0.0"),
        (json!({ "hello": 1 }), "no OpenAPI document"),
        (json!([]), "no OpenAPI document"),
        (json!({ "openapi": "3.1.0" }), "no paths"),
    ] {
        let fault = Document::read(&body).unwrap_err();
        assert!(matches!(&fault, ServerFault::ProtocolViolation { rule } if rule.contains(part)), "{body} gave {fault:?}");
    }
}

#[test]
fn a_document_of_any_size_has_limits() {
    let paths: JsonMap = (0..3_000).map(|nth| (format!("/p{nth}"), json!({ "get": {} }))).collect();
    let (catalogue, _) = tools(&document("3.0.0", Json::Object(paths), json!({})));
    assert!(catalogue.tools.len() <= 512 && catalogue.partial.is_some());
    let deep = (0..200).fold(json!({}), |inner, _| json!({ "items": inner }));
    let body = json!({ "post": { "operationId": "deep", "requestBody": { "content": { "application/json": { "schema": deep } } } } });
    assert_eq!(tools(&document("3.0.0", json!({ "/d": body }), json!({}))).0.rejected.len(), 1);
}
