// The bearer token: fixed, or from a file that is rotated under us (service account tokens, our own clusters after a restart).
namespace Framelease.Kubernetes.Client;

sealed class Credentials(KubernetesClientOptions options, TimeProvider time)
{
    static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    readonly Lock _lock = new();
    string? _token = options.Token;
    long _readAt;
    bool _read;

    /// <exception cref="KubernetesException">The token file can not be read and no token was read before.</exception>
    public string? Token()
    {
        if (options.TokenFile is not { } file)
            return _token;
        lock (_lock)
        {
            if (_read && time.GetElapsedTime(_readAt) < MaxAge)
                return _token;
            try
            {
                _token = File.ReadAllText(file).Trim();
                (_read, _readAt) = (true, time.GetTimestamp());
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                if (!_read)
                    throw KubernetesException.Local(KubernetesReasons.InvalidConfiguration, $"token file {file}: {error.Message}", error);
            }

            return _token;
        }
    }

    /// <summary>After a 401: true when the file may hold a newer token, so that one more try makes sense.</summary>
    public bool Refresh(string? refused)
    {
        if (options.TokenFile is null)
            return false;
        lock (_lock)
            _read = _read && _token != refused;
        return Token() != refused;
    }
}
