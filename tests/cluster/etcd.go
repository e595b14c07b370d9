package main

import (
	"context"
	"errors"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
)

const etcdStopDeadline = 2 * time.Second

func startEtcd(ctx context.Context, directory string) (*embed.Etcd, error) {
	anyPort := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = directory
	// The data ends with the test: durability over a power failure would cost most of the write time.
	config.UnsafeNoFsync = true
	// What keeps it from starting is returned; as errors it logs, with stack traces, each listener that a
	// clean stop closes.
	config.LogLevel = "fatal"
	config.ListenClientUrls = []url.URL{anyPort}
	config.AdvertiseClientUrls = []url.URL{anyPort}
	config.ListenPeerUrls = []url.URL{anyPort}
	config.AdvertisePeerUrls = []url.URL{anyPort}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	// The HTTP gateway would dial the advertised address, port 0, again and again; nothing here uses it.
	config.EnableGRPCGateway = false
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		return nil, err
	case <-ctx.Done():
		stopEtcd(etcd)
		return nil, errors.New("told to stop before etcd was ready")
	case <-time.After(startDeadline):
		stopEtcd(etcd)
		return nil, errors.New("etcd was not ready in time")
	}
}

// Closing waits for open connections; those of an API server that did not end in time must not hold it up.
func stopEtcd(etcd *embed.Etcd) {
	closed := make(chan struct{})
	go func() { etcd.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(etcdStopDeadline):
	}
}
