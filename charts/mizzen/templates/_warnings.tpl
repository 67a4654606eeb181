{{/* What is unsafe or will not work with these values, one line each. */}}
{{- define "mizzen.warnings" -}}
{{- $values := .Values -}}
{{- $gateway := $values.gateway -}}
{{- $said := list -}}
{{- if and $gateway.enabled (not $gateway.tlsSecret) -}}
{{- $said = append $said "no TLS: tokens and predictions pass the gateway in plain text; set gateway.tlsSecret" -}}
{{- else if and $gateway.enabled (eq $gateway.http "serve") -}}
{{- $said = append $said "plain HTTP beside TLS: a client that forgets the s shows its token; set gateway.http=redirect" -}}
{{- end -}}
{{- if and $gateway.enabled $values.mlflow.enabled $gateway.mlflow.enabled -}}
{{- $said = append $said "MLflow is open to whoever reaches the gateway: it asks nobody who they are; set gateway.mlflow.enabled=false or put a login before it" -}}
{{- end -}}
{{- if has "*" $values.mlflow.allowedHosts -}}
{{- $said = append $said "MLflow answers to every name: a page in a browser can reach it by DNS rebinding; list names in mlflow.allowedHosts" -}}
{{- end -}}
{{- if $values.postgres.enabled -}}
{{- $said = append $said "PostgreSQL is one pod on one volume, without a backup; set postgres.enabled=false and give database.secret the address of another" -}}
{{- else if has $values.database.sslMode (list "disable" "allow" "prefer") -}}
{{- $said = append $said (printf "the connection to PostgreSQL may be unencrypted (sslmode %s); set database.sslMode=verify-full" $values.database.sslMode) -}}
{{- end -}}
{{- if hasPrefix "http://" $values.s3.endpoint -}}
{{- $said = append $said "S3 is asked without TLS: models and predictions pass in plain text; set s3.endpoint to an https address" -}}
{{- end -}}
{{- if and $values.api.enabled (lt ($values.api.replicas | int) 2) -}}
{{- $said = append $said "one pod of the control API: it does not answer while its node is emptied; set api.replicas=2" -}}
{{- else if and $values.api.enabled (not $values.api.disruption.enabled) -}}
{{- $said = append $said "all pods of the control API may be taken at once when nodes are emptied; set api.disruption.enabled=true" -}}
{{- end -}}
{{- if and $values.monitoring.rules.enabled (not $values.monitoring.rules.runbookUrl) (not $values.api.enabled) -}}
{{- $said = append $said "no control API answers with the runbooks of the alerts; set monitoring.rules.runbookUrl" -}}
{{- end -}}
{{- if not $values.network.enabled -}}
{{- $said = append $said "no NetworkPolicies: every pod of the cluster reaches MLflow and the database; set network.enabled=true" -}}
{{- else if and (not $values.postgres.enabled) (eq $values.network.database.cidr "0.0.0.0/0") -}}
{{- $said = append $said "pods may reach every address at the database's port; set network.database to where yours is" -}}
{{- end -}}
{{- if not $values.quota.enabled -}}
{{- $said = append $said "no ResourceQuota: this namespace may use up the cluster; set quota.enabled=true" -}}
{{- end -}}
{{- if and $values.projects (not (and $values.api.enabled $values.mlflow.enabled)) -}}
{{- $said = append $said "jobs of projects need the control API and MLflow, and one of them is off" -}}
{{- end -}}
{{- range $name, $keys := include "mizzen.secretsMissing" . | fromYaml -}}
{{- $said = append $said (printf "the Secret %s is missing: pods wait until it is there; kubectl create secret generic %s -n %s%s" $name $name $.Release.Namespace $keys) -}}
{{- end -}}
{{- range $said -}}
{{- printf "  - %s\n" . -}}
{{- end -}}
{{- end }}

{{/* Secrets that the pods ask for and that the cluster lacks: name -> the options that make it.
None when no cluster was asked, as in `helm template`: every namespace of a cluster has an account
called default, so its absence says so. */}}
{{- define "mizzen.secretsMissing" -}}
{{- $values := .Values -}}
{{- if lookup "v1" "ServiceAccount" .Release.Namespace "default" -}}
{{- $asked := dict -}}
{{- if or $values.api.enabled $values.mlflow.enabled $values.features.enabled $values.postgres.enabled -}}
{{- $where := ternary "" " --from-literal=PGHOST=... --from-literal=PGPORT=5432" $values.postgres.enabled -}}
{{- $_ := set $asked $values.database.secret (print " --from-literal=PGUSER=... --from-literal=PGPASSWORD=... --from-literal=PGDATABASE=..." $where) -}}
{{- end -}}
{{- if or $values.mlflow.enabled $values.projects -}}
{{- $_ := set $asked $values.s3.secret " --from-literal=AWS_ACCESS_KEY_ID=... --from-literal=AWS_SECRET_ACCESS_KEY=..." -}}
{{- end -}}
{{- if $values.api.enabled -}}
{{- $_ := set $asked $values.api.token.name (printf " --from-literal=%s=$(openssl rand -hex 32)" $values.api.token.key) -}}
{{- end -}}
{{- range $name, $options := $asked -}}
{{- if not (lookup "v1" "Secret" $.Release.Namespace $name) }}
{{ $name }}: {{ $options | quote }}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}
