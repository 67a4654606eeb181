{{/* The model's name, which every object is called after. */}}
{{- define "mizzen-model.name" -}}
{{- default .Release.Name .Values.model.name -}}
{{- end -}}

{{/* Labels of every object. */}}
{{- define "mizzen-model.labels" -}}
app.kubernetes.io/name: mizzen-model
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: serving
app.kubernetes.io/part-of: mizzen
app.kubernetes.io/managed-by: {{ .Release.Service }}
mizzen.dev/model: {{ include "mizzen-model.name" . }}
{{- end -}}

{{/* What tells this model's serving pods from all others. Called with the root. */}}
{{- define "mizzen-model.selector" -}}
app.kubernetes.io/component: serving
mizzen.dev/model: {{ include "mizzen-model.name" . }}
{{- end -}}

{{/* The versions that run, as a JSON array: stable, and candidate when there is one. */}}
{{- define "mizzen-model.tracks" -}}
{{- $v := .Values -}}
{{- $tracks := list (dict "name" "stable" "version" $v.model.version "replicas" $v.replicas "resources" $v.resources) -}}
{{- with $v.candidate -}}
{{- if .version -}}
{{- $tracks = append $tracks (dict "name" "candidate" "version" .version "replicas" .replicas "resources" (default $v.resources .resources)) -}}
{{- end -}}
{{- end -}}
{{- toJson $tracks -}}
{{- end -}}

{{/* An image's reference. */}}
{{- define "mizzen-model.image" -}}
{{- with .Values.image -}}
{{- with .registry }}{{ . }}/{{ end }}{{ .repository }}
{{- if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The path in front of the service, without a slash at its end. */}}
{{- define "mizzen-model.prefix" -}}
{{- default (printf "/%s" (include "mizzen-model.name" .)) .Values.route.prefix | trimSuffix "/" | default "/" -}}
{{- end -}}

{{/* Where the code runs (mizzen.core.place): addresses, never credentials. */}}
{{- define "mizzen-model.place" -}}
{{- $profile := dict "apiVersion" "mizzen.dev/v1" "kind" "Profile" -}}
{{- $_ := set $profile "tracking" (dict "uri" .Values.tracking.uri) -}}
{{- $_ := set $profile "feature_store" (dict "kind" .Values.features.store) -}}
{{- dict "project" (include "mizzen-model.name" .) "home" "/var/lib/mizzen" "profile" $profile | toJson -}}
{{- end -}}

{{/* MIZZEN_LIMITS. Called with a ClientLimits. */}}
{{- define "mizzen-model.limits" -}}
{{- dict "connections" (int64 .connections) "connections_per_address" (int64 .connectionsPerAddress) "trusted_proxies" .trustedProxies "header_bytes" (int64 .headerBytes) "headers_seconds" (int64 .headersSeconds) "first_byte_seconds" (int64 .headersSeconds) "body_seconds" (int64 .bodySeconds) "idle_seconds" (int64 .idleSeconds) | toJson -}}
{{- end -}}

{{/* Resources of a container; a limit of null is none. */}}
{{- define "mizzen-model.resources" -}}
requests: {{ toJson .requests }}
{{- $limits := dict -}}
{{- range $name, $amount := .limits }}{{ if $amount }}{{ $_ := set $limits $name $amount }}{{ end }}{{ end }}
{{- with $limits }}
limits: {{ toJson . }}
{{- end }}
{{- end -}}

{{/* What the restricted level of Pod Security asks of a container, and a root that is read-only. */}}
{{- define "mizzen-model.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* One side of a connection, as a NetworkPolicy names it. Called with a Peer. */}}
{{- define "mizzen-model.peer" -}}
{{- if .cidr -}}
{{- dict "ipBlock" (dict "cidr" .cidr) | toJson -}}
{{- else -}}
{{- $peer := dict "podSelector" (dict) -}}
{{- with .podLabels }}{{ $_ := set $peer.podSelector "matchLabels" . }}{{ end -}}
{{- with .namespace }}{{ $_ := set $peer "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" .)) }}{{ end -}}
{{- toJson $peer -}}
{{- end -}}
{{- end -}}
