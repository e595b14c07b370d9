package main

import (
	"fmt"

	_ "go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	_ "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	_ "k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

func main() { fmt.Println(cli.Run(app.NewAPIServerCommand())) }
