using System.Diagnostics;

namespace Framelease.Conformance.Tests.Support;

/// <summary>Our own API server: a real process from the build output, on a directory of its own.</summary>
public sealed class LocalServer : Server
{
    public ApiServerProcess Process { get; private set; } = null!;

    public override async Task InitializeAsync()
    {
        Process = await ApiServerProcess.Start(Directory.CreateTempSubdirectory("framelease-conformance-").FullName);
        KubeconfigPath = Process.KubeconfigPath;
        Api = new Api(Kubeconfig.Read(KubeconfigPath));
        await Widgets.Install(Api);
    }

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        if (Process is null)
            return;
        await Process.DisposeAsync();
        Directory.Delete(Process.DataDirectory, recursive: true);
    }
}

[CollectionDefinition(Name)]
public sealed class LocalCollection : ICollectionFixture<LocalServer>
{
    public const string Name = "Local";
}

/// <summary>One run of <c>framelease-localcluster apiserver</c>.</summary>
public sealed class ApiServerProcess : IAsyncDisposable
{
    readonly Process _process;

    ApiServerProcess(Process process, string dataDirectory, string readyLine)
    {
        _process = process;
        DataDirectory = dataDirectory;
        ReadyLine = readyLine;
    }

    public string DataDirectory { get; }

    public string ReadyLine { get; }

    public string KubeconfigPath => Path.Combine(DataDirectory, "kubeconfig");

    public static async Task<ApiServerProcess> Start(string dataDirectory, params string[] more)
    {
        var process = Launch(["--data-dir", dataDirectory, .. more]);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var line = await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60));
        line.ShouldNotBeNull("the API server ended before it was ready");
        return new ApiServerProcess(process, dataDirectory, line);
    }

    /// <summary>Runs it to its end; for starts that must fail.</summary>
    public static async Task<(int Code, string Error)> Fail(params string[] arguments)
    {
        using var process = Launch(arguments);
        var error = await process.StandardError.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync();
        return (process.ExitCode, error);
    }

    static Process Launch(IEnumerable<string> arguments)
    {
        // The program lies beside the tests: they reference its project.
        var program = Path.Combine(AppContext.BaseDirectory, "framelease-localcluster.dll");
        var start = new ProcessStartInfo("dotnet", ["exec", program, "apiserver", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start)!;
    }

    public async Task Kill()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as a supervisor sends it; returns the exit code.</summary>
    public async Task<int> Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString()]);
        await kill.WaitForExitAsync();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await Kill();
        _process.Dispose();
    }
}
