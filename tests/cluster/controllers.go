package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	manager "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"
)

// The controllers that the agent meets in every cluster: objects go with their owners, namespaces end, quotas are
// counted, ServiceAccounts named "default" are made, and roles are aggregated. The others need nodes and pods.
var controllers = []string{
	names.GarbageCollectorController,
	names.NamespaceController,
	names.ResourceQuotaController,
	names.ServiceAccountController,
	names.ClusterRoleAggregationController,
}

// runControllers runs the real controller manager until the context ends. Not by its command, which wants the
// process's signals for itself, as the API server's does.
func runControllers(ctx context.Context, kubeconfig string) error {
	settings, err := manager.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	all, off, aliases := app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()
	flags := pflag.NewFlagSet("controllers", pflag.ContinueOnError)
	for _, part := range settings.Flags(all, off, aliases).FlagSets {
		flags.AddFlagSet(part)
	}
	err = flags.Parse([]string{
		"--kubeconfig=" + kubeconfig,
		"--controllers=" + strings.Join(controllers, ","),
		"--leader-elect=false",
		"--secure-port=0", // serves nothing itself
		// No limit that a test would have to wait for.
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--namespace-sync-period=10s",
		"--resource-quota-sync-period=10s",
		"--concurrent-gc-syncs=4",
	})
	if err != nil {
		return err
	}
	config, err := settings.Config(ctx, all, off, aliases)
	if err != nil {
		return fmt.Errorf("the controller manager's configuration: %w", err)
	}
	return app.Run(ctx, config.Complete())
}
