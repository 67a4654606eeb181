{{/* What is unsafe in these values, a line each. NOTES.txt shows them. */}}
{{- define "mizzen-model.warnings" -}}
{{- $v := .Values -}}
{{- $fixed := not $v.autoscaling.enabled -}}
{{- if and $fixed (eq (int $v.replicas) 0) }}
replicas is 0: nobody answers{{ if $v.candidate.weight }} but the candidate{{ end }}. Next: --set replicas=2
{{- end }}
{{- if or (and $fixed (eq (int $v.replicas) 1)) (and (not $fixed) (eq (int $v.autoscaling.minReplicas) 1)) }}
One replica: while its node is emptied or it is killed, nobody answers. Next: --set {{ ternary "replicas=2" "autoscaling.minReplicas=2" $fixed }}
{{- end }}
{{- if not (and $v.resources.limits $v.resources.limits.memory) }}
resources.limits.memory is not set: a leak would take the node's memory from others. Next: --set resources.limits.memory=1Gi
{{- end }}
{{- if not $v.log.ship.to }}
The prediction log is not shipped: {{ ternary "it is gone with the pod" "its volume is deleted with the pod" (eq $v.log.volume.kind "emptyDir") }}, and drift is not watched. Next: --set log.ship.to=s3://BUCKET/predictions --set s3.secret=NAME
{{- else if not (or $v.s3.secret $v.serviceAccount.annotations) }}
log.ship.to is set and s3.secret is not: the log is not shipped unless the nodes themselves may write to the bucket. Next: --set s3.secret=NAME
{{- end }}
{{- if and $v.route.enabled (not $v.server.door.secret) }}
server.door.secret is empty: everybody who reaches the gateway may ask the service. Next: --set server.door.secret=NAME, an existing Secret with a key for each caller
{{- end }}
{{- if not $v.network.enabled }}
network.enabled is false: every pod of the cluster may ask the service. Next: --set network.enabled=true
{{- else if and $v.s3.secret (not $v.network.s3) }}
network.s3 is empty: the policy lets nothing through to the object store. Next: name it there
{{- else if and (eq $v.features.store "postgres") (not $v.network.features) }}
network.features is empty: the policy lets nothing through to the features' database. Next: name it there
{{- end }}
{{- if and $v.route.enabled $v.route.envoy.enabled (ge (int64 $v.route.envoy.trySeconds) (int64 $v.route.timeoutSeconds)) }}
route.envoy.trySeconds ({{ int64 $v.route.envoy.trySeconds }}) is not less than route.timeoutSeconds ({{ int64 $v.route.timeoutSeconds }}): a request to a pod whose machine is gone has no time for another one. Next: --set route.timeoutSeconds={{ mul 3 (int64 $v.route.envoy.trySeconds) }}
{{- end }}
{{- with $v.candidate }}
{{- if eq (int .weight) 100 }}
candidate.weight is 100: while the candidate is not ready, nobody answers in its place. Next: make it the version that answers: --set model.version={{ int64 .version }} --set candidate.version=null --set candidate.weight=0
{{- end }}
{{- if and .version .mirror }}
{{- $all := eq (int .mirrorPercent) 100 }}
{{- if and $fixed $all (lt (int .replicas) (int $v.replicas)) }}
The candidate gets a copy of every request and has {{ int .replicas }} of the stable version's {{ int $v.replicas }} replicas: copies will be lost, and its figures look worse than it is. Next: --set candidate.replicas={{ int $v.replicas }}, or a smaller candidate.mirrorPercent
{{- end }}
{{- with .resources }}
{{- $less := list }}
{{- range $name := list "cpu" "memory" }}
{{- $mine := include "mizzen-model.amount" (get $.Values.candidate.resources.requests $name) | float64 }}
{{- $stables := include "mizzen-model.amount" (get $v.resources.requests $name) | float64 }}
{{- if lt $mine $stables }}{{ $less = append $less $name }}{{ end }}
{{- end }}
{{- if and $all $less }}
The candidate gets a copy of every request and has less {{ join " and " $less }} than the stable version: copies will be lost, and its figures look worse than it is. Next: --set candidate.resources=null
{{- end }}
{{- end }}
{{- end }}
{{- if and .version (eq (int64 .version) (int64 $v.model.version)) }}
The candidate is the version that answers already ({{ int64 .version }}). Next: --set candidate.version=NUMBER
{{- end }}
{{- end }}
{{- end -}}

{{/* An amount such as 250m or 1Gi as a number, to compare two of them. */}}
{{- define "mizzen-model.amount" -}}
{{- $units := dict "m" 0.001 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- $text := toString . -}}
{{- $number := regexFind "^[0-9.]+" $text -}}
{{- mulf (float64 $number) (get $units (trimPrefix $number $text) | default 1.0) -}}
{{- end -}}
