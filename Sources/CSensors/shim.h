// libsensors of lm-sensors: sensors(3).
#pragma once
#include <sensors/error.h>
#include <sensors/sensors.h>
