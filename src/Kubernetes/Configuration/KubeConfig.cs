// From a kubeconfig, or from inside a pod, to client options.
using System.Text.Json;
using System.Text.Json.Nodes;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Serialization;

namespace Framelease.Kubernetes.Configuration;

/// <summary>
/// One or more kubeconfig files read together; for names that occur twice the first file wins, as with kubectl. Start at <see cref="Load"/>.
/// </summary>
public sealed class KubeConfig
{
    readonly IReadOnlyList<ConfigNode> _files;

    KubeConfig(IReadOnlyList<ConfigNode> files) => _files = files;

    /// <summary>Names of the contexts, in order.</summary>
    public IReadOnlyList<string> Contexts => [.. Entries("contexts").Select(e => e.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>The context used when none is asked for; null when no file names one.</summary>
    public string? CurrentContext => _files.Select(f => f["current-context"].Text()).FirstOrDefault(name => name is not null);

    /// <summary>
    /// Client options from <paramref name="path"/>; without it from <c>KUBECONFIG</c>, then <c>~/.kube/config</c>, then the pod that we run in.
    /// </summary>
    /// <param name="context">Null: the current one.</param>
    /// <param name="environment">Environment variables; null: those of this process.</param>
    /// <exception cref="KubeConfigException">Nothing found, or what was found is wrong.</exception>
    public static KubernetesClientOptions Load(string? path = null, string? context = null, Func<string, string?>? environment = null)
    {
        environment ??= Environment.GetEnvironmentVariable;
        if (path is not null)
            return Read(path).ToOptions(context);

        if (environment("KUBECONFIG") is { Length: > 0 } list)
        {
            var named = list.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var present = named.Where(File.Exists).ToArray(); // kubectl skips those of the list that do not exist
            return present.Length > 0
                ? Read(present).ToOptions(context)
                : throw new KubeConfigException($"KUBECONFIG={list}: no such file");
        }

        var home = Path.Combine(environment("HOME") ?? environment("USERPROFILE") ?? "/", ".kube", "config");
        if (File.Exists(home))
            return Read(home).ToOptions(context);
        return InCluster.TryLoad(environment)
            ?? throw new KubeConfigException(
                $"no kubeconfig: KUBECONFIG is not set, {home} does not exist, and this is not a pod (KUBERNETES_SERVICE_HOST is not set). "
                + "Set KUBECONFIG, or pass the path of a kubeconfig");
    }

    /// <summary>Reads kubeconfig files without choosing a context.</summary>
    /// <exception cref="KubeConfigException">A file can not be read or is not YAML.</exception>
    public static KubeConfig Read(params IReadOnlyList<string> paths) => new([.. paths.Select(Parse)]);

    /// <exception cref="KubeConfigException">The context, or what it points to, is missing or wrong.</exception>
    public KubernetesClientOptions ToOptions(string? context = null)
    {
        var first = _files[0];
        var name = context ?? CurrentContext
            ?? throw first["current-context"].Wrong($"is missing: set it, or choose one of: {Names("contexts")}");
        var entry = Find("contexts", name, first, context is null ? "current-context" : "context");
        var body = entry["context"];
        var cluster = Find("clusters", body["cluster"].Required("the name of an entry of clusters"), body["cluster"])["cluster"];
        var options = new KubernetesClientOptions
        {
            Server = ServerOf(cluster["server"]),
            Namespace = body["namespace"].Text() ?? "default",
            InsecureSkipTlsVerify = cluster["insecure-skip-tls-verify"].Flag(),
            TlsServerName = cluster["tls-server-name"].Text(),
            Proxy = cluster["proxy-url"].Text() is { } proxy ? AddressOf(cluster["proxy-url"], proxy) : null,
            CertificateAuthorityData = cluster["certificate-authority-data"].Bytes(),
            CertificateAuthorityFile = cluster["certificate-authority-data"].IsMissing ? cluster["certificate-authority"].ReadableFile() : null,
        };
        return body["user"].Text() is { } user ? WithUser(options, Find("users", user, body["user"])["user"]) : options;
    }

    static KubernetesClientOptions WithUser(KubernetesClientOptions options, ConfigNode user)
    {
        foreach (var unsupported in (string[])["auth-provider", "username"])
        {
            if (!user[unsupported].IsMissing)
                throw user[unsupported].Wrong("is not supported: use token, tokenFile, exec or a client certificate");
        }

        options = options with
        {
            Token = user["token"].Text(),
            TokenFile = user["tokenFile"].FilePath(),
            ClientCertificateData = user["client-certificate-data"].Bytes(),
            ClientCertificateFile = user["client-certificate-data"].IsMissing ? user["client-certificate"].ReadableFile() : null,
            ClientKeyData = user["client-key-data"].Bytes(),
            ClientKeyFile = user["client-key-data"].IsMissing ? user["client-key"].ReadableFile() : null,
            Impersonate = ImpersonationOf(user),
            Exec = ExecOf(user["exec"]),
        };
        var (certificate, key) = (options.ClientCertificateData is not null || options.ClientCertificateFile is not null,
            options.ClientKeyData is not null || options.ClientKeyFile is not null);
        if (certificate && !key)
            throw user["client-key-data"].Wrong("is missing: a client certificate needs its key");
        if (key && !certificate)
            throw user["client-certificate-data"].Wrong("is missing: a client key needs its certificate");
        return options;
    }

    static Impersonation? ImpersonationOf(ConfigNode user)
    {
        var groups = user["as-groups"].Items().Select(g => g.Required("a group")).ToArray();
        if (groups.Length > 1)
            throw user["as-groups"].Wrong("has more than one group, which is not supported");
        var extra = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, _) in user["as-user-extra"].Node as JsonObject ?? [])
        {
            var values = user["as-user-extra"][key].Items().Select(v => v.Required("a value")).ToArray();
            extra[key] = values is [var only] ? only : throw user["as-user-extra"][key].Wrong("must have one value");
        }

        if (user["as"].Text() is { } other)
            return new(other, user["as-uid"].Text(), groups is [var group] ? group : null, extra.Count == 0 ? null : extra);
        var alone = new[] { "as-uid", "as-groups", "as-user-extra" }.FirstOrDefault(f => !user[f].IsMissing);
        return alone is null ? null : throw user[alone].Wrong("is of no use without as, the user to act as");
    }

    static ExecPlugin? ExecOf(ConfigNode exec)
    {
        if (exec.IsMissing)
            return null;
        var version = exec["apiVersion"].Required($"write {string.Join(" or ", ExecPlugin.ApiVersions)}");
        if (!ExecPlugin.ApiVersions.Contains(version))
            throw exec["apiVersion"].Wrong($"is '{version}': write {string.Join(" or ", ExecPlugin.ApiVersions)}");
        if (exec["interactiveMode"].Text() == "Always")
            throw exec["interactiveMode"].Wrong("is Always, but programs have no terminal to ask at: use IfAvailable or Never");
        var command = exec["command"].Required("the program that prints the credential");
        var isPath = command.Contains('/', StringComparison.Ordinal) && !Path.IsPathRooted(command);
        return new(
            isPath ? exec["command"].FilePath()! : command,
            [.. exec["args"].Items().Select(a => a.Text() ?? "")],
            exec["env"].Items().ToDictionary(e => e["name"].Required("each variable has a name"), e => e["value"].Text() ?? ""),
            version)
        {
            InstallHint = exec["installHint"].Text(), Field = $"kubeconfig {exec.File}: {exec.Field}",
        };
    }

    static Uri ServerOf(ConfigNode server) => AddressOf(server, server.Required("the address of the API server, for example https://127.0.0.1:6443"));

    static Uri AddressOf(ConfigNode node, string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http"
            ? uri
            : throw node.Wrong($"is '{text}': write an http:// or https:// address");

    ConfigNode Find(string section, string name, ConfigNode from, string? field = null)
    {
        foreach (var (entryName, entry) in Entries(section))
        {
            if (entryName == name)
                return entry;
        }

        throw new KubeConfigException(
            $"kubeconfig {from.File}: {field ?? from.Field} is '{name}', but {section} has no such entry; there are: {Names(section)}");
    }

    string Names(string section) => string.Join(", ", Entries(section).Select(e => e.Name)) is { Length: > 0 } names ? names : "none";

    IEnumerable<(string Name, ConfigNode Entry)> Entries(string section) =>
        _files.SelectMany(f => f[section].Items()).Select(e => (e["name"].Required("each entry has a name"), e));

    static ConfigNode Parse(string path)
    {
        if (Directory.Exists(path))
            throw new KubeConfigException($"kubeconfig {path}: is a folder; name the file");
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new KubeConfigException($"kubeconfig {path}: cannot be read: {error.Message}", error);
        }

        try
        {
            // JSON is YAML too, but its parser is at hand already when a program starts.
            var node = text.AsSpan().TrimStart().StartsWith("{") ? JsonNode.Parse(text) : Yaml.ParseObject(text);
            return node is JsonObject ? new(path, "", node) : throw new FormatException("expected a mapping");
        }
        catch (Exception error) when (error is FormatException or JsonException)
        {
            throw new KubeConfigException($"kubeconfig {path}: {error.Message}", error);
        }
    }
}
