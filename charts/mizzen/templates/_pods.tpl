{{/* What every pod and container of this chart has in common: it runs as nobody, writes nowhere
but to /tmp, and holds no token of the API server. */}}

{{/* root, component, user (a number, where it is not ours) */}}
{{- define "mizzen.pod" -}}
serviceAccountName: {{ .account | default .root.Release.Name }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user | default 65532 | int64 }}
  runAsGroup: {{ .user | default 65532 | int64 }}
  fsGroup: {{ .user | default 65532 | int64 }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .root.Values.placement.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.placement.tolerations }}
tolerations:
  {{- range . }}
  - {{ pick . "key" "operator" "value" "effect" | toJson }}
  {{- end }}
{{- end }}
{{- with .root.Values.placement.priorityClass }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* root, image, resources */}}
{{- define "mizzen.container" -}}
image: {{ include "mizzen.image" . }}
imagePullPolicy: {{ .image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
resources: {{- include "mizzen.resources" .resources | nindent 2 }}
{{- end }}

{{- define "mizzen.resources" -}}
requests: {{- toYaml .requests | nindent 2 }}
{{- if or .limits.cpu .limits.memory }}
limits:
  {{- with .limits.cpu }}
  cpu: {{ . }}
  {{- end }}
  {{- with .limits.memory }}
  memory: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "mizzen.tmp" -}}
- name: tmp
  emptyDir: {sizeLimit: {{ . | default "1Gi" }}}
{{- end }}

{{- define "mizzen.mountTmp" -}}
- {name: tmp, mountPath: /tmp}
{{- end }}
