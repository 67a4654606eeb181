{{/* The pods of one version. Called with root and track. */}}
{{- define "mizzen-model.pod" -}}
{{- $root := .root -}}
{{- $values := .root.Values -}}
{{- $track := .track -}}
{{- $name := include "mizzen-model.name" $root -}}
{{- $image := include "mizzen-model.image" $root -}}
{{- $log := $values.log -}}
metadata:
  labels:
    {{- with $values.podLabels }}{{ toYaml . | nindent 4 }}{{ end }}
    {{- include "mizzen-model.labels" $root | nindent 4 }}
    mizzen.dev/track: {{ $track.name }}
    mizzen.dev/version: {{ int64 $track.version | quote }}
  annotations:
    kubectl.kubernetes.io/default-container: serving
    {{- with $values.podAnnotations }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  serviceAccountName: {{ $name }}-serving
  automountServiceAccountToken: false
  enableServiceLinks: false
  # the drain, the answers that are still under way (30 s at most), then the rest of the log
  terminationGracePeriodSeconds: {{ add $values.server.drainSeconds 30 (ternary $log.ship.lastSeconds 0 (ne $log.ship.to "")) }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  {{- with $values.imagePullSecrets }}
  imagePullSecrets:
    {{- range . }}
    - name: {{ . }}
    {{- end }}
  {{- end }}
  {{- with $values.placement.nodeSelector }}
  nodeSelector: {{ toJson . }}
  {{- end }}
  {{- with $values.placement.tolerations }}
  tolerations:
    {{- range . }}
    - {{ pick . "key" "operator" "value" "effect" | toJson }}
    {{- end }}
  {{- end }}
  {{- with $values.placement.priorityClass }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $values.spread.across }}
  topologySpreadConstraints:
    {{- range . }}
    - topologyKey: {{ . }}
      maxSkew: 1
      whenUnsatisfiable: {{ $values.spread.whenImpossible }}
      labelSelector:
        matchLabels:
          {{- include "mizzen-model.selector" $root | nindent 10 }}
          mizzen.dev/track: {{ $track.name }}
      # the pods of an update are spread by themselves, not around those that go
      matchLabelKeys: [pod-template-hash]
    {{- end }}
  {{- end }}
  initContainers:
    - name: fetch
      image: {{ $image }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args: [mizzen_serving.fetch_model, --version, {{ int64 $track.version | quote }}, --into, /var/lib/package]
      # its last words are shown by `kubectl describe pod`
      terminationMessagePolicy: FallbackToLogsOnError
      env:
        {{- include "mizzen-model.env" (dict "root" $root "s3" (eq $values.tracking.artifacts "s3")) | nindent 8 }}
      resources:
        {{- include "mizzen-model.resources" $values.fetch.resources | nindent 8 }}
      securityContext:
        {{- include "mizzen-model.confined" $root | nindent 8 }}
      volumeMounts:
        - {name: package, mountPath: /var/lib/package}
        - {name: tmp, mountPath: /tmp}
    {{- if $log.ship.to }}
    # a sidecar: it starts before the service and is told to go after it, when the log is whole
    - name: ship
      restartPolicy: Always
      image: {{ $image }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        - mizzen_serving.log_shipper
        - --log=/var/lib/mizzen/predictions/{{ $name }}
        - --to={{ $log.ship.to }}
        - --project={{ $name }}
        - --version={{ int64 $track.version }}
        - --every={{ int64 $log.ship.everySeconds }}
        - --keep-mb={{ int64 $log.ship.keepMegabytes }}
        - --metrics-port=9464
      ports:
        - {name: ship, containerPort: 9464}
      terminationMessagePolicy: FallbackToLogsOnError
      env:
        {{- include "mizzen-model.env" (dict "root" $root "s3" true) | nindent 8 }}
      resources:
        {{- include "mizzen-model.resources" $log.ship.resources | nindent 8 }}
      securityContext:
        {{- include "mizzen-model.confined" $root | nindent 8 }}
      volumeMounts:
        - {name: log, mountPath: /var/lib/mizzen}
        - {name: tmp, mountPath: /tmp}
    {{- end }}
  containers:
    - name: serving
      image: {{ $image }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      args:
        - mizzen_serving
        - --bento=/usr/share/mizzen/bento
        - --package=/var/lib/package/package
        - --version={{ int64 $track.version }}
        - --host=0.0.0.0
        - --port=3000
        {{- with $values.server }}
        - --workers={{ int64 .workers }}
        - --threads={{ int64 .threads }}
        - --queue={{ int64 .queue }}
        - --drain={{ int64 .drainSeconds }}
        {{- with .door }}
        {{- if .secret }}
        - --tokens=/var/lib/callers
        {{- end }}
        {{- if .rate }}
        - --rate={{ int64 .rate }}
        {{- end }}
        {{- if .burst }}
        - --burst={{ int64 .burst }}
        {{- end }}
        {{- end }}
        {{- end }}
      ports:
        - {name: http, containerPort: 3000}
      terminationMessagePolicy: FallbackToLogsOnError
      env:
        {{- include "mizzen-model.env" (dict "root" $root "features" true) | nindent 8 }}
        - name: MIZZEN_LIMITS
          value: {{ include "mizzen-model.limits" $values.server.limits | quote }}
      # it listens once the model is loaded and has predicted
      startupProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 1
        failureThreshold: {{ int64 $values.server.startSeconds }}
      readinessProbe:
        httpGet: {path: /readyz, port: http}
        periodSeconds: 5
        timeoutSeconds: 2
        failureThreshold: 2
      livenessProbe:
        httpGet: {path: /healthz, port: http}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      resources:
        {{- include "mizzen-model.resources" $track.resources | nindent 8 }}
      securityContext:
        {{- include "mizzen-model.confined" $root | nindent 8 }}
      volumeMounts:
        - {name: package, mountPath: /var/lib/package, readOnly: true}
        - {name: log, mountPath: /var/lib/mizzen}
        - {name: tmp, mountPath: /tmp}
        {{- if $values.server.door.secret }}
        - {name: callers, mountPath: /var/lib/callers, readOnly: true}
        {{- end }}
  volumes:
    {{- with $values.server.door.secret }}
    - name: callers
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    - name: package
      {{- include "mizzen-model.volume" $values.fetch.volume | nindent 6 }}
    - name: log
      {{- include "mizzen-model.volume" $log.volume | nindent 6 }}
    - name: tmp
      emptyDir: {sizeLimit: 256Mi}
{{- end -}}

{{/* The place, and the credentials that a container needs and no others. Called with root, and
     s3 or features set. */}}
{{- define "mizzen-model.env" -}}
- name: MIZZEN_PLACE
  value: {{ include "mizzen-model.place" .root | quote }}
{{- $keys := list -}}
{{- $secret := "" -}}
{{- if .s3 -}}
{{- $secret = .root.Values.s3.secret -}}
{{- $keys = list "AWS_ACCESS_KEY_ID" "AWS_SECRET_ACCESS_KEY" "AWS_ENDPOINT_URL" "AWS_REGION" -}}
{{- else if and .features (eq .root.Values.features.store "postgres") -}}
{{- $secret = .root.Values.features.secret -}}
{{- $keys = list "PGHOST" "PGPORT" "PGUSER" "PGPASSWORD" "PGDATABASE" -}}
{{- end -}}
{{- if $secret }}
{{- range $keys }}
- name: {{ . }}
  valueFrom: {secretKeyRef: {name: {{ $secret }}, key: {{ . }}{{ if has . (list "AWS_ENDPOINT_URL" "AWS_REGION") }}, optional: true{{ end }}}}
{{- end }}
{{- end }}
{{- end -}}

{{/* A volume's source. Called with a Volume. */}}
{{- define "mizzen-model.volume" -}}
{{- if eq .kind "emptyDir" -}}
emptyDir: {sizeLimit: {{ .size }}}
{{- else -}}
ephemeral:
  volumeClaimTemplate:
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClass }}
      storageClassName: {{ . }}
      {{- end }}
      resources: {requests: {storage: {{ .size }}}}
{{- end -}}
{{- end -}}
