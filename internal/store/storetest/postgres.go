package storetest

import (
	"bufio"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// script makes a cluster in the folder $1 with the binaries in $2, says
// "ready", and takes everything away when its input ends: that is when the
// test process has ended, however it ended.
const script = `
cd "$1" || exit 1
"$2/initdb" -D data -U postgres -A trust -E UTF8 --locale=C --no-sync >log 2>&1 &&
"$2/pg_ctl" -D data -w -l server.log -o "-c listen_addresses= -c unix_socket_directories=$1 \
 -c fsync=off -c full_page_writes=off -c max_connections=50 -c shared_buffers=16MB" start >>log 2>&1 &&
echo ready
read -r _
"$2/pg_ctl" -D data -m immediate -w stop >>log 2>&1
cd / && rm -rf "$1"
`

// start starts a private PostgreSQL and returns its address.
func start() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errors.New(variable + " is not set and no server is installed")
	}
	bin := filepath.Dir(found[len(found)-1])
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return "", err
	}
	cmd := exec.Command("/bin/sh", "-c", script, "sh", dir, bin)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Getuid() == 0 { // initdb refuses to run as root
		if err := become(cmd, dir, "postgres"); err != nil {
			return "", errors.Join(err, os.Remove(dir))
		}
	}
	// The writing end stays open until the process ends.
	if _, err := cmd.StdinPipe(); err != nil {
		return "", err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	go func() { _ = cmd.Wait() }()
	if line, _ := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		return "", fmt.Errorf("the server in %s did not start", dir)
	}
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres",
		RawQuery: url.Values{"host": {dir}, "sslmode": {"disable"}}.Encode()}
	return u.String(), nil
}

// become makes cmd run as another user, who gets the folder.
func become(cmd *exec.Cmd, dir, name string) error {
	who, err := user.Lookup(name)
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(who.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(who.Gid)
	if err != nil {
		return err
	}
	cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(dir, uid, gid)
}
