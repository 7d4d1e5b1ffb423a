// A real API server for tests: etcd and kube-apiserver in one process, on loopback ports that the system picks.
//
// It makes its own certificates, tokens and role bindings in a fresh directory, prints one line of JSON when everything answers, and ends
// (removing the directory) when its standard input closes. Whoever starts it holds the other end of that pipe, so it cannot outlive them.
//
//	testcluster [--authentication-config FILE] [--keep DIR]
//
// With --keep the directory is the given one and stays: started again on it, it is the same cluster at the same address.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"
	"go.etcd.io/etcd/server/v3/embed"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/rest"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"
)

// What a test needs to know; the one line that is printed.
type facts struct {
	Server      string            `json:"server"`
	CA          string            `json:"ca"`
	Dir         string            `json:"dir"`
	Tokens      map[string]string `json:"tokens"`
	Certs       map[string]pair   `json:"certs"`
	Kubeconfigs map[string]string `json:"kubeconfigs"`
	ReadyAfter  float64           `json:"ready_after_s"`
}

func main() {
	authentication := flag.String("authentication-config", "", "an AuthenticationConfiguration, e.g. with JWT issuers")
	keep := flag.String("keep", "", "a directory that stays: started again on it, this is the same cluster at the same address")
	flag.Parse()
	if err := run(*authentication, *keep); err != nil {
		fmt.Fprintln(os.Stderr, "testcluster:", err)
		os.Exit(1)
	}
}

func run(authentication, keep string) error {
	began := time.Now()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(errEnd)
	}()

	dir, before, err := place(keep)
	if err != nil {
		return err
	}
	clean := func() {
		if keep == "" {
			_ = os.RemoveAll(dir)
		}
	}
	defer clean()

	etcd, err := startEtcd(filepath.Join(dir, "etcd"))
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer etcd.Close()

	address := "127.0.0.1:0"
	if before != nil {
		address = strings.TrimPrefix(before.Server, "https://")
	}
	listener, err := net.Listen("tcp4", address)
	if err != nil {
		return err
	}
	made := before
	if made == nil {
		if made, err = prepare(dir, listener.Addr().(*net.TCPAddr).Port); err != nil {
			return err
		}
	}
	ended := make(chan error, 1)
	go func() {
		ended <- serve(ctx, dir, "http://"+etcd.Clients[0].Addr().String(), listener, authentication)
	}()

	ready := make(chan error, 1)
	go func() { ready <- settle(ctx, made) }()
	select {
	case err := <-ended:
		return fmt.Errorf("the API server ended before it was ready: %w", err)
	case err := <-ready:
		if err != nil {
			return err
		}
	}
	made.ReadyAfter = time.Since(began).Seconds()
	if err := json.NewEncoder(os.Stdout).Encode(made); err != nil {
		return err
	}
	select {
	case err := <-ended:
		return fmt.Errorf("the API server ended: %w", err)
	case <-ctx.Done():
		// Nobody is left who would look at what it holds: there is no reason to drain for a minute.
		clean()
		os.Exit(0)
		return nil
	}
}

// place is where everything is kept, and what was written there when this cluster was started before.
func place(keep string) (string, *facts, error) {
	if keep == "" {
		dir, err := os.MkdirTemp("", "testcluster-")
		return dir, nil, err
	}
	if err := os.MkdirAll(keep, 0o700); err != nil {
		return "", nil, err
	}
	text, err := os.ReadFile(filepath.Join(keep, "facts.json"))
	if errors.Is(err, os.ErrNotExist) {
		return keep, nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	before := new(facts)
	return keep, before, json.Unmarshal(text, before)
}

var errEnd = errors.New("standard input was closed")

func startEtcd(dir string) (*embed.Etcd, error) {
	free := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = dir
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	config.ListenClientUrls = []url.URL{free}
	config.AdvertiseClientUrls = []url.URL{free}
	config.ListenPeerUrls = []url.URL{free}
	config.AdvertisePeerUrls = []url.URL{free}
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		return nil, err
	case <-time.After(60 * time.Second):
		etcd.Close()
		return nil, errors.New("not ready within 60 s")
	}
}

// prepare writes the certificates, tokens and kubeconfigs.
func prepare(dir string, port int) (*facts, error) {
	authority, err := newAuthority(dir)
	if err != nil {
		return nil, err
	}
	made := &facts{
		Server:      fmt.Sprintf("https://127.0.0.1:%d", port),
		CA:          authority.pem,
		Dir:         dir,
		Tokens:      map[string]string{},
		Certs:       map[string]pair{},
		Kubeconfigs: map[string]string{},
	}
	if err := authority.server(dir); err != nil {
		return nil, err
	}
	var list bytes.Buffer
	for _, one := range people {
		made.Tokens[one.name] = randomText()
		fmt.Fprintf(&list, "%s,%s,%s,%q\n", made.Tokens[one.name], one.name, one.name, one.group)
		if made.Certs[one.name], err = authority.client(one.name, one.group); err != nil {
			return nil, err
		}
		if err := kubeconfigs(dir, made, one.name); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "tokens.csv"), list.Bytes(), 0o600); err != nil {
		return nil, err
	}
	text, err := json.Marshal(made)
	if err != nil {
		return nil, err
	}
	return made, os.WriteFile(filepath.Join(dir, "facts.json"), text, 0o600)
}

// The people of the cluster. Whoever is in `viewers` may look and not touch.
var people = []struct{ name, group string }{
	{"admin", "system:masters"},
	{"viewer", "viewers"},
	{"nobody", "others"},
}

func kubeconfigs(dir string, made *facts, name string) error {
	text := func(user string) string {
		return fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: %[1]s@test
clusters:
- name: test
  cluster:
    server: %[2]s
    certificate-authority-data: %[3]s
contexts:
- name: %[1]s@test
  context:
    cluster: test
    user: %[1]s
users:
- name: %[1]s
  user:
%[4]s`, name, made.Server, base64.StdEncoding.EncodeToString([]byte(made.CA)), user)
	}
	cert := made.Certs[name]
	kinds := map[string]string{
		name: fmt.Sprintf("    client-certificate-data: %s\n    client-key-data: %s\n",
			base64.StdEncoding.EncodeToString([]byte(cert.Cert)), base64.StdEncoding.EncodeToString([]byte(cert.Key))),
		name + "-token": fmt.Sprintf("    token: %s\n", made.Tokens[name]),
	}
	for kind, user := range kinds {
		made.Kubeconfigs[kind] = filepath.Join(dir, kind+".kubeconfig")
		if err := os.WriteFile(made.Kubeconfigs[kind], []byte(text(user)), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// serve runs kube-apiserver with its own options, on a listener that is bound already: no port is guessed.
func serve(ctx context.Context, dir, etcd string, listener net.Listener, authentication string) error {
	at := func(name string) string { return filepath.Join(dir, name) }
	s := options.NewServerRunOptions()
	flags := pflag.NewFlagSet("kube-apiserver", pflag.ContinueOnError)
	for _, set := range s.Flags().FlagSets {
		flags.AddFlagSet(set)
	}
	args := []string{
		"--etcd-servers=" + etcd,
		"--bind-address=127.0.0.1",
		"--advertise-address=127.0.0.1",
		"--endpoint-reconciler-type=none",
		"--tls-cert-file=" + at("server.crt"),
		"--tls-private-key-file=" + at("server.key"),
		"--client-ca-file=" + at("ca.crt"),
		"--token-auth-file=" + at("tokens.csv"),
		"--authorization-mode=Node,RBAC",
		"--service-cluster-ip-range=10.0.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + at("sa.pub"),
		"--service-account-signing-key-file=" + at("sa.key"),
		"--shutdown-delay-duration=0s",
		"--v=0",
	}
	if authentication != "" {
		args = append(args, "--authentication-config="+authentication)
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	s.SecureServing.Listener = listener
	s.SecureServing.BindPort = listener.Addr().(*net.TCPAddr).Port
	if err := s.GenericServerRunOptions.ComponentGlobalsRegistry.Set(); err != nil {
		return err
	}
	rest.SetDefaultWarningHandler(rest.NoWarnings{})
	if err := logsapi.ValidateAndApply(s.Logs, nil); err != nil {
		return err
	}
	completed, err := s.Complete(ctx)
	if err != nil {
		return err
	}
	if errs := completed.Validate(); len(errs) != 0 {
		return utilerrors.NewAggregate(errs)
	}
	return app.Run(ctx, completed)
}

// settle waits until the server is ready and gives the viewers their role: what `view` is gathered from, because the controller that gathers
// it does not run here.
func settle(ctx context.Context, made *facts) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(made.CA))
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Proxy: nil},
	}
	defer client.CloseIdleConnections()
	ask := func(who, method, path, body string) (int, string) {
		request, err := http.NewRequestWithContext(ctx, method, made.Server+path, bytes.NewReader([]byte(body)))
		if err != nil {
			return 0, err.Error()
		}
		request.Header.Set("Authorization", "Bearer "+made.Tokens[who])
		request.Header.Set("Content-Type", "application/json")
		response, err := client.Do(request)
		if err != nil {
			return 0, err.Error()
		}
		defer response.Body.Close()
		said, _ := io.ReadAll(io.LimitReader(response.Body, 4096))
		return response.StatusCode, string(said)
	}
	last := ""
	for deadline := time.Now().Add(120 * time.Second); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		var status int
		if status, last = ask("admin", http.MethodGet, "/readyz", ""); status != http.StatusOK {
			continue
		}
		status, last = ask("admin", http.MethodPost, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", `{"apiVersion":"rbac.authorization.k8s.io/v1",
"kind":"ClusterRoleBinding","metadata":{"name":"viewers"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"system:aggregate-to-view"},
"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"Group","name":"viewers"}]}`)
		if status != http.StatusCreated && status != http.StatusConflict {
			continue
		}
		// The authorizer learns of a binding a moment later.
		if status, last = ask("viewer", http.MethodGet, "/api/v1/namespaces", ""); status == http.StatusOK {
			return nil
		}
	}
	return fmt.Errorf("not ready within 120 s: %s", last)
}
