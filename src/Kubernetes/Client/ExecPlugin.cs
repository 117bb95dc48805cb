// client.authentication.k8s.io: credentials from a program, as cloud providers hand them out.
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

/// <summary>A program that prints an ExecCredential with a bearer token. It is asked again when the token expires or is refused.</summary>
/// <param name="Command">A path, or a name that PATH finds.</param>
/// <param name="Environment">Added to ours.</param>
public sealed record ExecPlugin(
    string Command, IReadOnlyList<string> Arguments, IReadOnlyDictionary<string, string> Environment, string ApiVersion)
{
    /// <summary>The versions that are understood.</summary>
    public static IReadOnlyList<string> ApiVersions { get; } = ["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"];

    /// <summary>Longest time that the program gets.</summary>
    static readonly TimeSpan Timeout = TimeSpan.FromSeconds(60);

    /// <summary>For people who do not have the program.</summary>
    public string? InstallHint { get; init; }

    /// <summary>Where it was configured, for errors.</summary>
    public string Field { get; init; } = "exec";

    /// <returns>The token, and when it expires; null: never.</returns>
    /// <exception cref="KubernetesException">InvalidConfiguration: no such program, it failed, or what it printed has no token.</exception>
    internal async Task<(string Token, DateTimeOffset? Expires)> RunAsync(TimeProvider time, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        using var process = Start();
        try
        {
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(linked.Token);
            var errors = process.StandardError.ReadToEndAsync(linked.Token);
            await process.WaitForExitAsync(linked.Token);
            return process.ExitCode == 0
                ? Parse(await output)
                : throw Wrong($"{Command} ended with exit status {process.ExitCode}: {Short(await errors)}");
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Wrong($"{Command} did not end within {Timeout.TotalSeconds:F0} s");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    Process Start()
    {
        var start = new ProcessStartInfo(Command, Arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false,
        };
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        start.Environment["KUBERNETES_EXEC_INFO"] = new JsonObject
        {
            ["apiVersion"] = ApiVersion, ["kind"] = "ExecCredential", ["spec"] = new JsonObject { ["interactive"] = false },
        }.ToJsonString(KubernetesJson.Default);
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception error)
        {
            throw Wrong($"cannot run {Command}: {error.Message}{(InstallHint is null ? "" : $" ({InstallHint})")}", error);
        }
    }

    (string Token, DateTimeOffset? Expires) Parse(string output)
    {
        JsonNode? printed;
        try
        {
            printed = JsonNode.Parse(output);
        }
        catch (JsonException error)
        {
            throw Wrong($"{Command} printed something else than JSON: {Short(output)}", error);
        }

        if ((printed?["apiVersion"] as JsonValue)?.ToString() is var version && version != ApiVersion)
            throw Wrong($"{Command} printed apiVersion '{version}' instead of '{ApiVersion}'");
        var status = printed?["status"] as JsonObject;
        if ((status?["token"] as JsonValue)?.ToString() is not { Length: > 0 } token)
            throw Wrong($"{Command} printed no status.token (client certificates from programs are not supported)");
        if ((status["expirationTimestamp"] as JsonValue)?.ToString() is not { } text)
            return (token, null);
        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expires)
            ? (token, expires)
            : throw Wrong($"{Command} printed status.expirationTimestamp '{text}', which is no time");
    }

    KubernetesException Wrong(string what, Exception? inner = null) =>
        KubernetesException.Local(KubernetesReasons.InvalidConfiguration, $"{Field}: {what}", inner);

    static string Short(string text) => text.Trim() is { Length: > 300 } trimmed ? trimmed[..300] + "…" : text.Trim();
}
