{{/* What a release needs and nothing else. Objects are made and changed by
server-side apply, which is create and patch. */}}
{{- define "serin.rules" -}}
# Patched only to put the finalizer of revertOnDeletion on them and to take it off.
- apiGroups: [flagger.app]
  resources: [canaries]
  verbs: [get, list, watch, patch]
- apiGroups: [flagger.app]
  resources: [canaries/status]
  verbs: [patch]
# Objects name their Canary as owner and block its deletion; some clusters ask
# for this right then.
- apiGroups: [flagger.app]
  resources: [canaries/finalizers]
  verbs: [update]
- apiGroups: [flagger.app]
  resources: [metrictemplates]
  verbs: [get, list, watch]
- apiGroups: [apps]
  resources: [deployments, daemonsets, statefulsets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch, create, patch]
- apiGroups: [gateway.networking.k8s.io]
  resources: [httproutes, grpcroutes, tcproutes, tlsroutes]
  verbs: [get, list, watch, create, patch]
- apiGroups: [networking.istio.io]
  resources: [virtualservices, destinationrules]
  verbs: [get, list, watch, create, patch]
- apiGroups: [projectcontour.io]
  resources: [httpproxies]
  verbs: [get, list, watch, create, patch]
- apiGroups: [split.smi-spec.io]
  resources: [trafficsplits]
  verbs: [get, list, watch, create, patch]
- apiGroups: [traefik.io]
  resources: [traefikservices]
  verbs: [get, list, watch, create, patch]
- apiGroups: [serving.knative.dev]
  resources: [services]
  verbs: [get, list, watch, patch]
- apiGroups: [serving.knative.dev]
  resources: [revisions]
  verbs: [get, list, watch]
- apiGroups: [appmesh.k8s.aws]
  resources: [virtualnodes, virtualrouters, virtualservices]
  verbs: [get, list, watch, create, patch]
- apiGroups: [gateway.solo.io]
  resources: [routetables]
  verbs: [get, list, watch, create, patch]
# Generated ones, and those named by spec.upstreamRef, which are only read.
- apiGroups: [gloo.solo.io]
  resources: [upstreams]
  verbs: [get, list, watch, create, patch]
{{- if not .Values.namespace }}
{{ include "serin.clusterRules" . }}
# What the gateway of a Canary can do is asked if requests are to be copied. Without
# the right it is not asked, and nothing is refused.
- apiGroups: [gateway.networking.k8s.io]
  resources: [gateways, gatewayclasses]
  verbs: [get, list, watch]
{{- end }}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch, create, patch]
- apiGroups: [apisix.apache.org]
  resources: [apisixroutes]
  verbs: [get, list, watch, create, patch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [get, list, watch, create, patch]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [get, list, watch, create, patch]
{{- if .Values.configTracking.enabled }}
# Configuration of workloads: metadata is watched, content is read when it changed,
# and primaries have copies that are deleted when no pod uses them any more.
# Secrets are also read one at a time as credentials named by a MetricTemplate.
- apiGroups: [""]
  resources: [configmaps, secrets]
  verbs: [get, list, watch, create, patch, delete]
{{- else }}
# Credentials named by a MetricTemplate, one at a time.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
# Those of a side that is not ready, for the cause, and without a mesh those that
# stand behind a Service during a weighted release, to mark them.
- apiGroups: [""]
  resources: [pods]
  verbs: [list, patch]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* Kinds of the cluster, which a Role cannot speak of. */}}
{{- define "serin.clusterRules" -}}
- apiGroups: [kuma.io]
  resources: [trafficroutes]
  verbs: [get, list, watch, create, patch]
{{- end -}}
