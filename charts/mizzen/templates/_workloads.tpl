{{/* Objects that several components have. */}}

{{/* root, component, port */}}
{{- define "mizzen.service" -}}
apiVersion: v1
kind: Service
metadata: {{- include "mizzen.metadata" . | nindent 2 }}
spec:
  {{- if .headless }}
  clusterIP: None
  {{- end }}
  selector: {{- include "mizzen.selector" . | nindent 4 }}
  ports:
    - {name: {{ .portName | default "http" }}, port: {{ .port }}, targetPort: {{ .portName | default "http" }}}
{{- end }}

{{/* root, component, disruption */}}
{{- define "mizzen.disruption" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {{- include "mizzen.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ int64 .disruption.maxUnavailable }}
  # a pod that does not answer anyway must not keep its node from being emptied
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels: {{- include "mizzen.selector" . | nindent 6 }}
{{- end }}

{{/* A Deployment's own fields: one pod more before one less, so that somebody always answers.
root, component, replicas */}}
{{- define "mizzen.rollout" -}}
replicas: {{ int64 .replicas }}
revisionHistoryLimit: 3
strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}
selector:
  matchLabels: {{- include "mizzen.selector" . | nindent 4 }}
{{- end }}

{{- define "mizzen.drain" -}}
# requests still come until every proxy has heard that the pod is going
lifecycle: {preStop: {sleep: {seconds: 5}}}
{{- end }}
