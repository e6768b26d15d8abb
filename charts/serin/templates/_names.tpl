{{/* The value of app.kubernetes.io/name. People select pods by it, so it stays. */}}
{{- define "serin.name" -}}
{{- default "flagger" .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The name of all objects. */}}
{{- define "serin.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if or (contains (include "serin.name" .) .Release.Name) (contains .Chart.Name .Release.Name) -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "serin.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "serin.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "serin.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{/* What never changes: a Deployment's selector is immutable. */}}
{{- define "serin.selector" -}}
app.kubernetes.io/name: {{ include "serin.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "serin.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "serin.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{/* Values that the flagger chart has and this one does not, each with a way on. */}}
{{- define "serin.refuse" -}}
{{- with .Values.prometheus -}}
{{- if .install -}}
{{- fail "prometheus.install: this chart brings no Prometheus; install one and set metricsServer to its URL" -}}
{{- end -}}
{{- end -}}
{{- with .Values.linkerdAuthPolicy -}}
{{- if .create -}}
{{- fail "linkerdAuthPolicy.create: the provider linkerd is not offered yet; remove the value" -}}
{{- end -}}
{{- end -}}
{{- if or .Values.slack.url .Values.msteams.url -}}
{{- fail "slack.url and msteams.url: this version of Serin sends no chat messages; remove the value" -}}
{{- end -}}
{{- if .Values.controlplane.kubeconfig.secretName -}}
{{- fail "controlplane.kubeconfig.secretName: this version of Serin routes in its own cluster only; remove the value" -}}
{{- end -}}
{{- if .Values.rbac.pspEnabled -}}
{{- fail "rbac.pspEnabled: Kubernetes has no PodSecurityPolicy since 1.25; remove the value, the pod satisfies the restricted Pod Security Standard" -}}
{{- end -}}
{{- with .Values.crd -}}
{{- if .create -}}
{{- fail "crd.create: Helm installs the CRDs of this chart by itself; to renew them, kubectl apply --server-side -f charts/serin/crds; remove the value" -}}
{{- end -}}
{{- end -}}
{{- end -}}
