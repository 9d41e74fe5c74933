/// The columns of CodeCarbon's `emissions.csv`, and where the record keeps what only CodeCarbon has.
enum CodeCarbonColumns {
    /// The 38 of CodeCarbon 3.3, in its order.
    static let emissions = [
        "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate", "cpu_power",
        "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "water_consumed",
        "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region", "os", "python_version",
        "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude",
        "ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent",
        "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
    ]

    /// Those of the paper's `base/` (CodeCarbon 2.3.1, its log of tasks).
    static let base = [
        "task_name", "timestamp", "project_name", "run_id", "duration", "emissions", "emissions_rate", "cpu_power",
        "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed", "country_name",
        "country_iso_code", "region", "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version",
        "cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude", "ram_total_size", "tracking_mode",
        "on_cloud",
    ]

    /// Those of the paper's `complete/`.
    static let complete = base.dropFirst() + ["pue"]

    /// Numbers of the machine, not of a run.
    static let numbers: Set<String> = [
        "cpu_count", "gpu_count", "longitude", "latitude", "ram_total_size", "pue", "wue",
    ]

    /// Figures of a run that the record keeps under `metrics`, whose names carry the unit.
    static let metrics = [
        "emissions": "emissions_kg", "emissions_rate": "emissions_kg_per_s", "cpu_power": "cpu_power_w",
        "gpu_power": "gpu_power_w", "ram_power": "ram_power_w", "water_consumed": "water_l",
        "cpu_utilization_percent": "cpu_utilization_percent", "gpu_utilization_percent": "gpu_utilization_percent",
        "ram_utilization_percent": "ram_utilization_percent", "ram_used_gb": "ram_used_gb",
    ]
}
