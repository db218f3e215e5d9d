package capture

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// CheckFolders reports whether every one of o.Folders is a folder that can be opened.
func (o *Options) CheckFolders() error {
	for _, dir := range o.Folders {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return fmt.Errorf("the folder %s cannot be opened: %w", dir, pathError(err))
		}
		root.Close()
	}
	return nil
}

var errOutside = errors.New("this path is outside of the folders that may be read; give a path inside of one of them")

// openInside opens a path below one of the folders. Links are followed first, and what
// they lead to is opened through os.Root, which no link put there since can leave.
func openInside(folders []string, name string, regularOnly bool) (*os.File, error) {
	target, err := resolve(name)
	if err != nil {
		if outsideAll(folders, name) {
			return nil, errOutside // and not a word on what is there
		}
		return nil, pathError(err)
	}
	for _, dir := range folders {
		rel, ok := below(dir, target)
		if !ok {
			continue
		}
		if regularOnly {
			if err := refuseKernel(target); err != nil {
				return nil, err
			}
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, pathError(err)
		}
		defer root.Close()
		file, err := root.OpenFile(rel, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			return nil, pathError(err)
		}
		return file, nil
	}
	return nil, errOutside
}

// below returns the path of target inside of dir.
func below(dir, target string) (rel string, ok bool) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", false
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", false
	}
	rel, err = filepath.Rel(dir, target)
	return rel, err == nil && filepath.IsLocal(rel)
}

// outsideAll reports whether a path that does not exist is not even in name below one of
// the folders.
func outsideAll(folders []string, name string) bool {
	for _, dir := range folders {
		if _, ok := below(dir, filepath.Clean(name)); ok {
			return false
		}
		if abs, err := filepath.Abs(dir); err == nil {
			if rel, err := filepath.Rel(abs, filepath.Clean(name)); err == nil && filepath.IsLocal(rel) {
				return false
			}
		}
	}
	return true
}
