package capture

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sipsight/sipsight/internal/fetch"
	"github.com/sipsight/sipsight/pcapfile"
	"github.com/sipsight/sipsight/pcapng"
)

const (
	// maxOpen bounds the files that are kept open only because they wait for
	// their turn in the timeline; the others are opened again when it comes.
	maxOpen = 128

	// A timeline of over manyFiles files reads each in small steps.
	manyFiles   = 16
	smallWindow = 32 << 10

	// maxComments bounds the comments kept of one file.
	maxComments = 1000
)

// A File tells what one capture was. Its fields are final once all of it was read.
type File struct {
	Name        string
	Format      string // "pcap", "pcapng", "snoop"
	Variant     string // "", "nanosecond", "modified"
	BigEndian   bool
	Compression string // "gzip" or ""
	Size        int64  // octets of the file as it is stored; what was read of a stream
	Application string // the program that wrote it, where the file says so
	Hardware    string
	OS          string

	Packets       int64
	DataBytes     int64         // sum of the lengths on the wire
	CapturedBytes int64         // sum of what was kept of them
	CutPackets    int64         // packets of which less was kept than was on the wire …
	FirstCut      int64         // … and the number of the first of them
	First, Last   time.Time     // the earliest and the latest time, not those of the first and last packet
	HasTime       bool          // some packet had a time
	InOrder       bool          // no packet was earlier than the one before it
	BackSteps     int64         // packets earlier than the one before
	LargestStep   time.Duration // of them, the largest way back …
	LargestFrame  int64         // … and the packet behind it

	Interfaces []Interface
	Comments   []string // of the file, its interfaces and its packets, up to a limit
	Notes      []Note   // what was odd or could not be read

	// Secrets are what a pcapng file brings for decrypting its packets. They print
	// as their length alone.
	Secrets []pcapng.Secret

	// Place is that of the file in the timeline, from 0: files rank by the time of their first
	// packet, then by name. It does not depend on the order in which they were named.
	Place int

	Ended bool  // it was read to its end, or as far as damage lets it be read
	Err   error // why the file could not be opened at all
}

// Complete reports whether nothing was missing in the file, as far as it was read: see Ended.
func (f *File) Complete() bool { return f.Err == nil && len(f.Damage()) == 0 }

// Damage returns those of Notes that say what could not be read.
//
//go:noinline
func (f *File) Damage() (list []Note) {
	for _, n := range f.Notes {
		if n.Lost {
			list = append(list, n)
		}
	}
	return list
}

// An Interface is one capture interface of a file; the formats other than pcapng
// have exactly one.
type Interface struct {
	ID          int // index in the file, numbered through over all sections
	Name        string
	Description string
	Filter      string // the capture filter, where the file states it as text
	LinkType    uint16
	SnapLen     int64   // 0: no limit, or not stated
	Resolution  float64 // nanoseconds of one unit of its time stamps
	Packets     int64
	Drops       int64 // packets lost at the interface; -1: not stated
}

// A Note is one kind of oddity or damage.
type Note struct {
	ID    string // stable, for programs
	What  string // for people
	Off   int64  // offset of the first one in the (uncompressed) file
	Count int64
	Lost  bool // something could not be read because of it
}

// The ids of Note that mean that something was lost.
const (
	NoteCut         = "file-cut"        // the file ends in the middle of a record
	NoteCorrupt     = "file-corrupt"    // a record cannot be right, and nothing behind it can be read
	NoteReadError   = "read-error"      // reading failed
	NoteGzipCut     = "gzip-cut"        // the compressed data ends early
	NoteGzipCorrupt = "gzip-corrupt"    // the compressed data is damaged
	NoteInflate     = "inflate-limit"   // the limit of inflated octets was met
	NoteDownload    = "download-limit"  // the limit of downloaded octets was met
	NoteInterface   = "interface-limit" // more interfaces than the limit
	NoteSkipped     = "block-skipped"   // packet blocks that could not be used
)

// source is what the format rooms have in common.
type source interface {
	// next replaces *p but for its File and Frame, and its Time where the packet
	// has none. The error is io.EOF at the end.
	next(p *Packet) error
	// finish writes what is known only now into the file's description.
	finish(f *File)
}

// A file is one capture of a timeline.
type file struct {
	ctx    context.Context
	o      Options
	window int
	info   File
	src    source
	body   io.Closer
	stop   func() bool // undoes the closing of body when ctx is done
	gz     *ahead

	p      Packet // the waiting packet, if has
	prev   time.Time
	has    bool
	parked bool
	ended  bool
	read   atomic.Int64
	size   atomic.Int64
}

func newFile(ctx context.Context, index int, name string, window int, o Options) *file {
	f := &file{ctx: ctx, o: o, window: window}
	f.info.Name = name
	f.info.InOrder = true
	f.p.File = index
	return f
}

// open opens the file and reads its header; info.Err says why it could not.
func (f *file) open() {
	err := f.ctx.Err()
	if err == nil {
		var body io.Reader
		if f.o.Once != nil {
			f.size.Store(-1) // openBody may not be called
			body, err = f.o.Once(f.info.Name, f.openBody)
		} else {
			body, err = f.openBody()
		}
		if err == nil {
			err = f.start(body)
		}
	}
	if err != nil {
		if e := f.ctx.Err(); e != nil { // that is why
			err = e
		}
		f.close()
		f.info.Err = fmt.Errorf("%s: %w", f.info.Name, err)
		f.read.Store(0) // nothing more is to come of it
		f.size.Store(0)
	}
}

func (f *file) openBody() (io.Reader, error) {
	name := f.info.Name
	f.size.Store(-1)
	switch {
	case name == "-":
		if f.o.Stdin != nil {
			return newInterruptible(f.ctx, f.o.Stdin), nil
		}
		f.closeWith(os.Stdin)
		return newInterruptible(f.ctx, os.Stdin), nil
	case fetch.IsURL(name):
		if f.o.NoURLs {
			return nil, errors.New("URLs are switched off; download the file and give its path")
		}
		body, size, err := fetch.Open(f.ctx, name, fetch.Options{AllowPrivate: f.o.AllowPrivateURLs, MaxBytes: f.o.MaxDownload})
		if err != nil {
			return nil, err
		}
		f.size.Store(size)
		f.closeWith(body)
		return body, nil
	}
	file, err := f.openPath()
	if err != nil {
		return nil, err
	}
	if st, err := file.Stat(); err == nil && st.Mode().IsRegular() {
		f.size.Store(st.Size())
	}
	f.closeWith(file)
	return file, nil
}

// closeWith makes c the thing to close, at the latest when the context is done:
// that ends a read from a pipe nobody writes to.
func (f *file) closeWith(c io.Closer) {
	f.body = c
	f.stop = context.AfterFunc(f.ctx, func() { c.Close() })
}

// openPath opens the path of the file. That of a FIFO waits for one who writes to it, but no longer than the context:
// what comes later is closed with the memory of it.
func (f *file) openPath() (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := openPath(f.info.Name, f.o.RegularOnly, f.o.Folders)
		done <- opened{file, err}
	}()
	select {
	case x := <-done:
		return x.file, x.err
	case <-f.ctx.Done():
		return nil, f.ctx.Err()
	}
}

// openPath opens a path that must lead to something readable.
func openPath(name string, regularOnly bool, folders []string) (*os.File, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return nil, errors.New("the path holds a NUL character")
	}
	file, err := openRegular(name, regularOnly, folders)
	if err != nil {
		return nil, err
	}
	st, err := file.Stat()
	if err == nil {
		err = checkKind(st.Mode(), regularOnly)
	}
	if err != nil {
		file.Close()
		return nil, pathError(err)
	}
	return file, nil
}

func openRegular(name string, regularOnly bool, folders []string) (*os.File, error) {
	if len(folders) > 0 {
		return openInside(folders, name, regularOnly)
	}
	flag := os.O_RDONLY
	if regularOnly {
		if err := refuseSpecial(name); err != nil {
			return nil, err
		}
		flag |= syscall.O_NONBLOCK // a FIFO put there since must not make us wait
	}
	file, err := os.OpenFile(name, flag, 0)
	if err != nil {
		return nil, pathError(err)
	}
	return file, nil
}

// refuseSpecial refuses paths that lead, over links, into the kernel's own trees,
// whose files call themselves regular, and anything that is not a regular file.
func refuseSpecial(name string) error {
	st, err := os.Stat(name)
	if err != nil {
		return pathError(err)
	}
	if err := checkKind(st.Mode(), true); err != nil {
		return err
	}
	target, err := resolve(name)
	if err != nil {
		return pathError(err)
	}
	return refuseKernel(target)
}

// resolve returns the absolute path that name leads to over links.
func resolve(name string) (string, error) {
	target, err := filepath.EvalSymlinks(name)
	if err != nil || filepath.IsAbs(target) {
		return target, err
	}
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	return filepath.Join(dir, target), err
}

// refuseKernel refuses a resolved path in one of the kernel's own trees.
func refuseKernel(target string) error {
	target = filepath.ToSlash(target)
	for _, dir := range []string{"/proc/", "/sys/", "/dev/"} {
		if strings.HasPrefix(target, dir) {
			return fmt.Errorf("files below %s are not captures and are never opened", dir)
		}
	}
	return nil
}

func checkKind(m os.FileMode, regularOnly bool) error {
	kind := ""
	switch {
	case m.IsDir():
		return errors.New("this is a directory; name the capture files in it")
	case m&os.ModeSocket != 0:
		return errors.New("this is a socket, not a capture file")
	case m&os.ModeNamedPipe != 0:
		kind = "a FIFO"
	case m&os.ModeDevice != 0:
		kind = "a device"
	case !m.IsRegular():
		kind = "a special file"
	}
	if kind != "" && regularOnly {
		return fmt.Errorf("this is %s, not a regular file", kind)
	}
	return nil
}

// pathError says in plain words why a path could not be opened.
func pathError(err error) error {
	var pe *os.PathError
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &told{notFound(err), err}
	case errors.Is(err, os.ErrPermission):
		return &told{"permission denied; check who may read the file", err}
	case errors.Is(err, syscall.ELOOP), strings.HasSuffix(err.Error(), "too many links"): // as filepath.EvalSymlinks says it
		return errors.New("too many symbolic links, or a loop of them; check where the path leads")
	case errors.Is(err, syscall.ENXIO):
		return errors.New("this is a socket, not a capture file")
	case errors.As(err, &pe):
		return pe.Err
	}
	return err
}

// A told is an error in plain words, in which errors.Is finds what it was.
type told struct {
	text string
	err  error
}

func (e *told) Error() string { return e.text }
func (e *told) Unwrap() error { return e.err }

func notFound(err error) string {
	var pe *os.PathError
	switch {
	case !errors.As(err, &pe):
	case pe.Path == "":
		return "no such file: its name is empty; give its path"
	case strings.Contains(pe.Path, "://"):
		return "no such file, and no URL that can be read; give a path, or an http or https URL"
	}
	return "no such file; check the path"
}

// start sniffs the format and sets up its reader.
func (f *file) start(body io.Reader) error {
	counted := &countingReader{r: body, n: &f.read}
	head, r, err := sniff(counted)
	if err != nil {
		return err
	}
	if isGzip(head) {
		f.info.Compression = "gzip"
		limit := f.o.MaxInflated
		if limit <= 0 {
			limit = DefaultMaxInflated
		}
		f.gz = newAhead(newGunzip(r, limit), &f.read, f.size.Load() < 0, f.window == smallWindow)
		if head, r, err = sniff(f.gz); err != nil {
			return fmt.Errorf("inside the gzip data: %w", err)
		}
		if isGzip(head) {
			return errors.New("the capture was compressed twice; decompress it once (gunzip) and try again")
		}
	}
	src, err := f.newSource(head, r)
	if err != nil {
		if f.gz != nil {
			return fmt.Errorf("inside the gzip data: %w", err)
		}
		return err
	}
	f.src = src
	return nil
}

// newSource chooses the format by the first octets.
func (f *file) newSource(head []byte, r io.Reader) (source, error) {
	if isSnoop(head) {
		s, err := newSnoop(r, f.window)
		if err != nil {
			return nil, err
		}
		f.info.Format, f.info.BigEndian = "snoop", true
		return s, nil
	}
	if isPcapng(head) {
		ng, err := pcapng.NewReaderSize(r, f.window)
		if err != nil {
			return nil, err
		}
		f.info.Format, f.info.BigEndian = "pcapng", ng.Sections()[0].BigEndian
		return &pcapngSource{r: ng}, nil
	}
	if !isPcap(head) {
		return nil, unknownFormat(head, r)
	}
	pc, err := pcapfile.NewReaderSize(r, f.window)
	if err != nil {
		return nil, err
	}
	h := pc.Header()
	f.info.Format, f.info.BigEndian = "pcap", h.BigEndian
	switch {
	case h.Nanosecond:
		f.info.Variant = "nanosecond"
	case h.Modified:
		f.info.Variant = "modified"
	}
	return newPcapSource(pc), nil
}

// advance reads the next packet into f.p and sets f.has.
func (f *file) advance() {
	f.has = false
	if f.ended || f.src == nil {
		return
	}
	if err := f.src.next(&f.p); err != nil {
		f.end(err)
		return
	}
	f.has = true
	f.p.Frame++
}

// count takes the packet that is about to be returned into the description.
func (f *file) count() {
	p, i := &f.p, &f.info
	var c counts
	c.add(p)
	i.add(p.Interface, c)
	switch {
	case !p.HasTime:
	case i.HasTime && !p.Time.Before(i.Last): // nearly always
		i.Last, f.prev = p.Time, p.Time
	default:
		f.countTime(p.Time)
	}
	if p.options.Len() > 0 {
		for c := range p.Comments() {
			i.addComment(c)
		}
	}
}

// counts are what packets add up to.
type counts struct {
	packets, wire, kept int64 // the last two in octets
	cut, firstCut       int64 // packets of which not all was kept, and the number of the first
}

func (c *counts) add(p *Packet) {
	c.packets++
	c.wire += p.OrigLen
	c.kept += int64(len(p.Data))
	if int64(len(p.Data)) < p.OrigLen {
		if c.cut++; c.cut == 1 {
			c.firstCut = p.Frame
		}
	}
}

// add counts packets of an interface.
func (f *File) add(in int, c counts) {
	f.Packets += c.packets
	f.DataBytes += c.wire
	f.CapturedBytes += c.kept
	if f.CutPackets += c.cut; f.FirstCut == 0 {
		f.FirstCut = c.firstCut
	}
	for len(f.Interfaces) <= in {
		f.Interfaces = append(f.Interfaces, Interface{Drops: -1})
	}
	f.Interfaces[in].Packets += c.packets
}

func (f *file) countTime(t time.Time) {
	i := &f.info
	if !i.HasTime {
		i.HasTime = true
		i.First, i.Last = t, t
		f.prev = t
		return
	}
	if t.Before(f.prev) {
		i.InOrder = false
		i.BackSteps++
		if d := f.prev.Sub(t); d > i.LargestStep {
			i.LargestStep, i.LargestFrame = d, f.p.Frame
		}
	}
	f.prev = t
	if t.Before(i.First) {
		i.First = t
	}
	if t.After(i.Last) {
		i.Last = t
	}
}

func (f *File) addComment(c string) {
	if len(f.Comments) < maxComments {
		f.Comments = append(f.Comments, c)
	} else {
		f.note(Note{ID: "comment-limit", What: fmt.Sprintf("more than %d comments; the rest is not listed", maxComments), Count: 1})
	}
}

func (f *File) note(n Note) { f.Notes = appendNote(f.Notes, n) }

// appendNote adds n to list, or counts it where its kind is there already.
//
//go:noinline
func appendNote(list []Note, n Note) []Note {
	for i := range list {
		if list[i].ID == n.ID && list[i].What == n.What {
			list[i].Count += n.Count
			return list
		}
	}
	return append(list, n)
}

// end takes in the error that ended the file.
func (f *file) end(err error) {
	f.ended = true
	f.src.finish(&f.info)
	read := f.read.Load()
	if f.gz != nil {
		read = f.gz.finish(&f.info)
	}
	if f.info.Size = f.size.Load(); f.info.Size < 0 {
		f.info.Size = read
	}
	if f.ctx.Err() == nil {
		f.info.Ended = true
		if err != io.EOF {
			f.info.note(damage(err))
		}
	}
}

// damage turns the error of a format room into a Note.
func damage(err error) Note {
	n := Note{ID: NoteCorrupt, What: err.Error(), Count: 1, Lost: true}
	var pe *pcapfile.FormatError
	var ne *pcapng.FormatError
	var se *snoopError
	var ge *gzipError
	switch {
	case errors.As(err, &se):
		n.Off, n.What = se.off, se.what
	case errors.As(err, &pe):
		n.Off, n.What = pe.Off, pe.What
	case errors.As(err, &ne):
		n.Off, n.What = ne.Off, ne.What
	}
	switch {
	case errors.As(err, &ge):
		n.ID, n.What = ge.id, ge.what
	case errors.Is(err, fetch.ErrTooLarge):
		n.ID, n.What = NoteDownload, fetch.ErrTooLarge.Error()
	case errors.Is(err, io.ErrUnexpectedEOF):
		n.ID = NoteCut
	case errors.Unwrap(err) != nil:
		n.ID = NoteReadError
	}
	return n
}

// park closes the file until its first packet is due.
func (f *file) park() {
	if _, ok := f.body.(*os.File); !ok || !f.has || f.info.Name == "-" || f.size.Load() < 0 {
		return
	}
	f.leave()
	f.parked = true
}

// leave closes the file and forgets what it was read with: of thousands of files, their windows.
func (f *file) leave() {
	f.close()
	f.src, f.gz = nil, nil
	f.p.Data = nil
	f.p.options = pcapng.Options{}
}

// unpark opens the file again and reads its first packet again.
func (f *file) unpark() {
	f.parked, f.has = false, false
	f.read.Store(0)
	f.open()
	f.p.Frame = 0
	if f.info.Err == nil {
		f.advance()
	}
}

func (f *file) close() {
	if f.gz != nil {
		f.gz.stop()
	}
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	if f.body != nil {
		f.body.Close()
		f.body = nil
	}
}

// An interruptible reads in a goroutine, so that Read ends with the context even where
// nothing ends the read itself: that of a terminal, or of a pipe that was inherited. The
// goroutine may then still write to the octets that Read was given.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	done chan readResult
}

type readResult struct {
	n   int
	err error
}

func newInterruptible(ctx context.Context, r io.Reader) io.Reader {
	if ctx.Done() == nil {
		return r
	}
	return &interruptible{ctx, r, make(chan readResult, 1)}
}

func (i *interruptible) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, err
	}
	go func() {
		n, err := i.r.Read(p)
		i.done <- readResult{n, err}
	}()
	select {
	case x := <-i.done:
		return x.n, x.err
	case <-i.ctx.Done():
		return 0, i.ctx.Err()
	}
}

// A countingReader counts what is read, for Progress. It gives up on a stream that goes on to give nothing, for
// which io.ReadFull would wait for ever, or that claims more than there was room for.
type countingReader struct {
	r    io.Reader
	n    *atomic.Int64
	idle int // reads in a row that gave nothing
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if n < 0 || n > len(p) {
		return 0, io.ErrNoProgress
	}
	c.n.Add(int64(n))
	if c.idle++; n > 0 {
		c.idle = 0
	}
	if err == nil && c.idle >= maxIdle {
		err = io.ErrNoProgress
	}
	return n, err
}

// maxIdle is how often a stream may give nothing, as in package bufio.
const maxIdle = 100
