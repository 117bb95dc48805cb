// client.authentication.k8s.io: credentials from a program, as cloud providers hand them out.
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Client;

/// <summary>
/// A program that prints an ExecCredential with a bearer token, a client certificate or both. It is asked again when that expires or is refused.
/// </summary>
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

    /// <returns>What it gave, and when that expires; null: never.</returns>
    /// <exception cref="KubernetesException">InvalidConfiguration: no such program, it failed, or what it printed is no credential.</exception>
    internal async Task<(Credential Credential, DateTimeOffset? Expires)> RunAsync(TimeProvider time, CancellationToken ct)
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

    (Credential Credential, DateTimeOffset? Expires) Parse(string output)
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
        var (token, certificate, key) = (Text(status, "token"), Text(status, "clientCertificateData"), Text(status, "clientKeyData"));
        if (token is null && certificate is null)
            throw Wrong($"{Command} printed neither status.token nor status.clientCertificateData");
        if (certificate is null != key is null)
            throw Wrong($"{Command} printed only one of status.clientCertificateData and status.clientKeyData");
        var end = certificate is null ? (DateTimeOffset?)null : EndOf(certificate, key!);
        if (Text(status, "expirationTimestamp") is { } text)
        {
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expires))
                throw Wrong($"{Command} printed status.expirationTimestamp '{text}', which is no time");
            end = end < expires ? end : expires;
        }

        return (new(token, certificate is null ? null : new(Encoding.UTF8.GetBytes(certificate), Encoding.UTF8.GetBytes(key!))), end);
    }

    DateTimeOffset EndOf(string certificate, string key)
    {
        try
        {
            using var own = X509Certificate2.CreateFromPem(certificate, key);
            return new DateTimeOffset(own.NotAfter);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw Wrong($"{Command} printed a client certificate and key that are not valid PEM, or do not belong together: {error.Message}", error);
        }
    }

    static string? Text(JsonObject? status, string name) => (status?[name] as JsonValue)?.ToString() is { Length: > 0 } text ? text : null;

    KubernetesException Wrong(string what, Exception? inner = null) =>
        KubernetesException.Local(KubernetesReasons.InvalidConfiguration, $"{Field}: {what}", inner);

    static string Short(string text) => text.Trim() is { Length: > 300 } trimmed ? trimmed[..300] + "…" : text.Trim();
}
