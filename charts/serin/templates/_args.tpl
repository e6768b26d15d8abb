{{/* The flags are the reference's. Each is quoted: a URL may hold anything. */}}
{{- define "serin.args" -}}
- controller
- {{ printf "-log-level=%s" .Values.logLevel | quote }}
- {{ printf "-metrics-server=%s" .Values.metricsServer | quote }}
- {{ printf "-enable-config-tracking=%t" .Values.configTracking.enabled | quote }}
{{- if .Values.leaderElection.enabled }}
- "-enable-leader-election=true"
- {{ printf "-leader-election-namespace=%s" .Release.Namespace | quote }}
{{- end }}
{{- with .Values.meshProvider }}
- {{ printf "-mesh-provider=%s" . | quote }}
{{- end }}
{{- with .Values.namespace }}
- {{ printf "-namespace=%s" . | quote }}
{{- end }}
{{- with .Values.selectorLabels }}
- {{ printf "-selector-labels=%s" . | quote }}
{{- end }}
{{- with .Values.includeLabelPrefix }}
- {{ printf "-include-label-prefix=%s" . | quote }}
{{- end }}
{{- if .Values.noCrossNamespaceRefs }}
- "-no-cross-namespace-refs=true"
{{- end }}
{{- with .Values.ingressAnnotationsPrefix }}
- {{ printf "-ingress-annotations-prefix=%s" . | quote }}
{{- end }}
{{- with .Values.ingressClass }}
- {{ printf "-ingress-class=%s" . | quote }}
{{- end }}
{{- with .Values.threadiness }}
- {{ printf "-threadiness=%v" . | quote }}
{{- end }}
{{- with .Values.kubeconfigQPS }}
- {{ printf "-kubeconfig-qps=%v" . | quote }}
{{- end }}
{{- with .Values.kubeconfigBurst }}
- {{ printf "-kubeconfig-burst=%v" . | quote }}
{{- end }}
{{- with .Values.clusterName }}
- {{ printf "-cluster-name=%s" . | quote }}
{{- end }}
{{- with .Values.eventWebhook }}
- {{ printf "-event-webhook=%s" . | quote }}
{{- end }}
{{- include "serin.chat" . }}
{{- range .Values.extraArgs }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* slack.proxy is what the reference's documentation says, slack.proxyUrl what its chart read. */}}
{{- define "serin.chat" -}}
{{- with .Values.slack.user }}
- {{ printf "-slack-user=%s" . | quote }}
{{- end }}
{{- with .Values.slack.channel }}
- {{ printf "-slack-channel=%s" . | quote }}
{{- end }}
{{- with (default .Values.slack.proxy .Values.slack.proxyUrl) }}
- {{ printf "-slack-proxy-url=%s" . | quote }}
{{- end }}
{{- with (default (index .Values.msteams "proxy-url") .Values.msteams.proxyUrl) }}
- {{ printf "-msteams-proxy-url=%s" . | quote }}
{{- end }}
{{- end -}}
