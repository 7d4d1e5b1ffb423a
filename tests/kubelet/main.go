// A kubelet for tests: what kube-apiserver asks a node for when somebody reads logs, runs something in a container or forwards a port.
//
// The streaming is Kubernetes' own (k8s.io/cri-streaming). A "container" is a folder under the directory that is given: commands run there as
// processes of this machine, and its logs are files in it. The test that started the kubelet writes them, and lays ports out:
//
//	DIR/NAMESPACE/POD/CONTAINER/log        lines as a runtime keeps them: time, space, text
//	DIR/NAMESPACE/POD/CONTAINER/previous   the same of the container that ran before
//	DIR/NAMESPACE/POD/CONTAINER/ended      it is there: the container writes nothing more
//	DIR/NAMESPACE/POD/ports/80             the loopback port behind the pod's port 80
//
// It prints one line of JSON when it listens, and ends when its standard input closes: it cannot outlive whoever started it.
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

const idle = 4 * time.Hour

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "kubelet:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("usage: kubelet DIR")
	}
	node := &node{dir: os.Args[1]}
	certificate, err := selfSigned()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", node.logs)
	for _, method := range []string{"GET", "POST"} {
		mux.HandleFunc(method+" /exec/{namespace}/{pod}/{container}", node.exec)
		mux.HandleFunc(method+" /portForward/{namespace}/{pod}", node.forward)
	}
	// HTTP/1.1 only: an upgraded connection cannot be had over HTTP/2.
	server := &http.Server{Handler: mux, TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}}}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	fmt.Printf("{\"port\":%d}\n", listener.Addr().(*net.TCPAddr).Port)
	return server.ServeTLS(listener, "", "")
}

type node struct{ dir string }

// plain is one part of a path: nothing that leads elsewhere.
func plain(parts ...string) error {
	for _, part := range parts {
		if part == "" || strings.HasPrefix(part, ".") || strings.ContainsRune(part, filepath.Separator) {
			return fmt.Errorf("%q is no name", part)
		}
	}
	return nil
}

// container finds a container's folder.
func (n *node) container(w http.ResponseWriter, r *http.Request) (string, bool) {
	namespace, pod, container := r.PathValue("namespace"), r.PathValue("pod"), r.PathValue("container")
	if err := plain(namespace, pod, container); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return "", false
	}
	dir := filepath.Join(n.dir, namespace, pod, container)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		http.Error(w, fmt.Sprintf("container %q of pod %q is not here", container, pod), http.StatusNotFound)
		return "", false
	}
	return dir, true
}

func (n *node) exec(w http.ResponseWriter, r *http.Request) {
	dir, ok := n.container(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	flag := func(name string) bool { return query.Get(name) == "1" || query.Get(name) == "true" }
	options := &remotecommand.Options{
		Stdin:  flag(remotecommand.ExecStdinParam),
		Stdout: flag(remotecommand.ExecStdoutParam),
		Stderr: flag(remotecommand.ExecStderrParam) && !flag(remotecommand.ExecTTYParam),
		TTY:    flag(remotecommand.ExecTTYParam),
	}
	remotecommand.ServeExec(w, r, runner{}, r.PathValue("pod"), "", dir, query["command"], options, idle,
		remotecommand.DefaultStreamCreationTimeout, remotecommand.SupportedStreamingProtocols)
}

type runner struct{}

// ExecInContainer runs a process in the container's folder.
func (runner) ExecInContainer(_ context.Context, _, _, dir string, command []string, in io.Reader, out, errs io.WriteCloser, tty bool,
	resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if len(command) == 0 {
		return errors.New("no command was given")
	}
	child := exec.Command(command[0], command[1:]...)
	child.Dir = dir
	child.Env = append(os.Environ(), "HOSTNAME="+filepath.Base(filepath.Dir(dir)))
	if tty {
		return attended(child, in, out, resize)
	}
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if out != nil {
		child.Stdout = out
	}
	if errs != nil {
		child.Stderr = errs
	}
	// Not `child.Stdin = in`: waiting would then wait for whoever types as well.
	var input io.WriteCloser
	if in != nil {
		var err error
		if input, err = child.StdinPipe(); err != nil {
			return err
		}
	}
	if err := child.Start(); err != nil {
		return started(err)
	}
	if in != nil {
		go func() {
			_, _ = io.Copy(input, in)
			_ = input.Close()
		}()
	}
	return ended(child.Wait())
}

// attended runs a process on a terminal of its own.
func attended(child *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	child.Env = append(child.Env, "TERM=xterm-256color")
	terminal, err := pty.Start(child)
	if err != nil {
		return started(err)
	}
	defer terminal.Close()
	go func() {
		for size := range resize {
			_ = pty.Setsize(terminal, &pty.Winsize{Cols: size.Width, Rows: size.Height})
		}
	}()
	if in != nil {
		go func() {
			_, _ = io.Copy(terminal, in)
			// Whoever typed is gone: as a runtime does, the terminal hangs up.
			_ = child.Process.Signal(syscall.SIGHUP)
		}()
	}
	// Linux answers EIO when the last process of the terminal is gone.
	_, _ = io.Copy(out, terminal)
	return ended(child.Wait())
}

// started says why nothing was started as a runtime says it: 126 cannot be run, 127 is not there.
func started(err error) error {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
		return errors.New("OCI runtime exec failed: exec failed: unable to start container process: " + err.Error())
	}
	return utilexec.CodeExitError{Err: err, Code: 126}
}

func ended(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return utilexec.CodeExitError{Err: err, Code: code}
}

func (n *node) forward(w http.ResponseWriter, r *http.Request) {
	namespace, pod := r.PathValue("namespace"), r.PathValue("pod")
	if err := plain(namespace, pod); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	options, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, ports{dir: filepath.Join(n.dir, namespace, pod, "ports")}, pod, "", options, idle,
		remotecommand.DefaultStreamCreationTimeout, portforward.SupportedProtocols)
}

type ports struct{ dir string }

// PortForward copies between a stream and the loopback port that stands for the pod's.
func (p ports) PortForward(_ context.Context, pod, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	behind, err := os.ReadFile(filepath.Join(p.dir, strconv.Itoa(int(port))))
	if err != nil {
		return fmt.Errorf("failed to connect to localhost:%d inside namespace of %s: connection refused", port, pod)
	}
	local, err := net.Dial("tcp4", "127.0.0.1:"+strings.TrimSpace(string(behind)))
	if err != nil {
		return err
	}
	defer local.Close()
	gone := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(local, stream)
		_ = local.(*net.TCPConn).CloseWrite()
		gone <- struct{}{}
	}()
	_, _ = io.Copy(stream, local)
	return nil
}

func (n *node) logs(w http.ResponseWriter, r *http.Request) {
	dir, ok := n.container(w, r)
	if !ok {
		return
	}
	query := r.URL.Query()
	flag := func(name string) bool { yes, _ := strconv.ParseBool(query.Get(name)); return yes }
	name := "log"
	if flag("previous") {
		name = "previous"
	}
	file, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		if flag("previous") {
			http.Error(w, "previous terminated container not found", http.StatusBadRequest)
		}
		return
	}
	defer file.Close()
	since := time.Time{}
	if seconds, err := strconv.Atoi(query.Get("sinceSeconds")); err == nil {
		since = time.Now().Add(-time.Duration(seconds) * time.Second)
	}
	if at, err := time.Parse(time.RFC3339Nano, query.Get("sinceTime")); err == nil {
		since = at
	}
	reader := bufio.NewReader(file)
	var lines []string
	rest := ""
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			rest = line
			break
		}
		lines = append(lines, line)
	}
	if tail, err := strconv.Atoi(query.Get("tailLines")); err == nil && tail < len(lines) {
		lines = lines[len(lines)-tail:]
	}
	out, _ := w.(http.Flusher)
	told := func(line string) bool {
		stamp, text, _ := strings.Cut(line, " ")
		if at, err := time.Parse(time.RFC3339Nano, stamp); err == nil && at.Before(since) {
			return true
		}
		if flag("timestamps") {
			text = line
		}
		_, err := io.WriteString(w, text)
		return err == nil
	}
	w.WriteHeader(http.StatusOK)
	for _, line := range lines {
		if !told(line) {
			return
		}
	}
	if out != nil {
		out.Flush()
	}
	for flag("follow") && r.Context().Err() == nil {
		_, gone := os.Stat(filepath.Join(dir, "ended"))
		line, err := reader.ReadString('\n')
		rest += line
		if err == nil {
			if !told(rest) {
				return
			}
			rest = ""
			continue
		}
		if out != nil {
			out.Flush()
		}
		if gone == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
