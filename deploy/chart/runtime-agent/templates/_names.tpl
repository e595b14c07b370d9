{{/* By which the pods are selected: never to be changed, as a Deployment's selector cannot be. */}}
{{- define "runtime-agent.selector" -}}
app.kubernetes.io/name: runtime-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "runtime-agent.labels" -}}
{{ include "runtime-agent.selector" . }}
{{- end }}

{{/* Of cluster-scoped objects: two releases of one name in two namespaces must not meet. */}}
{{- define "runtime-agent.cluster-name" -}}
{{ .Release.Namespace }}-{{ .Release.Name }}
{{- end }}

{{/* Namespace and name of "namespace/name"; of a bare name the namespace is "default", as the agent reads it. */}}
{{- define "runtime-agent.namespace-of" -}}
{{- if contains "/" . }}{{ splitList "/" . | first }}{{ else }}default{{ end }}
{{- end }}
{{- define "runtime-agent.name-of" -}}
{{- splitList "/" . | last }}
{{- end }}

{{/* A PriorityClass' value cannot be changed: another value is another class. */}}
{{- define "runtime-agent.priority-class" -}}
{{ include "runtime-agent.cluster-name" . }}-{{ int64 .Values.priorityClass.value }}
{{- end }}

{{- define "runtime-agent.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* "true" where objects of that kind ("ServiceMonitor") are wanted and known to the cluster. */}}
{{- define "runtime-agent.monitored-by" -}}
{{- $enabled := toString .root.Values.monitoring.enabled -}}
{{- if eq $enabled "auto" -}}
{{- .root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" .kind) -}}
{{- else -}}
{{- $enabled -}}
{{- end }}
{{- end }}
