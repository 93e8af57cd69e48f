package look_test

import (
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/look"
)

func detectors() []detect.Detector { return look.Detectors(detect.Catalogue{}) }
