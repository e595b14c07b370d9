package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const pollInterval = 50 * time.Millisecond

// poll asks until the answer is nil; at the end of the context it gives the last reason why not.
func poll(ctx context.Context, ask func(context.Context) error) error {
	var last error
	err := wait.PollUntilContextCancel(ctx, pollInterval, true, func(ctx context.Context) (bool, error) {
		last = ask(ctx)
		return last == nil, nil
	})
	if err != nil && last != nil {
		return last
	}
	return err
}

func waitUntilReady(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return poll(ctx, func(ctx context.Context) error {
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

func createNamespaces(ctx context.Context, config *rest.Config, names []string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	for _, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		_, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("namespace %s: %w", name, err)
		}
	}
	// "default" is made by a controller of the server itself, a moment after /readyz is ok.
	return poll(ctx, func(ctx context.Context) error {
		_, err := client.CoreV1().Namespaces().Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// waitUntilControlled returns when the controllers have made their first object: they have read what there is by then.
func waitUntilControlled(ctx context.Context, config *rest.Config) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	return poll(ctx, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// installDefinitions returns when every definition is served: "Established" comes a moment before the
// first request is answered.
func installDefinitions(ctx context.Context, config *rest.Config, directory string) error {
	definitions, err := readDefinitions(directory)
	if err != nil {
		return err
	}
	definitionClient, err := apiextensions.NewForConfig(config)
	if err != nil {
		return err
	}
	objectClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	client := definitionClient.ApiextensionsV1().CustomResourceDefinitions()
	for _, definition := range definitions {
		_, err := client.Create(ctx, definition, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("definition %s: %w", definition.Name, err)
		}
	}
	for _, definition := range definitions {
		resource := schema.GroupVersionResource{
			Group:    definition.Spec.Group,
			Version:  definition.Spec.Versions[0].Name,
			Resource: definition.Spec.Names.Plural,
		}
		err := poll(ctx, func(ctx context.Context) error {
			_, err := objectClient.Resource(resource).List(ctx, metav1.ListOptions{Limit: 1})
			return err
		})
		if err != nil {
			return fmt.Errorf("definition %s: %w", definition.Name, err)
		}
	}
	return nil
}

func readDefinitions(directory string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	if directory == "" {
		return nil, nil
	}
	files, err := filepath.Glob(filepath.Join(directory, "*.yaml"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no *.yaml in %s", directory)
	}
	definitions := []*apiextensionsv1.CustomResourceDefinition{}
	for _, file := range files {
		reader, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer reader.Close()
		decoder := yaml.NewYAMLOrJSONDecoder(reader, 4096)
		for {
			definition := &apiextensionsv1.CustomResourceDefinition{}
			err := decoder.Decode(definition)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if definition.Kind != "CustomResourceDefinition" || len(definition.Spec.Versions) == 0 {
				return nil, fmt.Errorf("%s: only CustomResourceDefinitions belong here", file)
			}
			definitions = append(definitions, definition)
		}
	}
	return definitions, nil
}

// certificateKubeconfig names the second kubeconfig: the same administrator by client certificate, so
// that a client's support for both ways can be tested.
func certificateKubeconfig(o options) string { return o.kubeconfig + "-by-certificate" }

func writeKubeconfigs(o options, url string, keys keyFiles) error {
	ca, err := os.ReadFile(keys.ca)
	if err != nil {
		return err
	}
	certificate, err := os.ReadFile(keys.adminCertificate)
	if err != nil {
		return err
	}
	key, err := os.ReadFile(keys.adminKey)
	if err != nil {
		return err
	}
	users := map[string]*clientcmdapi.AuthInfo{
		o.kubeconfig:             {Token: keys.adminToken},
		certificateKubeconfig(o): {ClientCertificateData: certificate, ClientKeyData: key},
	}
	for file, user := range users {
		config := clientcmdapi.NewConfig()
		config.Clusters["tests"] = &clientcmdapi.Cluster{Server: url, CertificateAuthorityData: ca}
		config.AuthInfos["admin"] = user
		config.Contexts["tests"] = &clientcmdapi.Context{Cluster: "tests", AuthInfo: "admin"}
		config.CurrentContext = "tests"
		content, err := clientcmd.Write(*config)
		if err != nil {
			return err
		}
		if err := writeWhole(file, content); err != nil {
			return err
		}
	}
	return nil
}
