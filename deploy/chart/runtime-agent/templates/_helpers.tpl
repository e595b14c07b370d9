{{- define "runtime-agent.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* Of every object in a namespace. */}}
{{- define "runtime-agent.fullname" -}}
{{- $name := include "runtime-agent.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of cluster-scoped objects: releases with the same name in two namespaces must not share them. */}}
{{- define "runtime-agent.cluster-name" -}}
{{ .Release.Namespace }}-{{ include "runtime-agent.fullname" . }}
{{- end }}

{{- define "runtime-agent.service-account" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "runtime-agent.fullname" .) }}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{/* Selects the pods. A Deployment's selector cannot be changed, so this must not change either. */}}
{{- define "runtime-agent.selector" -}}
app.kubernetes.io/name: {{ include "runtime-agent.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Labels of the pods: without the chart's version, so that a release that only changes the chart restarts nothing. */}}
{{- define "runtime-agent.pod-labels" -}}
{{ include "runtime-agent.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: agent
app.kubernetes.io/part-of: compass
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Labels of every object. */}}
{{- define "runtime-agent.labels" -}}
{{ include "runtime-agent.pod-labels" . }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Namespace and name of "namespace/name". Of a bare name the namespace is "default", as the agent reads it. */}}
{{- define "runtime-agent.namespace-of" -}}
{{- if contains "/" . }}{{ splitList "/" . | first }}{{ else }}default{{ end }}
{{- end }}
{{- define "runtime-agent.name-of" -}}
{{- splitList "/" . | last }}
{{- end }}

{{/* The value of a PriorityClass cannot be changed: another value is another class. */}}
{{- define "runtime-agent.priority-class" -}}
{{ include "runtime-agent.cluster-name" . }}-{{ int64 .Values.priorityClass.value }}
{{- end }}

{{- define "runtime-agent.image" -}}
{{- with .Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ .Values.image.repository -}}
{{- if .Values.image.digest -}}
@{{ .Values.image.digest }}
{{- else -}}
:{{ .Values.image.tag | default .Chart.AppVersion }}
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
