// The bearer token or certificate: fixed, from a file that is rotated under us (service accounts, our own clusters after a restart), or from a program.
namespace Framelease.Kubernetes.Client;

sealed class Credentials(KubernetesClientOptions options, TimeProvider time) : IDisposable
{
    static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    /// <summary>A token is not used in its last moments, in which it may expire on its way.</summary>
    static readonly TimeSpan Margin = TimeSpan.FromSeconds(10);

    readonly SemaphoreSlim _one = new(1);
    Credential _current = new(options.Token, null);
    DateTimeOffset? _expires;
    long _readAt;
    bool _read;

    bool IsFixed => options.TokenFile is null && (options.Exec is null || options.Token is not null);

    /// <exception cref="KubernetesException">The file can not be read, or the program fails, and no token was there before.</exception>
    public async ValueTask<Credential> CurrentAsync(CancellationToken ct)
    {
        if (IsFixed)
            return _current;
        await _one.WaitAsync(ct);
        try
        {
            if (!_read || IsOld())
                await ReadAsync(ct);
            return _current;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>After a 401: true when there is another credential than the refused one, so that one more try makes sense.</summary>
    public async Task<bool> RefreshAsync(Credential refused, CancellationToken ct)
    {
        if (IsFixed)
            return false;
        await _one.WaitAsync(ct);
        try
        {
            if (_current == refused) // else somebody else has done it already
                await ReadAsync(ct);
            return _current != refused;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    bool IsOld() => options.TokenFile is null
        ? _expires is { } end && time.GetUtcNow() >= end - Margin
        : time.GetElapsedTime(_readAt) >= MaxAge;

    async Task ReadAsync(CancellationToken ct)
    {
        if (options.TokenFile is { } file)
        {
            try
            {
                _current = new((await File.ReadAllTextAsync(file, ct)).Trim(), null);
                _readAt = time.GetTimestamp();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                if (!_read)
                    throw KubernetesException.Local(KubernetesReasons.InvalidConfiguration, $"token file {file}: {error.Message}", error);
            }
        }
        else
        {
            (_current, _expires) = await options.Exec!.RunAsync(time, ct);
        }

        _read = true;
    }
}
