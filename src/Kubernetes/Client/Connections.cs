// The HttpClient for the certificates of the moment.
using Framelease.Kubernetes.Diagnostics;
using Microsoft.Extensions.Logging;

namespace Framelease.Kubernetes.Client;

/// <summary>
/// Another HttpClient when certificate files were rotated, or a program handed out another certificate: a connection keeps the one that it was made
/// with. What the old one has begun ends in peace; its idle connections close by themselves.
/// </summary>
sealed class Connections : IDisposable
{
    static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(1);

    /// <summary>Longer than any request or watch.</summary>
    static readonly TimeSpan Retirement = TimeSpan.FromHours(1);

    readonly Lock _lock = new();
    readonly KubernetesClientOptions _options;
    readonly TimeProvider _time;
    readonly ILogger _log;
    readonly Queue<(HttpClient Http, long Since)> _retired = [];
    HttpClient _http;
    TlsFiles _files;
    ClientIdentity? _given;
    long _readAt;

    /// <exception cref="KubernetesException">InvalidConfiguration: files that can not be read or are not PEM.</exception>
    public Connections(KubernetesClientOptions options, TimeProvider time, ILogger log)
    {
        (_options, _time, _log) = (options, time, log);
        _files = TlsFiles.Read(options, null);
        _http = Transport.Create(options, _files);
        _readAt = time.GetTimestamp();
    }

    /// <param name="given">The certificate that a program handed out, if it did.</param>
    public HttpClient For(ClientIdentity? given)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(given, _given))
                Replace(given);
            else if (TlsFiles.AnyFile(_options) && _time.GetElapsedTime(_readAt) >= MaxAge)
                Reread();
            return _http;
        }
    }

    /// <summary>After a 401: true when the files hold something else now, so that one more try makes sense.</summary>
    public bool Refresh()
    {
        lock (_lock)
            return TlsFiles.AnyFile(_options) && Reread();
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _http.Dispose();
            while (_retired.TryDequeue(out var old))
                old.Http.Dispose();
        }
    }

    /// <summary>Files that are half-written, or of which one is not yet replaced, are no reason to stop: the next look finds them whole.</summary>
    bool Reread()
    {
        _readAt = _time.GetTimestamp();
        try
        {
            return Replace(_given);
        }
        catch (KubernetesException error)
        {
            Log.CertificatesNotRead(_log, error.Message);
            return false;
        }
    }

    bool Replace(ClientIdentity? given)
    {
        var files = TlsFiles.Read(_options, given);
        if (!files.IsSame(_files))
        {
            var http = Transport.Create(_options, files);
            while (_retired.TryPeek(out var old) && _time.GetElapsedTime(old.Since) >= Retirement)
                _retired.Dequeue().Http.Dispose();
            _retired.Enqueue((_http, _time.GetTimestamp()));
            (_http, _files, _given) = (http, files, given);
            return true;
        }

        _given = given;
        return false;
    }
}
