package look_test

import (
	"postern.dev/postern/internal/detect"
	"postern.dev/postern/internal/detect/dlp"
)

func detectors() []detect.Detector { return dlp.Detectors(detect.Catalogue{}) }
