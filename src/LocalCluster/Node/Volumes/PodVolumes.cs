using System.Text;
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Models;
using Framelease.LocalCluster.Node.Pods;
using Framelease.LocalCluster.Shim.Records;

namespace Framelease.LocalCluster.Node.Volumes;

/// <summary>
/// One pod's volumes as local directories: emptyDir, projected tokens (renewed before they expire), ConfigMaps and Secrets (as they were when
/// the pod began), hostPath below an allowed prefix.
/// </summary>
sealed class PodVolumes(Pod pod, PodPaths paths, IKubernetesClient client, IReadOnlyList<string> allowedHostPaths, TimeProvider time)
{
    const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    const UnixFileMode PrivateDirectory = Private | UnixFileMode.UserExecute;
    static readonly TimeSpan RetryTokens = TimeSpan.FromSeconds(15);

    readonly Dictionary<string, string> _directories = [];
    readonly List<Token> _tokens = [];

    internal IReadOnlyDictionary<string, string> Directories => _directories;

    internal bool Prepared { get; private set; }

    /// <summary>When <see cref="RenewAsync"/> is next due; null = never.</summary>
    internal DateTimeOffset? RenewalDue => _tokens.Count == 0 ? null : _tokens.Min(token => token.Due);

    string Uid => pod.Metadata.Uid!;

    /// <summary>Makes every volume's directory and content. May be called again, also by a later node.</summary>
    /// <exception cref="ConfigErrorException">A source is missing, not allowed or not supported here.</exception>
    /// <exception cref="KubernetesException">The API server did not answer, or refused a token.</exception>
    internal async Task PrepareAsync(CancellationToken ct)
    {
        foreach (var directory in new[] { paths.Pod(Uid), paths.Home(Uid), paths.Temporary(Uid) })
            Directory.CreateDirectory(directory, PrivateDirectory);
        _tokens.Clear();
        foreach (var volume in pod.Spec?.Volumes ?? [])
        {
            if (volume.HostPath is { } host)
            {
                _directories[volume.Name] = Allowed(volume.Name, host.Path);
                continue;
            }
            var directory = paths.Volume(Uid, volume.Name);
            Directory.CreateDirectory(directory, PrivateDirectory);
            _directories[volume.Name] = directory;
            await FillAsync(volume, directory, ct);
        }
        Prepared = true;
    }

    /// <summary>Renews what is due. A token that cannot be renewed is tried again soon; the old one stays.</summary>
    internal async Task RenewAsync(CancellationToken ct)
    {
        for (var i = 0; i < _tokens.Count; i++)
            if (_tokens[i].Due <= time.GetUtcNow())
                try
                {
                    _tokens[i] = await RequestAsync(_tokens[i].Source, _tokens[i].File, ct);
                }
                catch (KubernetesException)
                {
                    _tokens[i] = _tokens[i] with { Due = time.GetUtcNow() + RetryTokens };
                }
    }

    async Task FillAsync(Volume volume, string directory, CancellationToken ct)
    {
        if (volume.EmptyDir is not null)
            return;
        if (volume.ConfigMap is { } map)
            await WriteConfigMapAsync(map, directory, ct);
        else if (volume.Secret is { } secret)
            await WriteSecretAsync(secret.SecretName, secret.Items, secret.Optional, directory, ct);
        else if (volume.Projected is { } projected)
            foreach (var source in projected.Sources ?? [])
            {
                if (source.ServiceAccountToken is { } token)
                    _tokens.Add(await RequestAsync(token, FileBelow(directory, token.Path), ct));
                if (source.ConfigMap is { } projectedMap)
                    await WriteConfigMapAsync(projectedMap, directory, ct);
                if (source.Secret is { } projectedSecret)
                    await WriteSecretAsync(projectedSecret.Name, projectedSecret.Items, projectedSecret.Optional, directory, ct);
            }
        else
            throw new ConfigErrorException(
                $"volume \"{volume.Name}\" has a source that this node does not offer; use emptyDir, projected, configMap, secret or hostPath");
    }

    async Task<Token> RequestAsync(ServiceAccountTokenProjection source, string file, CancellationToken ct)
    {
        var seconds = source.ExpirationSeconds ?? 3600;
        var answer = await client.CreateTokenAsync(pod.Spec?.ServiceAccountName ?? "default", pod.Metadata.Namespace,
            source.Audience is { } audience ? [audience] : [], seconds, (pod.Metadata.Name!, Uid), ct);
        Write(file, Encoding.UTF8.GetBytes(answer.Token ?? ""));
        var now = time.GetUtcNow();
        var lifetime = (answer.ExpirationTimestamp ?? now.AddSeconds(seconds)) - now;
        return new Token(source, file, now + lifetime * 0.8);
    }

    async Task WriteConfigMapAsync(ConfigMapVolume source, string directory, CancellationToken ct)
    {
        var map = await client.FindAsync<ConfigMap>(source.Name ?? "", pod.Metadata.Namespace, ct);
        if (map is null && source.Optional != true)
            throw new ConfigErrorException($"ConfigMap \"{source.Name}\" does not exist; create it or mark the volume optional");
        var content = (map?.Data ?? new Dictionary<string, string>()).ToDictionary(pair => pair.Key, pair => Encoding.UTF8.GetBytes(pair.Value));
        foreach (var (key, value) in map?.BinaryData ?? new Dictionary<string, byte[]>())
            content[key] = value;
        WriteKeys($"ConfigMap \"{source.Name}\"", content, source.Items, source.Optional, directory);
    }

    async Task WriteSecretAsync(string? name, IReadOnlyList<KeyToPath>? items, bool? optional, string directory, CancellationToken ct)
    {
        var secret = await client.FindAsync<Secret>(name ?? "", pod.Metadata.Namespace, ct);
        if (secret is null && optional != true)
            throw new ConfigErrorException($"Secret \"{name}\" does not exist; create it or mark the volume optional");
        WriteKeys($"Secret \"{name}\"", secret?.Data ?? new Dictionary<string, byte[]>(), items, optional, directory);
    }

    static void WriteKeys(
        string source, IReadOnlyDictionary<string, byte[]> content, IReadOnlyList<KeyToPath>? items, bool? optional, string directory)
    {
        foreach (var item in items ?? [.. content.Keys.Select(key => new KeyToPath(key, key))])
            if (content.TryGetValue(item.Key, out var value))
                Write(FileBelow(directory, item.Path), value);
            else if (optional != true)
                throw new ConfigErrorException($"{source} has no key \"{item.Key}\"");
    }

    static string FileBelow(string directory, string path) =>
        path.Length == 0 || Path.IsPathRooted(path) || path.Split('/').Contains("..")
            ? throw new ConfigErrorException($"volume path \"{path}\" must be relative and stay inside its volume")
            : Path.Combine(directory, path);

    static void Write(string file, ReadOnlySpan<byte> content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!, PrivateDirectory);
        AtomicFile.Write(file, content, durable: false, mode: Private);
    }

    string Allowed(string volume, string path)
    {
        var full = Path.GetFullPath(path);
        foreach (var prefix in allowedHostPaths)
            if (full == prefix || full.StartsWith(prefix.TrimEnd('/') + '/', StringComparison.Ordinal))
                return full;
        throw new ConfigErrorException(
            $"volume \"{volume}\": hostPath {full} is not allowed on this node; start it with --allow {full}, or use emptyDir");
    }

    sealed record Token(ServiceAccountTokenProjection Source, string File, DateTimeOffset Due);
}
