package pdf

import "postern.dev/postern/internal/extract/affine"

func (d *document) matrixOf(o any) affine.Matrix {
	a := d.arrayOf(o)
	if len(a) < 6 {
		return affine.Unit()
	}
	var m affine.Matrix
	for i := range m {
		m[i] = d.numberOf(a[i], 0)
	}
	return m
}
