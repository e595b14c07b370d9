{{/* Labels of every object. */}}
{{- define "runtime-agent.labels" -}}
app.kubernetes.io/name: runtime-agent
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Namespace and name of "namespace/name"; of a bare name the namespace is "default", as the agent reads it. */}}
{{- define "runtime-agent.namespace-of" -}}
{{- if contains "/" . }}{{ splitList "/" . | first }}{{ else }}default{{ end }}
{{- end }}
{{- define "runtime-agent.name-of" -}}
{{- splitList "/" . | last }}
{{- end }}
