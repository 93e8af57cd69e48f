//go:build e2e

package e2e

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// files counts the open files of a process.
func files(t *testing.T, pid int) int {
	t.Helper()
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	must(t, err)
	return len(list)
}

// nobody runs a program as another user of the machine.
func nobody(t *testing.T, args ...string) (out string, ok bool) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("SKIPPED setpriv: only root can become another user")
	}
	all := append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--"}, args...)
	text, err := exec.Command(need(t, "setpriv"), all...).CombinedOutput()
	return string(text), err == nil
}

func TestTheAdminSocketIsItsUsersOwn(t *testing.T) {
	t.Parallel()
	need(t, "setpriv")
	g := prepare(t, setup{})
	data := filepath.Join(g.dir, "data")
	victim := write(t, filepath.Join(g.dir, "victim"), "precious\n")
	// Somebody put a link in the socket's place, and left the folder open.
	must(t, os.MkdirAll(data, 0o777))
	must(t, os.Chmod(data, 0o777))
	must(t, os.Symlink(victim, filepath.Join(data, "admin.sock")))
	g.up(t)
	sock := filepath.Join(data, "admin.sock")
	info, err := os.Lstat(sock)
	must(t, err)
	if info.Mode()&os.ModeSocket == 0 || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the socket is %v", info.Mode())
	}
	if text, err := os.ReadFile(victim); err != nil || string(text) != "precious\n" {
		t.Errorf("what the link led to was touched: %q %v", text, err)
	}
	folder, err := os.Stat(data)
	must(t, err)
	if folder.Mode().Perm()&0o022 != 0 {
		t.Errorf("the data folder is %v", folder.Mode())
	}
	g.says(t, "code=P906")
	// Another user neither connects nor reads, even with the socket's mode
	// opened by hand: the peer's uid is checked too.
	for _, open := range []bool{false, true} {
		if open {
			must(t, os.Chmod(data, 0o755))
			must(t, os.Chmod(sock, 0o666))
		}
		out, ok := nobody(t, "/usr/bin/perl", "-MIO::Socket::UNIX", "-e", `
			my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!\n";
			print $s "POST /console-link HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}";
			local $/; my $r = <$s>; print $r; exit($r =~ / 200 / ? 0 : 1);`, sock)
		want := "Permission denied"
		if open {
			want = "403 Forbidden"
		}
		if ok || !strings.Contains(out, want) {
			t.Errorf("open %v: another user came in, or for another reason not: %v %q", open, ok, out)
		}
	}
	for _, path := range []string{"postern.db", "bodies", "lock"} {
		if info, err := os.Stat(filepath.Join(data, path)); err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
	}
	if info, err := os.Stat(filepath.Join(g.dir, "postern.key")); err != nil || info.Mode().Perm()&0o077 != 0 {
		t.Errorf("the key file: %v %v", info, err)
	}
	conn, err := net.Dial("unix", sock)
	must(t, err)
	defer conn.Close()
	for _, odd := range []string{"POST http: HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"} {
		fmt.Fprint(conn, odd)
	}
	g.ok(t, "queue", "list")
	if err := syscall.Kill(g.pid, 0); err != nil {
		t.Error(err)
	}
	g.unharmed(t, 220)
}
