import Foundation
import Subprocess
package import WorkloadProtocol

/// What of this process's environment its plugins, and the programs that install them, find in theirs.
///
/// An environment is where people keep tokens: whatever is not needed to find programs, libraries, caches and devices stays out,
/// whoever set it. A plugin that needs more names it in its manifest (`env`), and whoever starts taskwatt may name some in
/// `TASKWATT_PLUGIN_ENV`.
package enum PluginEnvironment {
    /// The variable in which a user names others that all plugins may have, separated by commas.
    package static let extra = "TASKWATT_PLUGIN_ENV"
    /// The most names in `env` of a manifest: none of ours has ten.
    static let mostNames = 64

    /// Who and where the user is, where things are, and in which language and time it is told: environ(7).
    private static let names: Set<String> = [
        "HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "PWD", "SHELL", "TEMP", "TERM", "TMP", "TMPDIR", "TZ", "USER",
        "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME",
        // The loader's, without which libraries of CUDA and ROCm in their own directories are not found: ld.so(8).
        "GLIBC_TUNABLES", "LD_LIBRARY_PATH", "LD_PRELOAD",
        // The certificates that are trusted, as paths.
        "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_DIR", "SSL_CERT_FILE",
        "CONDA_DEFAULT_ENV", "CONDA_PREFIX", "JAVA_HOME", "VIRTUAL_ENV",
        // Which library of ONNX Runtime is used, and where it is looked for.
        "TASKWATT_ENGINE_PATH", "TASKWATT_ONNXRUNTIME",
        "ASAN_OPTIONS", "LSAN_OPTIONS", "SWIFT_BACKTRACE", "TSAN_OPTIONS", "UBSAN_OPTIONS",
        // It has the word of a secret in it and is none.
        "TOKENIZERS_PARALLELISM",
    ]

    /// Of languages, allocators, accelerators, and the libraries and engines that compute on them or on threads.
    private static let prefixes = [
        "LC_", "MALLOC_", "PYTHON",
        "AMD_", "CUBLAS_", "CUDA_", "CUDNN_", "GPU_", "HIP_", "HSA_", "MIOPEN_", "NCCL_", "NVIDIA_", "ONEAPI_",
        "ROCBLAS_",
        "ROCM_", "ROCR_", "SYCL_", "ZE_",
        "BLIS_", "DNNL_", "GOMP_", "GOTO_", "KMP_", "MKL_", "NUMEXPR_", "OMP_", "ONEDNN_", "OPENBLAS_",
        "JAX_", "ORT_", "PYTORCH_", "TF_", "TORCH", "TRITON_", "XLA_",
        // Where models are kept, and whether they may be fetched.
        "HF_", "LLAMA_", "OLLAMA_", "TRANSFORMERS_",
    ]

    /// Words in the names of secrets. What has one is passed only to whom it is named.
    private static let secretWords = ["AUTH", "CREDENTIAL", "KEY", "PASS", "SECRET", "TOKEN", "PRIVATE"]

    private static let proxies: Set<String> = ["ALL_PROXY", "FTP_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"]

    /// For a plugin.
    ///
    /// - Parameter variables: the caller's.
    package static func of(
        _ manifest: PluginManifest, from variables: [String: String] = ProcessInfo.processInfo.environment
    ) -> [String: String] {
        let named = Set(manifest.environment + named(in: variables))
        return variables.filter { name, value in
            if named.contains(name) || isHarmless(name) { return true }
            // The way out, for whoever has a network; not with the password that a proxy wants.
            return manifest.network && proxies.contains(name.uppercased()) && !value.contains("@")
        }
    }

    /// For pip, and what it starts to build a package: the settings of both, and a proxy with its password.
    static func ofInstaller(from variables: [String: String] = ProcessInfo.processInfo.environment) -> [String: String]
    {
        let named = Set(named(in: variables))
        let own = ["CARGO_", "CMAKE_", "PIP_", "PKG_CONFIG", "RUST", "SETUPTOOLS_"]
        let builders: Set<String> = [
            "AR", "CC", "CFLAGS", "CPPFLAGS", "CXX", "CXXFLAGS", "FC", "FORCE_CMAKE", "LD", "LDFLAGS", "MAKEFLAGS",
            "MAX_JOBS",
            "NETRC", "SOURCE_DATE_EPOCH",
        ]
        return variables.filter { name, _ in
            named.contains(name) || isHarmless(name) || own.contains(where: name.hasPrefix) || builders.contains(name)
                || proxies.contains(name.uppercased())
        }
    }

    private static func isHarmless(_ name: String) -> Bool {
        if names.contains(name) { return true }
        return prefixes.contains(where: name.hasPrefix) && !secretWords.contains(where: name.uppercased().contains)
    }

    private static func named(in variables: [String: String]) -> [String] {
        (variables[extra] ?? "").split(whereSeparator: { $0 == "," || $0.isWhitespace }).map(String.init)
    }
}

extension Environment {
    /// These variables and no others.
    init(only variables: [String: String]) {
        var all: [Key: String] = [:]
        for (name, value) in variables { all[Key(stringLiteral: name)] = value }
        self = .custom(all)
    }
}
