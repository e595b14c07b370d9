{{/* What the agent's pod and the pod of "helm test" have in common. */}}

{{- define "runtime-agent.env" -}}
env:
  {{- if .Values.configuration.secret }}
  - name: APP_AGENT_CONFIGURATION_SECRET
    value: {{ .Values.configuration.secret | quote }}
  {{- else }}
  - name: APP_CONNECTION_CONFIG_MAP
    value: {{ .Values.configuration.configMap | quote }}
  {{- end }}
  - name: APP_CLUSTER_CERTIFICATES_SECRET
    value: {{ .Values.certificatesSecret | quote }}
  - name: APP_CA_CERTIFICATES_SECRET
    value: {{ .Values.caCertificatesSecret | quote }}
  - name: APP_INTEGRATION_NAMESPACE
    value: {{ .Values.integrationNamespace | quote }}
  {{- range $name, $value := .Values.env }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "runtime-agent.volume-mounts" -}}
volumeMounts:
  - name: temporary
    mountPath: /tmp
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "runtime-agent.volumes" -}}
volumes:
  # For the trace ring: it survives a restart of the container and is read after it.
  - name: temporary
    emptyDir: {sizeLimit: 256Mi}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* Where the pod may run, and with what it pulls its image. */}}
{{- define "runtime-agent.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
