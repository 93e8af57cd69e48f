package archive

import (
	"archive/tar"
	"bufio"
	"compress/bzip2"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

// maxWindow bounds what a decompressor keeps in memory.
const maxWindow = 64 << 20

// Tar gives the files of a tar archive out.
func Tar(r io.Reader, out Sink) error {
	t := tar.NewReader(r)
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			out.Note("malformed", "the archive is damaged")
			return nil
		}
		if n >= maxEntries {
			out.Note("too-many-parts", "the archive has more entries than are read")
			return nil
		}
		if n == 0 {
			out.Section(names)
		}
		if err := say(out, h.Name); err != nil {
			return err
		}
		if err := say(out, h.Linkname); err != nil {
			return err
		}
		if err := say(out, h.PAXRecords["comment"]); err != nil {
			return err
		}
		if h.Size == 0 {
			continue
		}
		if err := out.Embed(h.Name, "", &tolerant{r: t, out: out}); err != nil {
			return err
		}
	}
}

// maxEntries bounds the files of one archive.
const maxEntries = 20000

// Compressed gives the one file out that a compressed file holds. The kind is
// "gzip", "bzip2", "xz", "zstd", "lz4" or "compress"; name is that of the
// compressed file.
func Compressed(kind string, r io.Reader, name string, out Sink) error {
	in := bufio.NewReader(r)
	inner := inside(name)
	var plain io.Reader
	var err error
	switch kind {
	case "gzip":
		var z *gzip.Reader
		if z, err = gzip.NewReader(in); err == nil {
			if err := gzipNames(z, &inner, out); err != nil {
				return err
			}
			plain = z
		}
	case "bzip2":
		plain = bzip2.NewReader(in)
	case "xz":
		plain, err = xz.ReaderConfig{DictCap: maxWindow}.NewReader(in)
	case "zstd":
		var z *zstd.Decoder
		z, err = zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
		if err == nil {
			defer z.Close()
			plain = z
		}
	case "lz4":
		plain = lz4.NewReader(in)
	case "compress":
		plain, err = newUncompress(in)
	default:
		err = errUnknown
	}
	if err != nil {
		out.Note("malformed", "the compressed file is damaged")
		return nil
	}
	return out.Embed(inner, "", &tolerant{r: plain, out: out})
}

var errUnknown = errors.New("archive: unknown compression")

// gzipNames takes the name and the comment of the first member.
func gzipNames(z *gzip.Reader, inner *string, out Sink) error {
	if z.Name != "" {
		*inner = z.Name
	}
	if z.Name != "" || z.Comment != "" {
		out.Section(names)
	}
	if err := say(out, z.Name); err != nil {
		return err
	}
	return say(out, z.Comment)
}

// inside is the name of a file without the ending of the compression.
func inside(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i <= 0 {
		return name
	}
	switch base, ext := name[:i], strings.ToLower(name[i+1:]); ext {
	case "tgz", "tbz", "tbz2", "txz", "tzst", "taz", "tlz4":
		return base + ".tar"
	case "gz", "bz2", "xz", "zst", "lz4", "z":
		return base
	case "svgz":
		return base + ".svg"
	case "emz":
		return base + ".emf"
	case "wmz":
		return base + ".wmf"
	}
	return name
}
