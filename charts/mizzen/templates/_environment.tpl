{{/* Environments. Credentials come from Secrets that exist, by reference. */}}

{{/* libpq's variables; an address without host, user and password then means this database.
root, schema */}}
{{- define "mizzen.databaseEnv" -}}
{{- $secret := .root.Values.database.secret -}}
{{- $own := .root.Values.postgres.enabled -}}
{{- if $own }}
- {name: PGHOST, value: {{ .root.Release.Name }}-postgres}
- {name: PGPORT, value: "5432"}
{{- else }}
- {{ include "mizzen.fromSecret" (list "PGHOST" $secret "PGHOST") }}
- {{ include "mizzen.fromSecret" (list "PGPORT" $secret "PGPORT") }}
{{- end }}
- {{ include "mizzen.fromSecret" (list "PGUSER" $secret "PGUSER") }}
- {{ include "mizzen.fromSecret" (list "PGPASSWORD" $secret "PGPASSWORD") }}
- {{ include "mizzen.fromSecret" (list "PGDATABASE" $secret "PGDATABASE") }}
- {name: PGSSLMODE, value: {{ .root.Values.database.sslMode }}}
- {name: PGOPTIONS, value: "-c search_path={{ .schema }}"}
{{- end }}

{{/* Where Mizzen keeps Feast's tables: a name of the code's, not a choice. */}}
{{- define "mizzen.featuresSchema" -}}
mizzen_features
{{- end }}

{{- define "mizzen.s3Env" -}}
{{- $s3 := .Values.s3 -}}
- {{ include "mizzen.fromSecret" (list "AWS_ACCESS_KEY_ID" $s3.secret "AWS_ACCESS_KEY_ID") }}
- {{ include "mizzen.fromSecret" (list "AWS_SECRET_ACCESS_KEY" $s3.secret "AWS_SECRET_ACCESS_KEY") }}
{{- if $s3.endpoint }}
- {name: AWS_ENDPOINT_URL, value: {{ $s3.endpoint | quote }}}
{{- else }}
- {{ include "mizzen.perhapsFromSecret" (list "AWS_ENDPOINT_URL" $s3.secret "AWS_ENDPOINT_URL") }}
{{- end }}
{{- if $s3.region }}
- {name: AWS_REGION, value: {{ $s3.region | quote }}}
{{- else }}
- {{ include "mizzen.perhapsFromSecret" (list "AWS_REGION" $s3.secret "AWS_REGION") }}
{{- end }}
{{- end }}

{{- define "mizzen.tokenEnv" -}}
- {{ include "mizzen.fromSecret" (list "MIZZEN_API_TOKEN" .Values.api.token.name .Values.api.token.key) }}
{{- end }}

{{/* The variables of every Python process here: a home that can be written, and no reports of use. */}}
{{- define "mizzen.processEnv" -}}
- {name: HOME, value: /tmp}
- {name: DO_NOT_TRACK, value: "true"}
- {name: MLFLOW_DISABLE_TELEMETRY, value: "true"}
- {name: FEAST_USAGE, value: "False"}
{{- end }}

{{/* variable, secret, key */}}
{{- define "mizzen.fromSecret" -}}
{name: {{ index . 0 }}, valueFrom: {secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}}}}
{{- end }}

{{- define "mizzen.perhapsFromSecret" -}}
{name: {{ index . 0 }}, valueFrom: {secretKeyRef: {name: {{ index . 1 }}, key: {{ index . 2 }}, optional: true}}}
{{- end }}

{{/* MIZZEN_PLACE: where a process finds the platform. root, project */}}
{{- define "mizzen.place" -}}
{{- $root := .root -}}
{{- $values := $root.Values -}}
{{- $profile := dict "apiVersion" "mizzen.dev/v1" "kind" "Profile" "home" "/tmp/mizzen" -}}
{{- $_ := set $profile "data_store" (dict "url" (printf "s3://%s/%s" $values.s3.bucket $values.jobs.snapshots)) -}}
{{- $_ := set $profile "prediction_log" (dict "url" (printf "s3://%s/%s" $values.s3.bucket $values.jobs.predictions)) -}}
{{- if $values.mlflow.enabled -}}
{{- $_ := set $profile "tracking" (dict "uri" (printf "http://%s-mlflow:5000" $root.Release.Name)) -}}
{{- end -}}
{{- if $values.api.enabled -}}
{{- $tls := not (empty $values.api.tls.secret) -}}
{{- $control := dict "url" (printf "%s://%s-api:8080" (ternary "https" "http" $tls) $root.Release.Name) "token_env" "MIZZEN_API_TOKEN" -}}
{{- if $tls -}}{{- $_ := set $control "ca_file" "/authority/ca.crt" -}}{{- end -}}
{{- $_ := set $profile "control" $control -}}
{{- end -}}
{{- $_ := set $profile "feature_store" (dict "kind" "postgres" "sources" (printf "s3://%s/%s" $values.s3.bucket $values.jobs.features)) -}}
{{- with $values.jobs.pushgateway -}}
{{- $_ := set $profile "metrics" (dict "pushgateway" .) -}}
{{- end -}}
{{- dict "project" .project "home" "/tmp/mizzen" "profile" $profile | toJson -}}
{{- end }}

{{/* MIZZEN_LIMITS. Called with a ClientLimits. */}}
{{- define "mizzen.limits" -}}
{{- dict "connections" (int64 .connections) "connections_per_address" (int64 .connectionsPerAddress) "trusted_proxies" .trustedProxies "header_bytes" (int64 .headerBytes) "headers_seconds" (int64 .headersSeconds) "first_byte_seconds" (int64 .headersSeconds) "body_seconds" (int64 .bodySeconds) "idle_seconds" (int64 .idleSeconds) | toJson -}}
{{- end -}}
