{{/* Names, labels and images: what every object of this chart begins with. */}}

{{- define "mizzen.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{ include "mizzen.selector" . }}
{{- end }}

{{/* What a component's pods are found by. */}}
{{- define "mizzen.selector" -}}
app.kubernetes.io/name: mizzen
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: mizzen
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "mizzen.metadata" -}}
name: {{ .root.Release.Name }}-{{ .name | default .component }}
namespace: {{ .root.Release.Namespace }}
labels: {{- include "mizzen.labels" . | nindent 2 }}
{{- with .labels }}
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "mizzen.image" -}}
{{- $image := .image -}}
{{- with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* where the runbooks are, for a person: as given, else the control API by its best known address */}}
{{- define "mizzen.runbooks" -}}
{{- $gateway := .Values.gateway -}}
{{- $given := .Values.monitoring.rules.runbookUrl | trimSuffix "/" -}}
{{- if $given -}}
{{ $given }}
{{- else if and $gateway.enabled $gateway.api.enabled $gateway.hostname -}}
{{ ternary "https" "http" (not (empty $gateway.tlsSecret)) }}://{{ $gateway.hostname }}/api/v1/runbooks
{{- else -}}
{{ ternary "https" "http" (not (empty .Values.api.tls.secret)) }}://{{ .Release.Name }}-api.{{ .Release.Namespace }}:8080/api/v1/runbooks
{{- end -}}
{{- end }}
