"""The service's own description, from the contract that it decodes by: /openapi.json, /docs."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from mizzen.spec.project import ProjectSpec
from mizzen_serving import outputs
from mizzen_serving.contract import ALLOWED, Contract
from mizzen_serving.field_names import meant
from mizzen_serving.labels import MAX_LABELS, LabelIn, LabelsAnswer, LabelsIn

Document = dict[str, Any]
_OUTPUTS = {
    "binary": outputs.BinaryOutput,
    "multiclass": outputs.MulticlassOutput,
    "regression": outputs.RegressionOutput,
}
_REFUSALS = {
    "400": "the body is not JSON",
    "401": "no bearer token, or none that counts, where the service asks for one",
    "403": "a token without the right to ask this",
    "413": "too many rows, or too large a body",
    "415": "not application/json, or an encoding that is neither gzip nor deflate",
    "422": "a field does not fit; the answer names it, what was given and what is allowed",
    "429": "more requests than a caller may send; see Retry-After",
    "500": "the model's output failed its check; the answer holds the prediction's id",
    "503": "overloaded, stopping, or the prediction log takes no records; see Retry-After",
}


def document(project: ProjectSpec, version: int, contract: Contract) -> Document:
    """The OpenAPI 3.1 document of a service."""
    row = contract.row_type()
    output = _OUTPUTS[project.task]
    labels = [LabelIn, LabelsIn, LabelsAnswer]
    types = [row, output, outputs.SingleAnswer, outputs.BatchAnswer, *labels]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for name in ("SingleAnswer", "Answer"):
        schemas[name]["properties"]["output"] = _ref(output.__name__)
    _describe_rows(schemas["Row"], contract)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": project.name,
            "version": str(version),
            "description": project.description,
        },
        "paths": _paths(contract),
        "components": {"schemas": schemas},
    }


def page(document: Document) -> str:
    """A page for people, without scripts and without other hosts."""
    row = document["components"]["schemas"]["Row"]
    fields = "".join(
        f"<tr><td><code>{escape(name)}</code></td><td>{escape(shown['description'])}</td>"
        f"<td>{'yes' if name in row.get('required', ()) else 'no'}</td></tr>"
        for name, shown in row["properties"].items()
    )
    paths = "".join(
        f"<li><code>{method.upper()} {path}</code> {escape(told['summary'])}</li>"
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    )
    title = f"{escape(document['info']['title'])} version {document['info']['version']}"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
        "<style>body{font:16px/1.5 system-ui;max-width:50em;margin:2em auto;padding:0 1em}"
        "td,th{text-align:left;padding:.1em 1em .1em 0}</style>"
        f"<h1>{title}</h1><p>{escape(document['info']['description'])}</p><ul>{paths}</ul>"
        "<h2>A row</h2><table><tr><th>Field<th>Allowed<th>Required</tr>"
        f"{fields}</table><p>All of it, for programs: <a href=openapi.json>openapi.json</a></p>"
    )


def _paths(contract: Contract) -> Document:
    rows = {"type": "array", "items": _ref("Row"), "minItems": 1, "maxItems": contract.max_batch}
    batch = {"type": "object", "properties": {"rows": rows}, "required": ["rows"]}
    predict = _operation(
        f"Predict one row, or up to {contract.max_batch} rows at once.",
        {"oneOf": [_ref("Row"), {**batch, "additionalProperties": False}, rows]},
        {"oneOf": [_ref("SingleAnswer"), _ref("BatchAnswer")]},
    )
    several = {"type": "array", "items": _ref("LabelIn"), "minItems": 1, "maxItems": MAX_LABELS}
    labels = _operation(
        "Keep what predictions turned out to be.",
        {"oneOf": [_ref("LabelIn"), _ref("LabelsIn"), several]},
        _ref("LabelsAnswer"),
    )
    told = {
        "/healthz": "Whether the process lives.",
        "/readyz": "Whether requests are answered: model loaded, warmed up, log writable.",
        "/metrics": "Figures for Prometheus.",
        "/openapi.json": "This description.",
        "/docs": "This description, for people.",
    }
    reads = {path: {"get": _read(summary)} for path, summary in told.items()}
    return {"/predict": {"post": predict}, "/labels": {"post": labels}, **reads}


def _operation(summary: str, body: Document, answer: Document) -> Document:
    refused = {code: {"description": why} for code, why in _REFUSALS.items()}
    return {
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "ok", "content": {"application/json": {"schema": answer}}},
            **refused,
        },
    }


def _read(summary: str) -> Document:
    return {"summary": summary, "responses": {"200": {"description": "ok"}}}


def _ref(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}


def _describe_rows(row: Document, contract: Contract) -> None:
    row["properties"] = {meant(name): shape for name, shape in row["properties"].items()}
    row["required"] = [meant(name) for name in row.get("required", ())]
    for field in contract.fields:
        row["properties"][field.name]["description"] = ALLOWED[field.role]
