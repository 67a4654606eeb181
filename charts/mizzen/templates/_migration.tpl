{{/* A Job that brings one schema of the database to what the image's code expects. With a
database outside of this release it is a hook: nothing else changes before it has ended well.
With the release's own PostgreSQL it runs beside it, under a name of its own per revision, since
a Job cannot be changed; what needs the schema waits.
root, of, image, resources, schema, arguments */}}
{{- define "mizzen.migration" -}}
{{- $own := .root.Values.postgres.enabled -}}
{{- $name := printf "%s-migration" .of -}}
apiVersion: batch/v1
kind: Job
metadata:
  {{- $suffix := ternary (printf "-%d" (.root.Release.Revision | int)) "" $own }}
  {{- include "mizzen.metadata" (dict "root" .root "component" "migration" "name" (print $name $suffix)) | nindent 2 }}
  {{- if not $own }}
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    # one that failed stays, for its log
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
  {{- end }}
spec:
  backoffLimit: 3
  activeDeadlineSeconds: 900
  template:
    metadata:
      labels: {{- include "mizzen.labels" (dict "root" .root "component" "migration") | nindent 8 }}
    spec:
      restartPolicy: Never
      {{- /* a hook runs before this release has an account */}}
      {{- include "mizzen.pod" (dict "root" .root "account" (ternary "" "default" $own)) | nindent 6 }}
      initContainers:
        - {{- include "mizzen.schemaContainer" . | nindent 10 }}
      containers:
        - name: upgrade
          {{- include "mizzen.container" . | nindent 10 }}
          args: {{- toYaml .arguments | nindent 12 }}
          env:
            {{- include "mizzen.processEnv" . | nindent 12 }}
            {{- include "mizzen.databaseEnv" . | nindent 12 }}
          volumeMounts: {{- include "mizzen.mountTmp" . | nindent 12 }}
      volumes: {{- include "mizzen.tmp" "" | nindent 8 }}
{{- end }}

{{/* Waits for the database, makes the schema; with `mark` waits until a migration made that table.
root, image, resources, schema, mark */}}
{{- define "mizzen.schemaContainer" -}}
name: schema
{{ include "mizzen.container" . }}
command:
  - python
  - -c
  - | {{- .root.Files.Get "files/schema.py" | nindent 4 }}
  - {{ .schema }}
{{- with .mark }}
  - {{ . }}
{{- end }}
env:
  {{- include "mizzen.processEnv" . | nindent 2 }}
  {{- include "mizzen.databaseEnv" . | nindent 2 }}
volumeMounts: {{- include "mizzen.mountTmp" . | nindent 2 }}
{{- end }}
