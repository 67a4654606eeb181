{{/* What a schema cannot say: values that contradict one another. Rendered for its errors only. */}}
{{- define "mizzen-model.checks" -}}
{{- $name := include "mizzen-model.name" . -}}
{{- if not (regexMatch "^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$" $name) -}}
{{- fail (printf "\nmodel.name: the release is called %q, which no model can be\n  allowed: lower-case letters, digits and hyphens, a letter first, up to 40\n  next: --set model.name=NAME" $name) -}}
{{- end -}}
{{- with .Values.candidate -}}
{{- if not .version -}}
{{- if gt (int .weight) 0 -}}
{{- fail (printf "\ncandidate.weight: %d %% of the requests would go to a candidate that does not exist\n  next: --set candidate.version=NUMBER, or --set candidate.weight=0" (int .weight)) -}}
{{- end -}}
{{- if .mirror -}}
{{- fail "\ncandidate.mirror: requests would be copied to a candidate that does not exist\n  next: --set candidate.version=NUMBER, or --set candidate.mirror=false" -}}
{{- end -}}
{{- else if and (gt (int .weight) 0) (eq (int .replicas) 0) (not $.Values.autoscaling.enabled) -}}
{{- fail (printf "\ncandidate.replicas: nobody would answer the %d %% of candidate.weight\n  next: --set candidate.replicas=1, or --set candidate.weight=0" (int .weight)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) -}}
{{- fail (printf "\nautoscaling.minReplicas: %d is more than autoscaling.maxReplicas\n  allowed: at most %d" (int .minReplicas) (int .maxReplicas)) -}}
{{- end -}}
{{- end -}}
{{- with .Values.features -}}
{{- if and (eq .store "postgres") (not .secret) -}}
{{- fail "\nfeatures.secret: features.store is postgres, and nothing says how to reach it\n  next: --set features.secret=NAME, an existing Secret with PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE" -}}
{{- end -}}
{{- end -}}
{{- with .Values.route -}}
{{- if and (gt (int64 .envoy.rateLimit.requests) 0) (not (and .enabled .envoy.enabled)) -}}
{{- fail (printf "\nroute.envoy.rateLimit.requests: no gateway would hold anybody to %d, because %s is false\n  next: --set %s=true, or --set route.envoy.rateLimit.requests=0 and a limit of the gateway that carries the route" (int64 .envoy.rateLimit.requests) (.enabled | ternary "route.envoy.enabled" "route.enabled") (.enabled | ternary "route.envoy.enabled" "route.enabled")) -}}
{{- end -}}
{{- end -}}
{{- end -}}
