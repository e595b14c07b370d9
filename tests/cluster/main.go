// kube-apiserver-for-tests runs a real Kubernetes API server, without a cluster.
//
// Embedded etcd, kube-apiserver and those controllers of the controller manager that need no nodes share
// this one process and listen on loopback only: no scheduler, no kubelet. What the Runtime Agent meets at
// the API is therefore the real thing - storage, validation, pruning, RBAC, watches, tokens, garbage
// collection, namespaces that end, quotas - in a few seconds.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const usage = `Runs etcd, a real kube-apiserver with RBAC, and controllers, in this process, on 127.0.0.1.

When the server is ready, the custom resource definitions are installed, the namespaces exist, a
kubeconfig of an administrator is written and the controllers work; then the ready file appears. The server runs until SIGTERM
or SIGINT, removes its data and exits with 0. A failure to start or a server that ends by itself: 1.
Arguments that cannot be understood: 2.

`

// How long each part of the life may take. Generous: a test machine compiles at the same time.
const (
	startDeadline   = 90 * time.Second
	drainDeadline   = 5 * time.Second // requests under way at SIGTERM; watches would hold it up for a minute
	requestDeadline = 10 * time.Second
)

type options struct {
	dir           string
	port          int
	kubeconfig    string
	readyFile     string
	crds          string
	namespaces    string
	keep          bool
	untilStdinEOF bool
	auditLog      string
	controllers   bool
	verbosity     int
}

func parse(arguments []string) (options, error) {
	var o options
	flags := flag.NewFlagSet("kube-apiserver-for-tests", flag.ContinueOnError)
	flags.StringVar(&o.dir, "dir", "", "`directory` for keys, data and kubeconfigs (default: a new temporary one)")
	flags.IntVar(&o.port, "port", 0, "`port` of the API server on 127.0.0.1 (default: a free one)")
	flags.StringVar(&o.kubeconfig, "kubeconfig", "", "`file` for the administrator's kubeconfig (default: DIR/kubeconfig)")
	flags.StringVar(&o.readyFile, "ready-file", "", "`file` written when all is ready: lines url=, kubeconfig=, ca=, dir=, pid=")
	flags.StringVar(&o.crds, "crds", defaultCRDs(), "`directory` of custom resource definitions to install; empty: none")
	flags.StringVar(&o.namespaces, "namespaces", "compass-system,kyma-system,istio-system", "namespaces to create, separated by commas")
	flags.BoolVar(&o.keep, "keep", false, "keep the data at the end: a later run with the same --dir and --port goes on with it")
	flags.BoolVar(&o.untilStdinEOF, "until-stdin-eof", false,
		"also stop when standard input ends: a server started by a test must not outlive it")
	flags.StringVar(&o.auditLog, "audit-log", "", "`file` for a line of JSON about each request of a ServiceAccount: who, what, the answer's code")
	flags.BoolVar(&o.controllers, "controllers", true,
		"run the controller manager's controllers of garbage, namespaces, quotas, ServiceAccounts and aggregated roles")
	flags.IntVar(&o.verbosity, "v", 0, "verbosity of kube-apiserver's log, which goes to standard error")
	flags.Usage = func() {
		fmt.Fprint(flags.Output(), "Usage: kube-apiserver-for-tests [OPTION]...\n\n", usage, "Options:\n")
		flags.PrintDefaults()
	}
	if err := flags.Parse(arguments); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; see --help", flags.Arg(0))
	}
	return o, nil
}

// The program is built into build/cluster/ of the repository.
func defaultCRDs() string {
	program, err := os.Executable()
	if err != nil {
		return ""
	}
	crds := filepath.Join(filepath.Dir(program), "..", "..", "deploy", "chart", "runtime-agent", "crds")
	if _, err := os.Stat(crds); err != nil {
		return ""
	}
	return crds
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "kube-apiserver-for-tests:", err)
		os.Exit(2)
	}
	if err := run(o); err != nil {
		fmt.Fprintln(os.Stderr, "kube-apiserver-for-tests:", err)
		os.Exit(1)
	}
}

func run(o options) (err error) {
	// The command takes SIGTERM and SIGINT for itself, and a server that is told to stop while it starts ends the
	// process on the spot, data and all. So they are taken back, and passed on once it is ready.
	command := app.NewAPIServerCommand()
	signal.Reset(syscall.SIGTERM, syscall.SIGINT)
	stop, stopNow := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stopNow()
	klog.OsExit = func(code int) {
		if stop.Err() != nil {
			select {} // what fails on the way out must not end the process before its data is removed
		}
		os.Exit(code)
	}

	remove, err := prepareDirectory(&o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()

	keys, err := loadOrMakeKeys(o.dir)
	if err != nil {
		return err
	}
	if o.port == 0 {
		if o.port, err = freePort(); err != nil {
			return err
		}
	}

	etcd, err := startEtcd(stop, filepath.Join(o.dir, "etcd"))
	if err != nil {
		return unlessStopped(stop, err)
	}
	defer stopEtcd(etcd)

	arguments := serverArguments(o, keys, etcd.Clients[0].Addr().String())
	if o.auditLog != "" {
		audit, err := auditArguments(o)
		if err != nil {
			return err
		}
		arguments = append(arguments, audit...)
	}
	command.SetArgs(arguments)
	command.SilenceErrors = true
	ended := make(chan error, 1)
	go func() { ended <- command.Execute() }()

	if o.untilStdinEOF {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stopNow()
		}()
	}

	starting, cancel := context.WithTimeout(stop, startDeadline)
	defer cancel()
	ready := make(chan error, 1)
	controllersEnded := make(chan error, 1)
	go func() {
		ready <- furnish(starting, o, keys, func() { controllersEnded <- runControllers(stop, o.kubeconfig) })
	}()

	select {
	case err = <-ready:
	case err = <-ended:
		return unlessStopped(stop, fmt.Errorf("the API server ended by itself: %w", err))
	case err = <-controllersEnded:
		return unlessStopped(stop, fmt.Errorf("the controllers did not start: %w", err))
	}
	if err != nil {
		return unlessStopped(stop, fmt.Errorf("the API server did not become ready: %w", err))
	}

	select {
	case err := <-ended:
		return fmt.Errorf("the API server ended by itself: %w", err)
	case err := <-controllersEnded:
		err = unlessStopped(stop, fmt.Errorf("the controllers ended by themselves: %w", err))
		if err != nil {
			return err
		}
	case <-stop.Done():
	}
	genericapiserver.RequestShutdown()
	select {
	case <-ended:
	case <-time.After(drainDeadline):
	}
	return nil
}

// unlessStopped is nil where the failure is only that of having been told to stop.
func unlessStopped(stop context.Context, err error) error {
	if stop.Err() != nil {
		return nil
	}
	return err
}

// furnish waits for the server, installs what the agent expects to find, and says that it is there.
func furnish(ctx context.Context, o options, keys keyFiles, control func()) error {
	url := fmt.Sprintf("https://127.0.0.1:%d", o.port)
	config := &rest.Config{
		Host:            url,
		BearerToken:     keys.adminToken,
		TLSClientConfig: rest.TLSClientConfig{CAFile: keys.ca},
		QPS:             -1, // no limit: this is the only client yet
		Timeout:         requestDeadline,
	}
	if err := waitUntilReady(ctx, config); err != nil {
		return err
	}
	if err := createNamespaces(ctx, config, strings.Split(o.namespaces, ",")); err != nil {
		return err
	}
	if err := installDefinitions(ctx, config, o.crds); err != nil {
		return err
	}
	if err := writeKubeconfigs(o, url, keys); err != nil {
		return err
	}
	if o.controllers {
		go control()
		if err := waitUntilControlled(ctx, config); err != nil {
			return fmt.Errorf("the controllers: %w", err)
		}
	}
	facts := fmt.Sprintf("url=%s\nkubeconfig=%s\nca=%s\ndir=%s\npid=%d\n", url, o.kubeconfig, keys.ca, o.dir, os.Getpid())
	fmt.Print("ready\n", facts)
	if o.readyFile == "" {
		return nil
	}
	return writeWhole(o.readyFile, []byte(facts))
}

func serverArguments(o options, keys keyFiles, etcd string) []string {
	return []string{
		"--etcd-servers=http://" + etcd,
		"--bind-address=127.0.0.1",
		"--secure-port=" + strconv.Itoa(o.port),
		// Without it the server looks for the host's default route and fails where there is none.
		"--advertise-address=127.0.0.1",
		// Endpoints of the service "kubernetes" may not be loopback addresses; nobody here needs them.
		"--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24",
		"--cert-dir=" + filepath.Join(o.dir, "certificates"),
		"--tls-cert-file=" + keys.serverCertificate,
		"--tls-private-key-file=" + keys.serverKey,
		"--client-ca-file=" + keys.ca,
		"--token-auth-file=" + keys.tokens,
		"--service-account-key-file=" + keys.serviceAccountKey,
		"--service-account-signing-key-file=" + keys.serviceAccountKey,
		"--service-account-issuer=https://kubernetes.default.svc",
		// A token ends when its request said so, as tests of expiry expect.
		"--service-account-extend-token-expiration=false",
		"--authorization-mode=RBAC",
		// It would refuse every pod where the controllers do not run: they make the default ServiceAccounts.
		"--disable-admission-plugins=ServiceAccount",
		"--v=" + strconv.Itoa(o.verbosity),
	}
}

// What is asked and how it is answered, without any content: Secrets are among it. A watch has an answer when it begins.
const auditPolicy = `{"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"], "rules": [
  {"level": "Metadata", "userGroups": ["system:serviceaccounts"]}, {"level": "None"}]}`

func auditArguments(o options) ([]string, error) {
	log, err := filepath.Abs(o.auditLog)
	if err != nil {
		return nil, err
	}
	policy := filepath.Join(o.dir, "certificates", "audit-policy.json")
	if err := os.MkdirAll(filepath.Dir(policy), 0o700); err != nil {
		return nil, err
	}
	return []string{"--audit-log-path=" + log, "--audit-policy-file=" + policy, "--audit-log-mode=blocking"}, writeWhole(policy, []byte(auditPolicy))
}

// prepareDirectory makes the directory and returns what takes away what this run put into it.
func prepareDirectory(o *options) (remove func() error, err error) {
	ours := []string{"etcd", "keys", "certificates"}
	whole := false
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "kube-apiserver-for-tests-"); err != nil {
			return nil, err
		}
		whole = true
	} else {
		if o.dir, err = filepath.Abs(o.dir); err != nil {
			return nil, err
		}
		if _, err := os.Stat(o.dir); errors.Is(err, os.ErrNotExist) {
			whole = true
		}
		if err := os.MkdirAll(o.dir, 0o700); err != nil {
			return nil, err
		}
	}
	if o.kubeconfig == "" {
		o.kubeconfig = filepath.Join(o.dir, "kubeconfig")
	}
	if o.kubeconfig, err = filepath.Abs(o.kubeconfig); err != nil {
		return nil, err
	}
	// One that was killed has left it behind.
	if err := removeFile(o.readyFile); err != nil {
		return nil, err
	}
	return func() error {
		failures := []error{removeFile(o.readyFile)}
		if o.keep {
			return errors.Join(failures...)
		}
		for _, file := range []string{o.kubeconfig, certificateKubeconfig(*o)} {
			failures = append(failures, removeFile(file))
		}
		if whole {
			return errors.Join(append(failures, os.RemoveAll(o.dir))...)
		}
		for _, name := range ours {
			failures = append(failures, os.RemoveAll(filepath.Join(o.dir, name)))
		}
		return errors.Join(failures...)
	}, nil
}

// removeFile does nothing where no file is named, or where there is none.
func removeFile(file string) error {
	if file == "" {
		return nil
	}
	if err := os.Remove(file); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// freePort picks below the range from which the kernel takes ports for outgoing connections (32768 and
// up by default): between this check and the server's own bind, no connection can take the port away.
func freePort() (int, error) {
	var last error
	for range 100 {
		port := 20000 + rand.IntN(12000)
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			last = err
			continue
		}
		return port, listener.Close()
	}
	return 0, fmt.Errorf("no free port between 20000 and 31999: %w", last)
}

// writeWhole replaces the file in one step: who polls for it never reads half of it.
func writeWhole(file string, content []byte) error {
	temporary := file + ".new"
	if err := os.WriteFile(temporary, content, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, file)
}
